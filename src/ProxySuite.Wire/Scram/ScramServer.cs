using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Wire.Scram;

/// <summary>
/// The server's side of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677): client-first, <see cref="Start"/>, client-final,
/// <see cref="TryFinish"/>. Costs a few hashes and no rounds. An instance serves one exchange.
/// </summary>
public sealed class ScramServer
{
    private const string ClientFinal = "SCRAM client-final";
    private const int DecodedOnStackMax = 128;
    private const int DigitsMax = 10; // of an Int32

    private static ReadOnlySpan<byte> ChannelBindingType => "tls-server-end-point"u8;

    private readonly ScramVerifier? _former;
    private ScramVerifier _verifier;
    private readonly bool _isMock;
    private readonly byte[] _channelBinding;
    private readonly string? _nonce;
    private byte[] _clientFirst = [];
    private int _bareAt;           // where in it the part begins that is signed; before it stands the GS2 header
    private byte[] _serverFirst = [];
    private int _nonceLength;      // of both sides' nonce, behind "r=" of the server's message
    private byte[] _clientKey = [];

    private ScramServer(ScramVerifier verifier, bool isMock, ReadOnlySpan<byte> channelBinding, string? nonce, ScramVerifier? former = null)
    {
        if (former is not null && (former.Iterations != verifier.Iterations || !former.Salt.SequenceEqual(verifier.Salt)))
        {
            throw new ArgumentException("two verifiers in one exchange have one salt and count of rounds", nameof(former));
        }

        _former = former;
        _verifier = verifier;
        _isMock = isMock;
        _channelBinding = channelBinding.IsEmpty ? [] : channelBinding.ToArray();
        _nonce = nonce;
    }

    /// <summary>An exchange that the password behind the verifier passes.</summary>
    /// <param name="verifier">The user's.</param>
    /// <param name="channelBinding">
    /// tls-server-end-point data (RFC 5929 §4: hash of the certificate) where SCRAM-SHA-256-PLUS is offered, else empty.
    /// </param>
    /// <param name="nonce">Printable ASCII without comma; null for a random one. Tests fix it.</param>
    /// <param name="former">A second verifier whose password passes as well, of the same salt and count of rounds; null for none.</param>
    public ScramServer(ScramVerifier verifier, ReadOnlySpan<byte> channelBinding = default, string? nonce = null, ScramVerifier? former = null)
        : this(verifier, isMock: false, channelBinding, nonce, former)
    {
    }

    /// <summary>True once <see cref="TryFinish"/> has accepted the client's proof.</summary>
    public bool IsAuthenticated { get; private set; }

    /// <summary>An exchange for a user that does not exist: it looks and costs like any other, and no password passes it.</summary>
    /// <param name="secret">Known to the proxies alone and the same for all of them, so that the salt of a name is always the same.</param>
    /// <param name="name">What names the user, tenant included.</param>
    /// <param name="channelBinding">As for a user that exists.</param>
    /// <param name="iterations">The count that users who exist have; another one would give the mock away.</param>
    /// <param name="nonce">As for a user that exists.</param>
    public static ScramServer ForUnknownUser(
        ReadOnlySpan<byte> secret,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> channelBinding = default,
        int iterations = ScramVerifier.DefaultIterations,
        string? nonce = null)
        => new(ScramVerifier.Mock(secret, name, iterations), isMock: true, channelBinding, nonce);

