using System.Security.Cryptography;

namespace ProxySuite.Wire.Scram;

/// <summary>
/// Random bytes for what every login needs a few of: nonces and cancel keys. They are drawn from the operating system's generator in blocks, as a draw costs
/// 2 us however few bytes it is for; each byte is handed out once and wiped where it lay. Any thread; a block belongs to one.
/// </summary>
public static class RandomBytes
{
    private const int BlockLength = 1024;

    [ThreadStatic] private static byte[]? s_block;
    [ThreadStatic] private static int s_left;

    /// <summary>Fills the span.</summary>
    public static void Fill(Span<byte> to)
    {
        if (to.Length > BlockLength / 4)
        {
            RandomNumberGenerator.Fill(to);
            return;
        }

        byte[] block = s_block ??= new byte[BlockLength];
        if (s_left < to.Length)
        {
            RandomNumberGenerator.Fill(block);
            s_left = BlockLength;
        }

        s_left -= to.Length;
        Span<byte> taken = block.AsSpan(s_left, to.Length);
        taken.CopyTo(to);
        taken.Clear();
    }

    /// <summary>So many random bytes.</summary>
    public static byte[] Get(int length)
    {
        byte[] bytes = new byte[length];
        Fill(bytes);
        return bytes;
    }
}
