using Spectre.Console;
using Spectre.Console.Rendering;

namespace ProxySuite.Cli.Frame;

/// <summary>Tables that are drawn anew in their place, where somebody watches.</summary>
internal sealed partial class Output
{
    /// <summary>Whether somebody watches who can be shown what changes.</summary>
    public bool IsLive => console.IsTerminal && !json;

    /// <summary>Shows tables and draws them anew until q is pressed or the token fires, neither of which is a failure.</summary>
    /// <param name="read">Makes the tables; those without rows are not shown.</param>
    /// <param name="refresh">Time between two drawings.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task LiveAsync(Func<CancellationToken, Task<List<(string Title, string[] Columns, string[][] Rows)>>> read, TimeSpan refresh, CancellationToken cancellationToken)
    {
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(console.Out) });
        try
        {
            await terminal.Live(new Text("asking…")).StartAsync(async live =>
            {
                while (true)
                {
                    live.UpdateTarget(Draw(await read(cancellationToken), terminal.Profile.Height));
                    long next = Environment.TickCount64 + (long)refresh.TotalMilliseconds;
                    while (Environment.TickCount64 < next)
                    {
                        if (IsQuitPressed()) return;
                        await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
                    }
                }
            });
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Ctrl-C is how one leaves.
        }
    }

    private bool IsQuitPressed()
    {
        while (console.IsInputTerminal && Console.KeyAvailable)
        {
            if (Console.ReadKey(intercept: true).KeyChar is 'q' or 'Q') return true;
        }
        return false;
    }

    // What is longer than the terminal would scroll instead of changing: the last table that is too long is cut.
    private static Rows Draw(List<(string Title, string[] Columns, string[][] Rows)> tables, int height)
    {
        const int Frame = 6; // title, borders and heads
        var parts = new List<IRenderable>();
        int left = Math.Max(height, 12) - 2;
        foreach ((string title, string[] columns, string[][] rows) in tables)
        {
            int room = Math.Min(rows.Length, left - Frame);
            if (room <= 0) continue;
            left -= room + Frame;
            var table = new Table { Border = TableBorder.Rounded, Title = new TableTitle(Markup.Escape(title)) };
            foreach (string column in columns) table.AddColumn(new TableColumn($"[bold]{Markup.Escape(column)}[/]").NoWrap());
            foreach (string[] row in rows.Take(room)) table.AddRow([.. row.Select(cell => new Markup(Markup.Escape(cell)))]);
            parts.Add(table);
        }
        parts.Add(new Text("q ends"));
        return new Rows(parts);
    }
}
