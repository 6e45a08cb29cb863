namespace ProxySuite.Wire.Errors;

/// <summary>An error or notice as a client sees it (protocol-error-fields).</summary>
/// <param name="SqlState">Five characters; see <see cref="Errors.SqlState"/>.</param>
/// <param name="Message">One line, lower case first, without a full stop.</param>
/// <param name="Hint">Sentences that name the limit and the way out, or null.</param>
/// <param name="Detail">Sentences with the particulars, or null.</param>
/// <param name="Severity">ERROR, FATAL, PANIC; for notices WARNING, NOTICE, INFO, LOG, DEBUG. Never translated.</param>
public sealed record PgError(string SqlState, string Message, string? Hint = null, string? Detail = null, string Severity = "ERROR")
{
    /// <summary>The same error, told as the one that ends the connection.</summary>
    public PgError AsFatal() => this with { Severity = "FATAL" };
}