    /// <summary>Takes the client's first message.</summary>
    /// <param name="mechanism">The mechanism the client chose.</param>
    /// <param name="clientFirst">Data of its SASLInitialResponse.</param>
    /// <returns>Data of the AuthenticationSASLContinue to answer with.</returns>
    /// <exception cref="PgProtocolException">08P01: malformed, a mechanism not offered, or a channel binding that does not fit it.</exception>
    public byte[] Start(ReadOnlySpan<byte> mechanism, ReadOnlySpan<byte> clientFirst)
    {
        if (_serverFirst.Length > 0)
        {
            throw new InvalidOperationException("a SCRAM exchange has one first message");
        }

        var message = new ScramMessage(clientFirst, "SCRAM client-first");
        CheckChannelBinding(mechanism, message.Field());
        if (!message.Field().IsEmpty)
        {
            PgProtocolException.Throw("client uses authorization identity, but it is not supported");
        }

        int bareAt = message.Position;
        if (message.Next == 'm')
        {
            PgProtocolException.Throw("client requires an unsupported SCRAM extension");
        }

        // The user was named by the StartupMessage; the name here is ignored, as PostgreSQL ignores it (libpq sends none).
        message.Attribute('n');
        ReadOnlySpan<byte> clientNonce = message.Nonce();
        message.SkipExtensions();
        _clientFirst = clientFirst.ToArray();
        _bareAt = bareAt;
        _serverFirst = MakeServerFirst(clientNonce);
        return _serverFirst;
    }

    /// <summary>Takes the client's last message and checks its proof in constant time.</summary>
    /// <param name="clientFinal">Data of its SASLResponse.</param>
    /// <param name="serverFinal">Data of the AuthenticationSASLFinal to answer with.</param>
    /// <returns>False when the password is wrong or the user unknown.</returns>
    /// <exception cref="PgProtocolException">08P01: malformed, another nonce, or another channel binding.</exception>
    public bool TryFinish(ReadOnlySpan<byte> clientFinal, [NotNullWhen(true)] out byte[]? serverFinal)
    {
        if (_serverFirst.Length == 0 || IsAuthenticated)
        {
            throw new InvalidOperationException("client-final follows client-first, once");
        }

        var message = new ScramMessage(clientFinal, ClientFinal);
        ReadOnlySpan<byte> channelBinding = ScramMessage.Decode(message.Attribute('c'), stackalloc byte[DecodedOnStackMax], 'c', ClientFinal);
        ReadOnlySpan<byte> gs2Header = _clientFirst.AsSpan(0, _bareAt);
        bool sameHeader = channelBinding.StartsWith(gs2Header);
        ReadOnlySpan<byte> expectedData = gs2Header[0] == 'p' ? _channelBinding : [];
        if (!sameHeader || !CryptographicOperations.FixedTimeEquals(channelBinding[gs2Header.Length..], expectedData))
        {
            PgProtocolException.Throw("SCRAM channel binding check failed");
        }

        if (!message.Nonce().SequenceEqual(_serverFirst.AsSpan(2, _nonceLength)))
        {
            PgProtocolException.ThrowMalformed(ClientFinal, "nonce does not match");
        }

        int proofAt = message.SkipExtensionsUntil('p');
        ReadOnlySpan<byte> proof = ScramMessage.Decode(message.Attribute('p'), stackalloc byte[DecodedOnStackMax], 'p', ClientFinal);
        message.End();
        if (proof.Length != SHA256.HashSizeInBytes)
        {
            PgProtocolException.ThrowMalformed(ClientFinal, "its proof is not 32 bytes long");
        }

        ReadOnlySpan<byte> withoutProof = clientFinal[..(proofAt - 1)];
        Span<byte> signature = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> clientKey = stackalloc byte[SHA256.HashSizeInBytes];
        bool isRight = Proves(_verifier, proof, withoutProof, clientKey);
        if (_former is not null && !isRight)
        {
            Span<byte> formerKey = stackalloc byte[SHA256.HashSizeInBytes];
            if (Proves(_former, proof, withoutProof, formerKey))
            {
                isRight = true;
                _verifier = _former;
                formerKey.CopyTo(clientKey);
            }

            CryptographicOperations.ZeroMemory(formerKey);
        }

        // Right or wrong, known or unknown: the same work up to here and the next line.
        ScramSignature.Compute(_verifier.ServerKey, _clientFirst.AsSpan(_bareAt), _serverFirst, withoutProof, signature);
        if (!(isRight & !_isMock))
        {
            CryptographicOperations.ZeroMemory(clientKey);
            serverFinal = null;
            return false;
        }

        _clientKey = clientKey.ToArray();
        CryptographicOperations.ZeroMemory(clientKey);
        IsAuthenticated = true;
        serverFinal = new byte[2 + Base64.GetMaxEncodedToUtf8Length(signature.Length)];
        "v="u8.CopyTo(serverFinal);
        Base64.EncodeToUtf8(signature, serverFinal.AsSpan(2), out _, out _);
        return true;
    }

