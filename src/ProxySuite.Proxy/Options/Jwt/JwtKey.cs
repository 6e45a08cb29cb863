using System.Security.Cryptography;

namespace ProxySuite.Proxy.Options.Jwt;

/// <summary>
/// A key that verifies tokens by the one algorithm it is for. Which one that is follows from the key's kind and never from what a token says of itself:
/// a public RSA key taken for an HMAC secret would let everybody who knows it sign (RFC 8725 §3.1).
/// </summary>
/// <param name="id">Its <c>kid</c>.</param>
/// <param name="algorithm">As a token's header writes it.</param>
internal abstract class JwtKey(string id, string algorithm)
{
    public string Id { get; } = id;

    public string Algorithm { get; } = algorithm;

    /// <summary>Whether the signature is this key's, over these bytes. Any thread.</summary>
    public abstract bool Verifies(byte[] signed, byte[] signature);

    // A secret key must not reach a log.
    public sealed override string ToString() => $"{Algorithm} key \"{Id}\"";
}

/// <summary>HS256: an HMAC secret.</summary>
internal sealed class HmacJwtKey(string id, byte[] secret) : JwtKey(id, "HS256")
{
    /// <summary>RFC 7518 §3.2: as long as the hash. Shorter ones can be searched by anybody who has seen a token.</summary>
    public const int BytesMin = 32;

    public override bool Verifies(byte[] signed, byte[] signature) => CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(secret, signed), signature);
}

/// <summary>RS256: an RSA public key.</summary>
/// <remarks>The key object is made for each token: those of the framework are not promised to serve two threads, and verifying costs more than making one.</remarks>
internal sealed class RsaJwtKey(string id, RSAParameters key) : JwtKey(id, "RS256")
{
    /// <summary>RFC 7518 §3.3.</summary>
    public const int BitsMin = 2048;

    /// <summary>More than anybody uses; verifying grows with the square of it.</summary>
    public const int BitsMax = 8192;

    public override bool Verifies(byte[] signed, byte[] signature)
    {
        using RSA rsa = RSA.Create(key);
        return rsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }
}

/// <summary>ES256: a public key on the curve P-256.</summary>
internal sealed class EcJwtKey(string id, ECParameters key) : JwtKey(id, "ES256")
{
    /// <summary>Bytes of a coordinate, and of each half of a signature.</summary>
    public const int FieldBytes = 32;

    public override bool Verifies(byte[] signed, byte[] signature)
    {
        if (signature.Length != 2 * FieldBytes) return false;
        using ECDsa ecdsa = ECDsa.Create(key);
        return ecdsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}
