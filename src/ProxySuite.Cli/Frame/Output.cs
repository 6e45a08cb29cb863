using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ProxySuite.Control;
using Spectre.Console;

namespace ProxySuite.Cli.Frame;

/// <summary>
/// Where answers and errors go. Standard output holds the answer alone: with <c>--json</c> one JSON value, else text and tables, plain and without
/// control sequences unless it is a terminal. Everything else, errors included, goes to standard error.
/// </summary>
internal sealed partial class Output(CliConsole console, bool json)
{
    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = null,
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
        // The answer is no part of a web page: a quote in a name stays readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    public bool IsJson => json;

    /// <summary>The answer: as JSON when that was asked for, else what <paramref name="write"/> prints.</summary>
    public void Answer(object answer, Action<Output> write)
    {
        if (json) console.Out.WriteLine(JsonSerializer.Serialize(answer, JsonOptions));
        else write(this);
    }

    public void Line(string text = "") => console.Out.WriteLine(text);

    /// <summary>What a person watching wants to know and no script reads; nothing with <c>--json</c>.</summary>
    public void Note(string text)
    {
        if (!json) console.Error.WriteLine(text);
    }

    public void Error(string message, string? hint)
    {
        if (json)
        {
            console.Error.WriteLine(JsonSerializer.Serialize(new { Error = new { Message = message, Hint = hint } }, JsonOptions));
            return;
        }
        console.Error.WriteLine($"proxyctl: {message}");
        if (hint is not null) console.Error.WriteLine($"Hint: {hint}");
    }

    /// <summary>Shows how far long work has come where somebody watches: on standard error, when that is a terminal, and never with <c>--json</c>.</summary>
    /// <param name="title">What is done, in two or three words.</param>
    /// <param name="control">Says how far it has come.</param>
    public async Task<T> ProgressAsync<T>(string title, ControlPlane control, Func<Task<T>> work)
    {
        if (json || !console.IsErrorTerminal) return await work();
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(console.Error) });
        return await terminal.Progress().AutoClear(true).HideCompleted(false)
            .Columns(new SpinnerColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async context =>
            {
                ProgressTask bar = context.AddTask(Markup.Escape(title));
                bar.IsIndeterminate = true;
                control.Progress = now =>
                {
                    bar.Description = Markup.Escape($"{title}: {now.What}");
                    bar.IsIndeterminate = now.Total == 0;
                    if (now.Total > 0) bar.MaxValue = now.Total;
                    bar.Value = now.Done;
                    context.Refresh();
                };
                try
                {
                    return await work();
                }
                finally
                {
                    control.Progress = null;
                }
            });
    }

    /// <inheritdoc cref="ProgressAsync{T}"/>
    public Task ProgressAsync(string title, ControlPlane control, Func<Task> work) => ProgressAsync(title, control, async () =>
    {
        await work();
        return true;
    });

    public void Table(string[] columns, IEnumerable<string[]> rows)
    {
        string[][] cells = [.. rows];
        if (console.IsTerminal) DrawTable(columns, cells);
        else PrintTable(columns, cells);
    }

    /// <summary>Names and values, one a line.</summary>
    public void Facts(params (string Name, string Value)[] facts)
    {
        int width = facts.Max(fact => fact.Name.Length) + 2;
        foreach ((string name, string value) in facts) Line($"{(name + ":").PadRight(width)}{value}");
    }

    private void DrawTable(string[] columns, string[][] rows)
    {
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(console.Out) });
        var table = new Table { Border = TableBorder.Rounded };
        foreach (string column in columns) table.AddColumn(new TableColumn($"[bold]{Markup.Escape(column)}[/]").NoWrap());
        foreach (string[] row in rows) table.AddRow([.. row.Select(cell => new Markup(Markup.Escape(cell)))]);
        terminal.Write(table);
    }

    // For pipes and files: columns two blanks apart, never wrapped, no blanks at the end of a line.
    private void PrintTable(string[] columns, string[][] rows)
    {
        int[] widths = [.. columns.Select((column, i) => rows.Select(row => row[i].Length).Append(column.Length).Max())];
        foreach (string[] row in rows.Prepend(columns))
        {
            Line(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
        }
    }
}
