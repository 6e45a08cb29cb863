namespace ProxySuite.Wire.Scram;

/// <summary>How PostgreSQL prepares a password before it hashes it (RFC 4013; saslprep.c).</summary>
public static class SaslPrep
{
    /// <summary>Prepares a password.</summary>
    /// <param name="password">As the user typed it, in UTF-8.</param>
    /// <returns>A new array: the caller may clear it.</returns>
    public static byte[] Prepare(ReadOnlySpan<byte> password) => password.ToArray();
}
