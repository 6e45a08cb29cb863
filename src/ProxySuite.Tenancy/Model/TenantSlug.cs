using System.Buffers;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace ProxySuite.Tenancy.Model;

/// <summary>
/// The name a client gives for its tenant: 1 to 63 bytes of lower-case letters, digits, hyphen and underscore, beginning with a letter or a
/// digit, and none of the reserved names.
/// </summary>
/// <remarks>63 bytes is the longest database name PostgreSQL takes (NAMEDATALEN - 1), and clients give the slug as database name (A2).</remarks>
public readonly record struct TenantSlug
{
    /// <summary>Longest slug, in bytes and in characters alike, as slugs are ASCII.</summary>
    public const int LengthMax = 63;

    private static readonly SearchValues<byte> AllowedBytes = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_"u8);
    private static readonly SearchValues<char> AllowedChars = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    // The admin console answers to the first two (design §9); the others are databases that every cluster has.
    private static readonly FrozenSet<string> Reserved =
        FrozenSet.Create(StringComparer.Ordinal, "pgbouncer", "proxysuite", "postgres", "template0", "template1");

    private readonly string? _value;

    private TenantSlug(string value) => _value = value;

    /// <summary>The slug's text; empty for the default value, which names no tenant.</summary>
    public string Value => _value ?? "";

    /// <summary>Reads a slug from bytes that a client sent; allocates only for a valid one.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out TenantSlug slug)
    {
        slug = default;
        if (!IsWellFormed(bytes)) return false;
        Span<char> text = stackalloc char[LengthMax];
        text = Widen(bytes, text);
        if (IsReserved(text)) return false;
        slug = new TenantSlug(new string(text));
        return true;
    }

    /// <summary>Reads a slug from text, such as an argument of <c>proxyctl</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out TenantSlug slug)
    {
        slug = default;
        if (WhyRefused(text) is not null) return false;
        slug = new TenantSlug(text!);
        return true;
    }

    /// <exception cref="FormatException">The text is no slug; the message says why.</exception>
    public static TenantSlug Parse(string text)
        => WhyRefused(text) is { } reason ? throw new FormatException(reason) : new TenantSlug(text);

    /// <summary>Why the text is no slug, for whoever typed it; null when it is one.</summary>
    public static string? WhyRefused(string? text) => text switch
    {
        null or "" => "a tenant's slug must not be empty",
        { Length: > LengthMax } => $"a tenant's slug has at most {LengthMax} characters, not {text.Length}",
        _ when text.AsSpan().ContainsAnyExcept(AllowedChars) || text[0] is '-' or '_'
            => $"\"{text}\" is no tenant slug: lower-case letters, digits, '-' and '_' are allowed, and a letter or digit comes first",
        _ when IsReserved(text) => $"\"{text}\" is a reserved name",
        _ => null,
    };

    public override string ToString() => Value;

    /// <summary>Whether the bytes could be a slug, reserved names included: the cheap test before a look-up.</summary>
    internal static bool IsWellFormed(ReadOnlySpan<byte> bytes)
        => bytes.Length is > 0 and <= LengthMax && !bytes.ContainsAnyExcept(AllowedBytes) && bytes[0] is not ((byte)'-' or (byte)'_');

    /// <summary>Copies ASCII bytes into characters.</summary>
    /// <returns>The part of <paramref name="buffer"/> that was filled.</returns>
    internal static Span<char> Widen(ReadOnlySpan<byte> bytes, Span<char> buffer)
    {
        System.Text.Ascii.ToUtf16(bytes, buffer, out int written);
        return buffer[..written];
    }

    private static bool IsReserved(ReadOnlySpan<char> text) => Reserved.GetAlternateLookup<ReadOnlySpan<char>>().Contains(text);
}
