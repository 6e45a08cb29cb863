using System.Diagnostics.CodeAnalysis;
using System.Globalization;
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
    private const string ChannelBindingType = "tls-server-end-point";

    private readonly ScramVerifier? _former;
    private ScramVerifier _verifier;
    private readonly bool _isMock;
    private readonly byte[] _channelBinding;
    private readonly string _nonce;
    private byte[] _gs2Header = [];
    private byte[] _clientFirstBare = [];
    private byte[] _serverFirst = [];
    private byte[] _fullNonce = [];
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
        _channelBinding = channelBinding.ToArray();
        _nonce = nonce ?? ScramSignature.NewNonce();
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
        _gs2Header = clientFirst[..bareAt].ToArray();
        _clientFirstBare = clientFirst[bareAt..].ToArray();
        _fullNonce = [.. clientNonce, .. Encoding.ASCII.GetBytes(_nonce)];
        _serverFirst = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"r={Encoding.ASCII.GetString(_fullNonce)},s={Convert.ToBase64String(_verifier.Salt)},i={_verifier.Iterations}"));
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

        var message = new ScramMessage(clientFinal, "SCRAM client-final");
        byte[] channelBinding = message.Base64Attribute('c');
        bool sameHeader = channelBinding.AsSpan().StartsWith(_gs2Header);
        ReadOnlySpan<byte> expectedData = _gs2Header[0] == 'p' ? _channelBinding : [];
        if (!sameHeader || !CryptographicOperations.FixedTimeEquals(channelBinding.AsSpan(_gs2Header.Length), expectedData))
        {
            PgProtocolException.Throw("SCRAM channel binding check failed");
        }

        if (!message.Nonce().SequenceEqual(_fullNonce))
        {
            PgProtocolException.ThrowMalformed("SCRAM client-final", "nonce does not match");
        }

        int proofAt = message.SkipExtensionsUntil('p');
        byte[] proof = message.Base64Attribute('p');
        message.End();
        if (proof.Length != SHA256.HashSizeInBytes)
        {
            PgProtocolException.ThrowMalformed("SCRAM client-final", "its proof is not 32 bytes long");
        }

        ReadOnlySpan<byte> withoutProof = clientFinal[..(proofAt - 1)];
        Span<byte> signature = stackalloc byte[SHA256.HashSizeInBytes];
        byte[] sent = proof;
        bool isRight = Proves(_verifier, sent, withoutProof, out proof);
        if (_former is not null && !isRight && Proves(_former, sent, withoutProof, out byte[] formerProof))
        {
            (isRight, proof, _verifier) = (true, formerProof, _former);
        }

        // Right or wrong, known or unknown: the same work up to here and the next line.
        ScramSignature.Compute(_verifier.ServerKey, _clientFirstBare, _serverFirst, withoutProof, signature);
        if (!(isRight & !_isMock))
        {
            CryptographicOperations.ZeroMemory(proof);
            serverFinal = null;
            return false;
        }

        _clientKey = proof;
        IsAuthenticated = true;
        serverFinal = Encoding.ASCII.GetBytes("v=" + Convert.ToBase64String(signature));
        return true;
    }

    /// <summary>The keys that the client's proof revealed: they log in wherever the same verifier is stored.</summary>
    /// <exception cref="InvalidOperationException">The client is not authenticated.</exception>
    public ScramKeys GetKeys() => IsAuthenticated
        ? new ScramKeys(_verifier.Salt, _verifier.Iterations, _clientKey, _verifier.ServerKey)
        : throw new InvalidOperationException("the client is not authenticated");

    /// <param name="clientKey">What the proof reveals under this verifier: the client's key, if it is right.</param>
    private bool Proves(ScramVerifier verifier, byte[] proof, ReadOnlySpan<byte> withoutProof, out byte[] clientKey)
    {
        Span<byte> signature = stackalloc byte[SHA256.HashSizeInBytes];
        ScramSignature.Compute(verifier.StoredKey, _clientFirstBare, _serverFirst, withoutProof, signature);
        clientKey = [.. proof];
        ScramSignature.Xor(clientKey, signature);
        Span<byte> storedKey = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(clientKey, storedKey);
        return CryptographicOperations.FixedTimeEquals(storedKey, verifier.StoredKey);
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

            if (!flag[2..].SequenceEqual(Encoding.ASCII.GetBytes(ChannelBindingType)))
            {
                PgProtocolException.Throw($"unsupported SCRAM channel-binding type, only {ChannelBindingType} is known");
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
