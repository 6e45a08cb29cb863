using System.Globalization;
using System.Text;
using ProxySuite.EndToEnd.Tests.World;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.BadInput;

/// <summary>A proxy of its own that gives log-ins two seconds, two good clients of another tenant beside it, and the table of what bad input got.</summary>
#pragma warning disable CA1001 // xunit ends it through IAsyncLifetime
public sealed class BadInputWorld(ProxydWorld world) : IAsyncLifetime
#pragma warning restore CA1001
{
    /// <summary>Short, since some tests wait for it; a good log-in takes milliseconds.</summary>
    public const string LoginTimeout = "2s";

    /// <summary>Names the file that gets the table; bench/load/bad-input/run.sh sets it.</summary>
    private const string ReportVariable = "BAD_INPUT_REPORT";

    private readonly List<Row> _rows = [];
    private Proxyd? _proxyd;
    private GoodClients? _good;

    /// <summary>A line of the table; memory is the proxy's resident set in kB.</summary>
    private sealed record Row(string Sent, string Answer, string Ending, long MemoryBefore, long MemoryAfter);

    public Proxyd Proxyd => _proxyd ?? throw new InvalidOperationException("not started");

    public GoodClients Good => _good ?? throw new InvalidOperationException("not started");

    /// <summary>Whose clients misbehave.</summary>
    public TestTenant Offender => world.Acme;

    public async Task InitializeAsync()
    {
        _proxyd = await world.StartProxydAsync($"--Auth:LoginTimeout={LoginTimeout}", "--Logging:Connections=off");
        _good = new GoodClients(_proxyd, world.Initech);
        await _good.MustGoOnAsync(100);
    }

    public void Note(string sent, string answer, string ending, long memoryBefore, long memoryAfter)
        => _rows.Add(new Row(sent, answer, ending, memoryBefore, memoryAfter));

    public async Task DisposeAsync()
    {
        if (_good is not null) await _good.DisposeAsync();
        if (_proxyd is not null) await _proxyd.DisposeAsync();
        if (Environment.GetEnvironmentVariable(ReportVariable) is { Length: > 0 } path) await File.WriteAllTextAsync(path, Table());
    }

    private string Table()
    {
        var table = new StringBuilder();
        int sent = _rows.Max(row => row.Sent.Length), answer = _rows.Max(row => row.Answer.Length);
        table.AppendLine(CultureInfo.InvariantCulture, $"{"sent".PadRight(sent)}  {"came back".PadRight(answer)}  {"ended",-10} {"RSS before kB",13} {"after kB",9}");
        // Tests run in any order; the table follows that of the lists.
        List<string> order = [.. BadPacket.All.Select(packet => packet.ToString())];
        foreach (Row row in _rows.OrderBy(row => order.Contains(row.Sent) ? order.IndexOf(row.Sent) : order.Count))
        {
            table.AppendLine(CultureInfo.InvariantCulture,
                $"{row.Sent.PadRight(sent)}  {row.Answer.PadRight(answer)}  {row.Ending,-10} {row.MemoryBefore,13} {row.MemoryAfter,9}");
        }
        table.AppendLine(CultureInfo.InvariantCulture, $"good clients of another tenant meanwhile: {_good!.Queries} queries, {_good.Logins} log-ins, {_good.Errors} errors");
        return table.ToString();
    }
}
