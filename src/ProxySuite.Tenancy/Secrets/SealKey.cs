using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Secrets;

/// <summary>
/// What seals of one shard are made with: proof to <c>tenancy.sealed_tenant()</c> that the proxy, and not the session's SQL, says whose session it is. Both
/// halves follow from the master key, so nothing is stored but on the shard itself, where no login role can read them.
/// </summary>
public sealed class SealKey
{
    /// <summary>Seconds around its issue in which a transaction may start under a seal; as in the shard's <c>tenancy.sealed_tenant()</c>.</summary>
    public const int WindowSeconds = 60;

    /// <summary>Longest seal: kid, issue and MAC with their dots, in bytes.</summary>
    public const int SealBytesMax = 10 + 1 + 20 + 1 + (2 * SHA256.HashSizeInBytes);

    private const int HalfBytes = 64;

    // Tenant id, pid, issue and role with three bars between them; a role's name has 63 bytes at most.
    private const int MessageBytesMax = 36 + 11 + 20 + 63 + 3;

    private readonly byte[] _k1;
    private readonly byte[] _k2;

    private SealKey(int kid, byte[] k1, byte[] k2)
    {
        Kid = kid;
        _k1 = k1;
        _k2 = k2;
    }

    /// <summary>Number of the key on its shard, from 1; a seal names it, so that two may count while one takes over from the other.</summary>
    public int Kid { get; }

    /// <summary>The halves as the shard keeps them: 64 bytes each.</summary>
    public (byte[] K1, byte[] K2) Halves => ([.. _k1], [.. _k2]);

    /// <summary>The key of a number on a shard: a seal of one shard says nothing on another, whatever pid it meets there.</summary>
    public static SealKey Of(MasterKey master, Shard shard, int kid) => new(kid, Half(master, shard, kid, 1), Half(master, shard, kid, 2));

    /// <summary>Writes a seal: <c>kid.issued.mac</c>, mac = sha256(k2 || sha256(k1 || 'tenant|pid|issued|session_user')) in hexadecimal.</summary>
    /// <param name="to">Room for <see cref="SealBytesMax"/> bytes.</param>
    /// <param name="tenant">Whose session it is to be.</param>
    /// <param name="pid">The server process's own id.</param>
    /// <param name="issued">Seconds since 1970 by the shard's clock.</param>
    /// <param name="role">The session's login role.</param>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> to, TenantId tenant, int pid, long issued, ReadOnlySpan<byte> role)
    {
        Span<byte> inner = stackalloc byte[HalfBytes + MessageBytesMax];
        _k1.CopyTo(inner);
        int length = HalfBytes;
        Utf8Formatter.TryFormat(tenant.Value, inner[length..], out int part, 'D');
        length = Bar(inner, length + part);
        Utf8Formatter.TryFormat(pid, inner[length..], out part);
        length = Bar(inner, length + part);
        Utf8Formatter.TryFormat(issued, inner[length..], out part);
        length = Bar(inner, length + part);
        role.CopyTo(inner[length..]);
        length += role.Length;

        Span<byte> outer = stackalloc byte[HalfBytes + SHA256.HashSizeInBytes];
        _k2.CopyTo(outer);
        SHA256.HashData(inner[..length], outer[HalfBytes..]);
        Span<byte> mac = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(outer, mac);

        Utf8Formatter.TryFormat(Kid, to, out int written);
        to[written++] = (byte)'.';
        Utf8Formatter.TryFormat(issued, to[written..], out part);
        written += part;
        to[written++] = (byte)'.';
        Convert.TryToHexStringLower(mac, to[written..], out part);
        return written + part;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"SealKey {Kid}");

    private static int Bar(Span<byte> message, int at)
    {
        message[at] = (byte)'|';
        return at + 1;
    }

    private static byte[] Half(MasterKey master, Shard shard, int kid, int half)
    {
        // NUL cannot occur in the names. An HMAC gives 32 bytes, so each half is two of them.
        string message = string.Create(CultureInfo.InvariantCulture, $"proxysuite/seal\0{shard.Name}\0{shard.Database}\0{kid}\0{half}\0");
        return [.. master.Authenticate(Encoding.UTF8.GetBytes(message + "1")), .. master.Authenticate(Encoding.UTF8.GetBytes(message + "2"))];
    }
}
