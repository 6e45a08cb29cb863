using System.Security.Cryptography;

namespace ProxySuite.Wire.Scram;

/// <summary>What both sides of a SCRAM exchange compute (RFC 5802 §3).</summary>
internal static class ScramSignature
{
    /// <summary>Random bytes of a nonce before base64, as in PostgreSQL (SCRAM_RAW_NONCE_LEN).</summary>
    private const int RawNonceLength = 18;

    /// <summary>Drivers' exchanges have 200 to 300 bytes.</summary>
    private const int OnStackMax = 512;

    public static string NewNonce()
    {
        Span<byte> raw = stackalloc byte[RawNonceLength];
        RandomBytes.Fill(raw);
        return Convert.ToBase64String(raw);
    }

    /// <summary>HMAC(key, AuthMessage), where AuthMessage is the three messages joined by commas.</summary>
    public static void Compute(
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> clientFirstBare,
        ReadOnlySpan<byte> serverFirst,
        ReadOnlySpan<byte> clientFinalWithoutProof,
        Span<byte> signature)
    {
        // In one piece: a hash that is fed piece by piece costs an object of the runtime's and one of the library's for each.
        int length = clientFirstBare.Length + 1 + serverFirst.Length + 1 + clientFinalWithoutProof.Length;
        Span<byte> message = length <= OnStackMax ? stackalloc byte[OnStackMax] : new byte[length];
        clientFirstBare.CopyTo(message);
        int at = clientFirstBare.Length;
        message[at++] = (byte)',';
        serverFirst.CopyTo(message[at..]);
        at += serverFirst.Length;
        message[at++] = (byte)',';
        clientFinalWithoutProof.CopyTo(message[at..]);
        HMACSHA256.HashData(key, message[..length], signature);
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
