using System.Security.Cryptography;

namespace ProxySuite.Wire.Scram;

/// <summary>What both sides of a SCRAM exchange compute (RFC 5802 §3).</summary>
internal static class ScramSignature
{
    /// <summary>Random bytes of a nonce before base64, as in PostgreSQL (SCRAM_RAW_NONCE_LEN).</summary>
    private const int RawNonceLength = 18;

    public static string NewNonce() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(RawNonceLength));

    /// <summary>HMAC(key, AuthMessage), where AuthMessage is the three messages joined by commas.</summary>
    public static void Compute(
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> clientFirstBare,
        ReadOnlySpan<byte> serverFirst,
        ReadOnlySpan<byte> clientFinalWithoutProof,
        Span<byte> signature)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(clientFirstBare);
        hmac.AppendData(","u8);
        hmac.AppendData(serverFirst);
        hmac.AppendData(","u8);
        hmac.AppendData(clientFinalWithoutProof);
        hmac.GetHashAndReset(signature);
    }

    /// <summary>Proof from key and signature, and key from proof and signature: the same exclusive or.</summary>
    public static void Xor(Span<byte> target, ReadOnlySpan<byte> with)
    {
        for (int i = 0; i < target.Length; i++)
        {
            target[i] ^= with[i];
        }
    }
}
