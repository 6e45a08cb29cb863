using ProxySuite.Cli.Frame;

namespace ProxySuite.Control.Tests;

/// <summary>What <c>proxyctl top</c> draws where somebody watches.</summary>
public sealed class LiveTableTests
{
    [Fact]
    public async Task Tables_are_drawn_anew_until_one_leaves_and_that_is_no_failure()
    {
        using var shown = new StringWriter();
        var output = new Output(new CliConsole(TextReader.Null, shown, TextWriter.Null, IsTerminal: true, _ => null), json: false);
        using var leave = new CancellationTokenSource();
        int readings = 0;
        await output.LiveAsync(token =>
        {
            if (++readings == 3) leave.Cancel();
            return Task.FromResult(new List<(string, string[], string[][])>
            {
                ("tenants [by time]", ["TENANT", "BUSY"], [["acme", $"{readings}.00"]]),
                ("nobody waits", ["TENANT"], []),
            });
        }, TimeSpan.FromMilliseconds(1), leave.Token);
        string text = shown.ToString();
        Assert.Equal(3, readings);
        Assert.Contains("tenants [by time]", text, StringComparison.Ordinal);
        Assert.Contains("acme", text, StringComparison.Ordinal);
        Assert.Contains("3.00", text, StringComparison.Ordinal);
        Assert.DoesNotContain("nobody waits", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_to_draw_is_no_failure_either()
    {
        using var shown = new StringWriter();
        var output = new Output(new CliConsole(TextReader.Null, shown, TextWriter.Null, IsTerminal: true, _ => null), json: false);
        using var leave = new CancellationTokenSource();
        await output.LiveAsync(token =>
        {
            leave.Cancel();
            return Task.FromResult(new List<(string, string[], string[][])>());
        }, TimeSpan.FromMilliseconds(1), leave.Token);
        Assert.Contains("q ends", shown.ToString(), StringComparison.Ordinal);
    }
}
