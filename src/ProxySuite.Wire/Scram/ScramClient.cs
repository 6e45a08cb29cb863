using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Wire.Scram;

/// <summary>
/// The client's side of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), without channel binding: <see cref="Start"/>,
/// <see cref="TryAnswer"/>, <see cref="Finish"/>. With keys kept from an earlier exchange the 4,096 rounds are spared.
/// </summary>
public sealed class ScramClient
{
    /// <summary>Most rounds done for a server, about half a second: a hostile one must not buy minutes of our time.</summary>
    public const int DefaultIterationsMax = 2_000_000;

    private const int Gs2HeaderLength = 3; // "n,,", which is "biws" in base64

    private readonly string? _password;
    private readonly byte[] _clientFirst;
    private readonly int _nonceLength; // it ends the message
    private byte[] _serverSignature = [];

    /// <param name="password">Null when only keys are at hand.</param>
    /// <param name="keys">From <see cref="Keys"/> of an earlier exchange, or null. Used when they fit the server's salt and count.</param>
    /// <param name="user">Sent in the exchange, where PostgreSQL ignores it; libpq too leaves it empty.</param>
    /// <param name="nonce">Printable ASCII without comma; null for a random one. Tests fix it.</param>
    public ScramClient(string? password, ScramKeys? keys = null, string user = "", string? nonce = null)
    {
        _password = password;
        Keys = keys;
        nonce ??= ScramSignature.NewNonce();
        _nonceLength = nonce.Length;
        string escaped = user.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal);
        _clientFirst = Encoding.UTF8.GetBytes($"n,,n={escaped},r={nonce}");
    }

    /// <summary>Most iterations done when keys have to be derived, from 1; more is a protocol error.</summary>
    public int IterationsMax { get; init; } = DefaultIterationsMax;

    /// <summary>After <see cref="TryAnswer"/> the keys that were used: keep them once <see cref="Finish"/> has passed.</summary>
    public ScramKeys? Keys { get; private set; }

    /// <summary>Data of the SASLInitialResponse for SCRAM-SHA-256.</summary>
    public byte[] Start() => [.. _clientFirst];

    /// <summary>Takes the server's challenge.</summary>
    /// <param name="serverFirst">Data of its AuthenticationSASLContinue.</param>
    /// <param name="clientFinal">Data of the SASLResponse to answer with.</param>
    /// <returns>False when the keys given do not fit the server's salt and count, and there is no password to make others.</returns>
    /// <exception cref="PgProtocolException">08P01: malformed, a foreign nonce, or more iterations than <see cref="IterationsMax"/>.</exception>
    public bool TryAnswer(ReadOnlySpan<byte> serverFirst, [NotNullWhen(true)] out byte[]? clientFinal)
    {
        var message = new ScramMessage(serverFirst, "SCRAM server-first");
        ReadOnlySpan<byte> nonce = message.Nonce();
        if (nonce.Length <= _nonceLength || !nonce.StartsWith(_clientFirst.AsSpan(_clientFirst.Length - _nonceLength)))
        {
            PgProtocolException.ThrowMalformed("SCRAM server-first", "nonce does not match");
        }

        byte[] salt = message.Base64Attribute('s');
        if (!int.TryParse(message.Attribute('i'), NumberStyles.None, CultureInfo.InvariantCulture, out int iterations) || iterations < 1)
        {
            PgProtocolException.ThrowMalformed("SCRAM server-first", "its iteration count is no positive number");
        }

        message.SkipExtensions();
        if (Keys is null || !Keys.Fit(salt, iterations))
        {
            if (_password is null)
            {
                clientFinal = null;
                return false;
            }

            if (iterations > IterationsMax)
            {
                PgProtocolException.ThrowMalformed("SCRAM server-first", "its iteration count is above what this client does");
            }

            Keys = ScramKeys.Derive(_password, salt, iterations);
        }

        ReadOnlySpan<byte> bare = _clientFirst.AsSpan(Gs2HeaderLength);
        int withoutProofLength = "c=biws,r="u8.Length + nonce.Length;
        clientFinal = new byte[withoutProofLength + ",p="u8.Length + Base64.GetMaxEncodedToUtf8Length(SHA256.HashSizeInBytes)];
        "c=biws,r="u8.CopyTo(clientFinal);
        nonce.CopyTo(clientFinal.AsSpan("c=biws,r="u8.Length));
        ReadOnlySpan<byte> withoutProof = clientFinal.AsSpan(0, withoutProofLength);
        Span<byte> storedKey = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> proof = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Keys.ClientKey, storedKey);
        ScramSignature.Compute(storedKey, bare, serverFirst, withoutProof, proof);
        ScramSignature.Xor(proof, Keys.ClientKey);
        _serverSignature = new byte[SHA256.HashSizeInBytes];
        ScramSignature.Compute(Keys.ServerKey, bare, serverFirst, withoutProof, _serverSignature);
        ",p="u8.CopyTo(clientFinal.AsSpan(withoutProofLength));
        Base64.EncodeToUtf8(proof, clientFinal.AsSpan(withoutProofLength + ",p="u8.Length), out _, out _);
        return true;
    }

    /// <summary>Takes the server's last message: only one that knows the password, or its verifier, can have signed it.</summary>
    /// <param name="serverFinal">Data of its AuthenticationSASLFinal.</param>
    /// <exception cref="PgProtocolException">08P01: malformed, an error told by the server, or a wrong signature.</exception>
    public void Finish(ReadOnlySpan<byte> serverFinal)
    {
        if (_serverSignature.Length == 0)
        {
            throw new InvalidOperationException("server-final follows server-first");
        }

        var message = new ScramMessage(serverFinal, "SCRAM server-final");
        if (message.Next == 'e')
        {
            PgProtocolException.Throw("the server refused the SCRAM exchange");
        }

        byte[] signature = message.Base64Attribute('v');
        if (!CryptographicOperations.FixedTimeEquals(signature, _serverSignature))
        {
            PgProtocolException.Throw("incorrect SCRAM server signature: the server does not know the password");
        }
    }
}
