using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace ProxySuite.Wire.Scram;

/// <summary>PostgreSQL's md5 hash of a password and its user's name. Whoever reads it can log in with it: it is for clients too old for SCRAM only.</summary>
public sealed class Md5Verifier : PasswordVerifier
{
    private const int Length = 35; // "md5" and 32 digits

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    private readonly string _hash;

    private Md5Verifier(string hash) => _hash = hash;

    /// <summary>Makes the hash of a password.</summary>
    /// <param name="user">The name by which the user will log in: it is part of the hash.</param>
    /// <param name="password">Any text.</param>
    public static Md5Verifier Create(string user, string password) => new(Md5Password.Hash(user, password));

    /// <summary>Reads the stored form.</summary>
    /// <returns>False when the text is not <c>md5</c> and 32 hexadecimal digits in lower case.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Md5Verifier? verifier)
    {
        verifier = text is { Length: Length } && text.StartsWith("md5", StringComparison.Ordinal) && !text.AsSpan(3).ContainsAnyExcept(Digits)
            ? new Md5Verifier(text)
            : null;
        return verifier is not null;
    }

    /// <summary>Whether a client's answer to AuthenticationMD5Password is right, in constant time.</summary>
    /// <param name="salt">The four bytes of the request.</param>
    /// <param name="answer">What the client sent.</param>
    public bool Verify(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> answer) => Md5Password.Verify(_hash, salt, answer);

    /// <inheritdoc/>
    public override bool Matches(string user, string password)
        => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Md5Password.Hash(user, password)), Encoding.ASCII.GetBytes(_hash));

    /// <inheritdoc/>
    public override string ToStoredForm() => _hash;
}
