using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Tenancy.Cache;

/// <summary>What became of opening a sealed entry.</summary>
internal enum SealState
{
    Open,
    Foreign, // of another version of the program, or too old: somebody else's business
    Broken,  // not sealed with our key for this name: forged, damaged, or of another installation
}

/// <summary>
/// Entries sealed for the shared cache: whoever can read and write it learns no verifier and cannot make, change or rename an entry. An old one can be played back
/// for as long as its time to live, no longer; what was announced or learnt since counts more than it does.
/// </summary>
/// <remarks>
/// <c>ps1 SHAPE MILLISECONDS TENANT-VERSION REST-VERSION\n</c>, 16 bytes of salt, 16 of tag, ciphertext. The versions are in the clear, so that Redis itself can
/// keep an older entry from taking the place of a newer one; they are bound to the rest all the same. Key = HMAC-SHA256(master key, name, header, salt): each
/// value has its own, so AES-GCM's nonce may be constant.
/// </remarks>
internal sealed class SealedEntry(MasterKey master)
{
    public const string Mark = "ps1";

    private const int SaltLength = 16;
    private const int TagLength = 16;
    private const int LengthMax = 1 << 20;

    private static readonly byte[] Nonce = new byte[12];

    public byte[] Seal(TenantEntry entry, DateTimeOffset now)
    {
        EntryStamp stamp = EntryStamp.Of(entry);
        byte[] header = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"{Mark} {EntryJson.Shape} {now.ToUnixTimeMilliseconds()} {stamp.Tenant} {stamp.Rest}\n"));
        byte[] json = EntryJson.Write(entry);
        var value = new byte[header.Length + SaltLength + TagLength + json.Length];
        header.CopyTo(value, 0);
        Span<byte> salt = value.AsSpan(header.Length, SaltLength);
        RandomNumberGenerator.Fill(salt);
        using var cipher = new AesGcm(KeyFor(entry.Tenant.Slug, header, salt), TagLength);
        cipher.Encrypt(Nonce, json, value.AsSpan(header.Length + SaltLength + TagLength), value.AsSpan(header.Length + SaltLength, TagLength));
        return value;
    }

    /// <param name="slug">The name that it was found under.</param>
    /// <param name="value">What was found.</param>
    /// <param name="now">The time; clocks of proxies may differ by less than <paramref name="ageMax"/>.</param>
    /// <param name="ageMax">How old it may be.</param>
    /// <param name="entry">The entry, for <see cref="SealState.Open"/> and only then.</param>
    public SealState TryOpen(TenantSlug slug, byte[] value, DateTimeOffset now, TimeSpan ageMax, out TenantEntry? entry)
    {
        entry = null;
        int headerLength = value.AsSpan(0, Math.Min(value.Length, 200)).IndexOf((byte)'\n') + 1;
        if (headerLength == 0 || value.Length < headerLength + SaltLength + TagLength || value.Length > LengthMax) return SealState.Broken;
        string[] header = Encoding.ASCII.GetString(value, 0, headerLength - 1).Split(' ');
        if (header.Length != 5 || header[0] != Mark || !long.TryParse(header[2], NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds)) return SealState.Broken;
        if (header[1] != EntryJson.Shape) return SealState.Foreign;
        if (Math.Abs(now.ToUnixTimeMilliseconds() - milliseconds) > ageMax.TotalMilliseconds) return SealState.Foreign;
        try
        {
            ReadOnlySpan<byte> salt = value.AsSpan(headerLength, SaltLength);
            using var cipher = new AesGcm(KeyFor(slug, value.AsSpan(0, headerLength), salt), TagLength);
            var json = new byte[value.Length - headerLength - SaltLength - TagLength];
            cipher.Decrypt(Nonce, value.AsSpan(headerLength + SaltLength + TagLength), value.AsSpan(headerLength + SaltLength, TagLength), json);
            TenantEntry read = EntryJson.Read(json);
            if (read.Tenant.Slug != slug) return SealState.Broken;
            entry = read;
            return SealState.Open;
        }
        catch (Exception refused) when (refused is CryptographicException or JsonException)
        {
            return SealState.Broken;
        }
    }

    private byte[] KeyFor(TenantSlug slug, ReadOnlySpan<byte> header, ReadOnlySpan<byte> salt)
        => master.Authenticate([.. "proxysuite/shared-entry\0"u8, .. Encoding.ASCII.GetBytes(slug.Value), 0, .. header, .. salt]);
}
