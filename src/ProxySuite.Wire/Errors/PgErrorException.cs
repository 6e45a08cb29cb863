namespace ProxySuite.Wire.Errors;

/// <summary>Carries a <see cref="PgError"/> to whoever turns it into an ErrorResponse. Not sealed: a protocol violation is one of its kind.</summary>
public class PgErrorException(PgError error) : Exception(error.Message)
{
    /// <summary>What the client is to be told.</summary>
    public PgError Error { get; } = error;
}
