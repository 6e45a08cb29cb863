namespace ProxySuite.Cli.Frame;

/// <summary>The command line asks for something that cannot be meant; the program ends with 2.</summary>
/// <param name="hint">A sentence with the way out; null when the message says it all.</param>
internal sealed class UsageException(string message, string? hint = null) : Exception(message)
{
    public string? Hint { get; } = hint;
}
