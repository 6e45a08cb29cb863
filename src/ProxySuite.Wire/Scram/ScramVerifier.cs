using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;

namespace ProxySuite.Wire.Scram;

/// <summary>
/// What PostgreSQL stores for a password: <c>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey</c>, salt and keys in base64
/// (pg_authid.rolpassword). It lets a server check a password, and does not let its reader log in.
/// </summary>
public sealed class ScramVerifier : PasswordVerifier
{
    /// <summary>PostgreSQL's default for scram_iterations.</summary>
    public const int DefaultIterations = 4096;

    /// <summary>Bytes of the salts PostgreSQL makes.</summary>
    public const int DefaultSaltLength = 16;

    private const string Prefix = "SCRAM-SHA-256$";

    private readonly byte[] _salt;
    private readonly byte[] _storedKey;
    private readonly byte[] _serverKey;

    private ScramVerifier(int iterations, byte[] salt, byte[] storedKey, byte[] serverKey)
    {
        Iterations = iterations;
        _salt = salt;
        _storedKey = storedKey;
        _serverKey = serverKey;
    }

    public int Iterations { get; }

    public ReadOnlySpan<byte> Salt => _salt;

    /// <summary>SHA-256 of the client key.</summary>
    public ReadOnlySpan<byte> StoredKey => _storedKey;

    public ReadOnlySpan<byte> ServerKey => _serverKey;

    /// <summary>Makes the verifier of a password, with a random salt unless one is given.</summary>
    /// <param name="password">Any text; prepared as PostgreSQL does it.</param>
    /// <param name="iterations">From 1. 1 is enough for a random password of 256 bits, which nobody can search.</param>
    /// <param name="salt">Empty for 16 random bytes.</param>
    public static ScramVerifier Create(string password, int iterations = DefaultIterations, ReadOnlySpan<byte> salt = default)
    {
        ReadOnlySpan<byte> used = salt.IsEmpty ? RandomNumberGenerator.GetBytes(DefaultSaltLength) : salt;
        return FromKeys(ScramKeys.Derive(password, used, iterations));
    }

    /// <summary>The verifier that these keys pass.</summary>
    public static ScramVerifier FromKeys(ScramKeys keys)
        => new(keys.Iterations, keys.Salt.ToArray(), SHA256.HashData(keys.ClientKey), keys.ServerKey.ToArray());

    /// <summary>Reads the stored form.</summary>
    /// <returns>False when the text is no SCRAM-SHA-256 verifier: an md5 hash, say, or nothing at all.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ScramVerifier? verifier)
    {
        verifier = null;
        if (text is null || !text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        ReadOnlySpan<char> rest = text.AsSpan(Prefix.Length);
        int keysAt = rest.IndexOf('$');
        int saltAt = rest.IndexOf(':');
        if (keysAt < 0 || saltAt < 0 || saltAt > keysAt)
        {
            return false;
        }

        ReadOnlySpan<char> keys = rest[(keysAt + 1)..];
        int serverKeyAt = keys.IndexOf(':');
        if (serverKeyAt < 0
            || !int.TryParse(rest[..saltAt], NumberStyles.None, CultureInfo.InvariantCulture, out int iterations) || iterations < 1
            || !TryDecode(rest[(saltAt + 1)..keysAt], out byte[] salt) || salt.Length == 0
            || !TryDecode(keys[..serverKeyAt], out byte[] storedKey) || storedKey.Length != SHA256.HashSizeInBytes
            || !TryDecode(keys[(serverKeyAt + 1)..], out byte[] serverKey) || serverKey.Length != SHA256.HashSizeInBytes)
        {
            return false;
        }

        verifier = new ScramVerifier(iterations, salt, storedKey, serverKey);
        return true;
    }

    /// <summary>Reads the stored form.</summary>
    /// <exception cref="FormatException">The text is no SCRAM-SHA-256 verifier; the message does not repeat it.</exception>
    public static ScramVerifier Parse(string text)
        => TryParse(text, out ScramVerifier? verifier) ? verifier : throw new FormatException("not a SCRAM-SHA-256 verifier");

    /// <summary>True when the password is the one this verifier was made from. Costs as much as its iterations.</summary>
    public bool Matches(string password)
    {
        ScramKeys keys = ScramKeys.Derive(password, _salt, Iterations);
        return CryptographicOperations.FixedTimeEquals(SHA256.HashData(keys.ClientKey), _storedKey);
    }

    /// <inheritdoc/>
    public override bool Matches(string user, string password) => Matches(password);

    /// <summary>The stored form, as in pg_authid. Named so that no log gets it by accident.</summary>
    public override string ToStoredForm() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Prefix}{Iterations}:{Convert.ToBase64String(_salt)}${Convert.ToBase64String(_storedKey)}:{Convert.ToBase64String(_serverKey)}");

    /// <summary>The verifier of an unknown user: looks like any other, is the same each time, and no password passes it.</summary>
    /// <param name="secret">Known to the proxies alone, and the same for all of them.</param>
    /// <param name="name">What names the user, tenant included.</param>
    /// <param name="iterations">As other users have.</param>
    internal static ScramVerifier Mock(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> name, int iterations)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, name, hash);

        // A stored key of zeros is no hash of a key anybody can find; ScramServer refuses mocks besides.
        return new ScramVerifier(iterations, hash[..DefaultSaltLength].ToArray(), new byte[SHA256.HashSizeInBytes], new byte[SHA256.HashSizeInBytes]);
    }

    private static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        // Convert would skip blanks; PostgreSQL writes none.
        bytes = new byte[text.Length];
        if (text.ContainsAny(" \t\r\n") || !Convert.TryFromBase64Chars(text, bytes, out int written))
        {
            bytes = [];
            return false;
        }

        bytes = bytes[..written];
        return true;
    }
}
