using System.Security.Cryptography;
using System.Text;

namespace ProxySuite.Wire.Scram;

/// <summary>
/// What a client needs to log in without the password and without the 4,096 rounds of hashing it takes to derive it (RFC 5802 §3):
/// good for one salt and iteration count. Whoever holds it can log in, so it stays in memory and out of logs.
/// </summary>
public sealed class ScramKeys
{
    private readonly byte[] _salt;
    private readonly byte[] _clientKey;
    private readonly byte[] _serverKey;

    /// <param name="salt">As the server sends it, decoded.</param>
    /// <param name="iterations">From 1.</param>
    /// <param name="clientKey">32 bytes.</param>
    /// <param name="serverKey">32 bytes.</param>
    public ScramKeys(ReadOnlySpan<byte> salt, int iterations, ReadOnlySpan<byte> clientKey, ReadOnlySpan<byte> serverKey)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(clientKey.Length, SHA256.HashSizeInBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(serverKey.Length, SHA256.HashSizeInBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        _salt = salt.ToArray();
        Iterations = iterations;
        _clientKey = clientKey.ToArray();
        _serverKey = serverKey.ToArray();
    }

    public ReadOnlySpan<byte> Salt => _salt;

    public int Iterations { get; }

    public ReadOnlySpan<byte> ClientKey => _clientKey;

    public ReadOnlySpan<byte> ServerKey => _serverKey;

    /// <summary>Derives the keys from a password: costs as much as its iterations, about 1 ms for 4,096.</summary>
    /// <param name="password">Prepared as PostgreSQL does it, see <see cref="SaslPrep"/>.</param>
    /// <param name="salt">Any length; PostgreSQL makes 16 bytes.</param>
    /// <param name="iterations">From 1; PostgreSQL's default is 4,096.</param>
    public static ScramKeys Derive(string password, ReadOnlySpan<byte> salt, int iterations)
        => Derive(Encoding.UTF8.GetBytes(password), salt, iterations);

    /// <inheritdoc cref="Derive(string, ReadOnlySpan{byte}, int)"/>
    public static ScramKeys Derive(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int iterations)
    {
        byte[] prepared = SaslPrep.Prepare(password);
        Span<byte> salted = stackalloc byte[SHA256.HashSizeInBytes];
        Rfc2898DeriveBytes.Pbkdf2(prepared, salt, salted, iterations, HashAlgorithmName.SHA256);
        Span<byte> clientKey = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> serverKey = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(salted, "Client Key"u8, clientKey);
        HMACSHA256.HashData(salted, "Server Key"u8, serverKey);
        var keys = new ScramKeys(salt, iterations, clientKey, serverKey);
        CryptographicOperations.ZeroMemory(prepared);
        CryptographicOperations.ZeroMemory(salted);
        CryptographicOperations.ZeroMemory(clientKey);
        return keys;
    }

    /// <summary>True when these keys answer a server that sent this salt and count.</summary>
    public bool Fit(ReadOnlySpan<byte> salt, int iterations) => Iterations == iterations && salt.SequenceEqual(_salt);
}
