using System.Diagnostics.CodeAnalysis;

namespace ProxySuite.Wire.Scram;

/// <summary>What is stored for a password: a SCRAM verifier or, for clients that know nothing better, an md5 hash (pg_authid.rolpassword).</summary>
public abstract class PasswordVerifier
{
    /// <summary>Reads either stored form.</summary>
    /// <returns>False when the text is neither.</returns>
    public static bool TryReadStored(string? text, [NotNullWhen(true)] out PasswordVerifier? verifier)
    {
        verifier = ScramVerifier.TryParse(text, out ScramVerifier? scram) ? scram : Md5Verifier.TryParse(text, out Md5Verifier? md5) ? md5 : null;
        return verifier is not null;
    }

    /// <summary>Reads either stored form.</summary>
    /// <exception cref="FormatException">The text is neither; the message does not repeat it.</exception>
    public static PasswordVerifier ReadStored(string text)
        => TryReadStored(text, out PasswordVerifier? verifier) ? verifier : throw new FormatException("neither a SCRAM-SHA-256 verifier nor an md5 hash");

    /// <summary>True when the password is the one this was made from.</summary>
    /// <param name="user">Whose it is: part of an md5 hash.</param>
    /// <param name="password">As it was typed.</param>
    public abstract bool Matches(string user, string password);

    /// <summary>The stored form. Named so that no log gets it by accident.</summary>
    public abstract string ToStoredForm();
}
