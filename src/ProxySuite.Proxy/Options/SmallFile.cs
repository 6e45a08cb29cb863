using System.Text;
using ProxySuite.Tenancy.Units;

namespace ProxySuite.Proxy.Options;

/// <summary>Reads files that options name, whole and never more than a bound: a wrong path may lead to anything.</summary>
internal static class SmallFile
{
    /// <param name="path">The file.</param>
    /// <param name="bytesMax">Its largest size.</param>
    /// <param name="problem">Told why it cannot be read.</param>
    /// <returns>Null after a problem.</returns>
    public static byte[]? Read(string path, int bytesMax, Action<string> problem)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            var content = new byte[bytesMax + 1];
            int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (length <= bytesMax) return content[..length];
            problem($"{path} is larger than {ByteSize.Format(bytesMax)}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            problem($"{path} cannot be read: {exception.Message}");
        }
        return null;
    }

    /// <summary>The same for text in UTF-8, without its byte order mark.</summary>
    public static string? ReadText(string path, int bytesMax, Action<string> problem)
    {
        if (Read(path, bytesMax, problem) is not { } content) return null;
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            problem($"{path} is not UTF-8");
            return null;
        }
    }
}
