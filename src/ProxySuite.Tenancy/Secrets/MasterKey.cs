using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace ProxySuite.Tenancy.Secrets;

/// <summary>The one secret that the proxy and the control plane share; the passwords of all tenants' login roles are made from it (design §4).</summary>
public sealed class MasterKey
{
    /// <summary>Fewest random bytes a key has: as many as the HMAC made with it puts out.</summary>
    public const int BytesMin = 32;

    /// <summary>Most bytes read from a key file, in bytes; a larger file is some other file.</summary>
    private const int FileBytesMax = 4096;

    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode GroupOrOthers =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute |
        UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private readonly byte[] _key;

    private MasterKey(byte[] key) => _key = key;

    /// <exception cref="ArgumentException">Fewer than <see cref="BytesMin"/> bytes.</exception>
    public static MasterKey FromBytes(ReadOnlySpan<byte> key)
        => key.Length >= BytesMin
            ? new MasterKey(key.ToArray())
            : throw new ArgumentException($"a master key has at least {BytesMin} bytes, not {key.Length}", nameof(key));

    /// <summary>Writes a new key of <see cref="BytesMin"/> random bytes, in base64, to a file that only its owner may read.</summary>
    /// <exception cref="IOException">The file exists: a key is never written over, as every password hangs on it.</exception>
    public static MasterKey CreateFile(string path)
    {
        byte[] key = RandomNumberGenerator.GetBytes(BytesMin);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using var file = new FileStream(path, options);
        file.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(key) + "\n"));
        file.Flush(flushToDisk: true);
        return new MasterKey(key);
    }

    /// <summary>Reads a key: hexadecimal or base64 text, or raw bytes.</summary>
    /// <exception cref="MasterKeyException">Missing, unreadable, open to others than its owner, or too short; the message says which.</exception>
    public static MasterKey ReadFile(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & GroupOrOthers) is not 0 and var open)
            {
                throw new MasterKeyException($"master key file {path} is open to others ({open}); run: chmod 600 {path}");
            }
            using FileStream file = File.OpenRead(path);
            var content = new byte[FileBytesMax + 1];
            int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (length > FileBytesMax) throw new MasterKeyException($"master key file {path} is larger than {FileBytesMax} bytes");
            byte[] key = Decode(content.AsSpan(0, length));
            return key.Length >= BytesMin
                ? new MasterKey(key)
                : throw new MasterKeyException($"master key file {path} holds {key.Length} bytes; at least {BytesMin} random ones are needed");
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw new MasterKeyException($"master key file {path} cannot be read: {failed.Message}", failed);
        }
    }

    /// <summary>HMAC-SHA256 of a message under this key: 32 bytes.</summary>
    public byte[] Authenticate(ReadOnlySpan<byte> message) => HMACSHA256.HashData(_key, message);

    public override string ToString() => "MasterKey";

    // Random bytes look like hexadecimal or base64 text with a chance below 2^-60 (32 bytes, 64 of 256 values each), so the form need not be named.
    private static byte[] Decode(ReadOnlySpan<byte> content)
    {
        ReadOnlySpan<byte> text = content.Trim(" \t\r\n"u8);
        if (text.Length % 2 == 0 && !text.ContainsAnyExcept(HexDigits)) return Convert.FromHexString(text);
        if (Base64.IsValid(text)) return Convert.FromBase64String(Encoding.ASCII.GetString(text));
        return content.ToArray();
    }
}

/// <summary>A master key file that cannot be used; the message names the file and the reason and never the key.</summary>
public sealed class MasterKeyException(string message, Exception? inner = null) : Exception(message, inner);
