using System.Security.Cryptography;

namespace ProxySuite.Wire.Scram;

/// <summary>What both sides of a SCRAM exchange compute (RFC 5802 §3).</summary>
internal static class ScramSignature
{
    /// <summary>Random bytes of a nonce before base64, as in PostgreSQL (SCRAM_RAW_NONCE_LEN).</summary>
    private const int RawNonceLength = 18;

    private const int BlockLength = 64;

    [ThreadStatic] private static IncrementalHash? s_hash;

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
        Hmac(key, message[..length], signature);
    }

    /// <summary>HMAC-SHA-256 (RFC 2104) over a hash that is kept: the platform's own looks its algorithm up and makes a context anew for each, a third of its time.</summary>
    /// <param name="key">At most a block of 64 bytes; SCRAM's have 32.</param>
    internal static void Hmac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, Span<byte> to)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, BlockLength);
        IncrementalHash hash = s_hash ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> block = stackalloc byte[BlockLength];
        Pad(block, key, 0x36);
        hash.AppendData(block);
        hash.AppendData(message);
        hash.GetHashAndReset(to);
        Pad(block, key, 0x5c);
        hash.AppendData(block);
        hash.AppendData(to[..SHA256.HashSizeInBytes]);
        hash.GetHashAndReset(to);
        CryptographicOperations.ZeroMemory(block);
    }

    private static void Pad(Span<byte> block, ReadOnlySpan<byte> key, byte with)
    {
        block.Fill(with);
        Xor(block, key);
    }

    /// <summary>Proof from key and signature, and key from proof and signature: the same exclusive or.</summary>
    public static void Xor(Span<byte> target, ReadOnlySpan<byte> with)
    {
        for (int i = 0; i < with.Length; i++)
        {
            target[i] ^= with[i];
        }
    }
}
