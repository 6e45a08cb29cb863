using System.Text;

namespace ProxySuite.Proxy.Backend;

/// <summary>
/// Texts of short byte strings that come again and again, such as what every server of a shard reports at login: the one string that was made of them
/// before, where it is remembered. One table a thread; a newcomer takes the place of whoever has it.
/// </summary>
internal static class Words
{
    private const int Places = 256;
    private const int LengthMax = 64;

    [ThreadStatic] private static (byte[] Bytes, string Text)[]? s_words;

    /// <summary>The bytes as text, read as UTF-8.</summary>
    public static string TextOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return "";
        if (bytes.Length > LengthMax) return Encoding.UTF8.GetString(bytes);
        ref (byte[]? Bytes, string Text) word = ref (s_words ??= new (byte[], string)[Places])[(uint)BytesComparer.Instance.GetHashCode(bytes) % Places]!;
        if (word.Bytes is not null && bytes.SequenceEqual(word.Bytes)) return word.Text;
        word = (bytes.ToArray(), Encoding.UTF8.GetString(bytes));
        return word.Text;
    }
}
