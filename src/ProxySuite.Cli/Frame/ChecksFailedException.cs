namespace ProxySuite.Cli.Frame;

/// <summary>The answer is out, and says that something is wrong: the program ends with 1.</summary>
internal sealed class ChecksFailedException(string message) : Exception(message);
