namespace ProxySuite.Cli.Frame;

/// <summary>What a run of the program touches of its surroundings, so that tests can run it whole.</summary>
/// <param name="IsTerminal">Whether <paramref name="Out"/> is a terminal: tables then have lines and colours.</param>
/// <param name="IsInputTerminal">Whether somebody sits before <paramref name="In"/> who can be asked.</param>
/// <param name="IsErrorTerminal">Whether <paramref name="Error"/> is a terminal: long work then shows how far it has come.</param>
/// <param name="Environment">A variable of the environment; null when it is not set.</param>
internal sealed record CliConsole(TextReader In, TextWriter Out, TextWriter Error, bool IsTerminal, Func<string, string?> Environment, bool IsInputTerminal = false, bool IsErrorTerminal = false)
{
    public static CliConsole OfProcess()
        => new(Console.In, Console.Out, Console.Error, !Console.IsOutputRedirected, System.Environment.GetEnvironmentVariable, !Console.IsInputRedirected,
            !Console.IsErrorRedirected);
}
