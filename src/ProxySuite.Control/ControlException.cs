namespace ProxySuite.Control;

/// <summary>A refusal or failure that an operator can act on.</summary>
/// <param name="message">What is wrong, in PostgreSQL's style: lower case, no full stop; never a secret.</param>
/// <param name="hint">A sentence with the way out; null when the message says it all.</param>
public sealed class ControlException(string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    public string? Hint { get; } = hint;

    /// <value>It may pass: the same again later may succeed, and a job is left open for that.</value>
    public bool IsTransient { get; init; }
}