    /// <summary>The keys that the client's proof revealed: they log in wherever the same verifier is stored.</summary>
    /// <exception cref="InvalidOperationException">The client is not authenticated.</exception>
    public ScramKeys GetKeys() => IsAuthenticated
        ? new ScramKeys(_verifier.Salt, _verifier.Iterations, _clientKey, _verifier.ServerKey)
        : throw new InvalidOperationException("the client is not authenticated");

    /// <param name="clientKey">What the proof reveals under this verifier: the client's key, if it is right.</param>
    private bool Proves(ScramVerifier verifier, ReadOnlySpan<byte> proof, ReadOnlySpan<byte> withoutProof, Span<byte> clientKey)
    {
        Span<byte> signature = stackalloc byte[SHA256.HashSizeInBytes];
        ScramSignature.Compute(verifier.StoredKey, _clientFirst.AsSpan(_bareAt), _serverFirst, withoutProof, signature);
        proof.CopyTo(clientKey);
        ScramSignature.Xor(clientKey, signature);
        Span<byte> storedKey = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(clientKey, storedKey);
        return CryptographicOperations.FixedTimeEquals(storedKey, verifier.StoredKey);
    }

    /// <summary>r=nonce of both sides,s=salt,i=rounds</summary>
    private byte[] MakeServerFirst(ReadOnlySpan<byte> clientNonce)
    {
        string nonce = _nonce ?? ScramSignature.NewNonce();
        _nonceLength = clientNonce.Length + nonce.Length;
        byte[] message = new byte[2 + _nonceLength + 3 + Base64.GetMaxEncodedToUtf8Length(_verifier.Salt.Length) + 3 + DigitsMax];
        "r="u8.CopyTo(message);
        clientNonce.CopyTo(message.AsSpan(2));
        int at = 2 + clientNonce.Length;
        at += Encoding.ASCII.GetBytes(nonce, message.AsSpan(at));
        ",s="u8.CopyTo(message.AsSpan(at));
        Base64.EncodeToUtf8(_verifier.Salt, message.AsSpan(at += 3), out _, out int written);
        at += written;
        ",i="u8.CopyTo(message.AsSpan(at));
        Utf8Formatter.TryFormat(_verifier.Iterations, message.AsSpan(at += 3), out written);
        return message[..(at + written)];
    }

    private void CheckChannelBinding(ReadOnlySpan<byte> mechanism, ReadOnlySpan<byte> flag)
    {
        bool isPlus = mechanism.SequenceEqual(Authentication.ScramSha256Plus);
        if ((!isPlus && !mechanism.SequenceEqual(Authentication.ScramSha256)) || (isPlus && _channelBinding.Length == 0))
        {
            PgProtocolException.Throw("client selected an invalid SASL authentication mechanism");
        }

        if (flag.Length > 1 && flag.StartsWith("p="u8))
        {
            if (!isPlus)
            {
                PgProtocolException.Throw("client binds a channel without SCRAM-SHA-256-PLUS");
            }

            if (!flag[2..].SequenceEqual(ChannelBindingType))
            {
                PgProtocolException.Throw($"unsupported SCRAM channel-binding type, only {Encoding.ASCII.GetString(ChannelBindingType)} is known");
            }
        }
        else if (flag.Length == 1 && flag[0] is (byte)'n' or (byte)'y')
        {
            if (isPlus)
            {
                PgProtocolException.Throw("client chose SCRAM-SHA-256-PLUS and binds no channel");
            }

            // 'y': the client could bind and believes we cannot. Where we offered it, somebody took the offer away.
            if (flag[0] == 'y' && _channelBinding.Length > 0)
            {
                PgProtocolException.Throw("SCRAM channel binding negotiation error");
            }
        }
        else
        {
            PgProtocolException.ThrowMalformed("SCRAM client-first", "unexpected channel-binding flag");
        }
    }
}
