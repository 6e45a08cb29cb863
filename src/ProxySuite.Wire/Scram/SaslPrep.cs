using System.Text;

namespace ProxySuite.Wire.Scram;

/// <summary>How PostgreSQL prepares a password before it hashes it: RFC 4013, with the liberties of saslprep.c.</summary>
public static class SaslPrep
{
    private const int Space = ' ';

    /// <summary>Prepares a password.</summary>
    /// <param name="password">As the user typed it, in UTF-8; bytes that are not UTF-8 are left as they are.</param>
    /// <returns>
    /// A new array, which the caller may clear. Where the profile forbids the password (a control or unassigned character, mixed
    /// directions) it is the password itself, since PostgreSQL then uses that on both sides.
    /// </returns>
    public static byte[] Prepare(ReadOnlySpan<byte> password)
    {
        if (Ascii.IsValid(password) || !System.Text.Unicode.Utf8.IsValid(password))
        {
            return password.ToArray();
        }

        List<int> mapped = Map(password);
        return mapped.Count > 0 && IsAllowed(mapped) ? Encode(Nfkc.Normalize(mapped)) : password.ToArray();
    }

    // RFC 3454 §3: other spaces become the ASCII one, and what is invisible goes. U+200B is both; the server's tables make it a space.
    private static List<int> Map(ReadOnlySpan<byte> password)
    {
        SaslPrepTables tables = SaslPrepTables.Instance;
        var mapped = new List<int>(password.Length);
        for (ReadOnlySpan<byte> rest = password; rest.Length > 0;)
        {
            Rune.DecodeFromUtf8(rest, out Rune rune, out int length);
            rest = rest[length..];
            if (tables.Spaces.Contains(rune.Value))
            {
                mapped.Add(Space);
            }
            else if (!tables.Nothing.Contains(rune.Value))
            {
                mapped.Add(rune.Value);
            }
        }

        return mapped;
    }

    // RFC 3454 §5 and §6. The RFC checks what normalisation made; PostgreSQL checks what went into it, and so do we.
    private static bool IsAllowed(List<int> codes)
    {
        SaslPrepTables tables = SaslPrepTables.Instance;
        bool hasRightToLeft = false;
        bool hasLeftToRight = false;
        foreach (int code in codes)
        {
            if (tables.Prohibited.Contains(code) || tables.Unassigned.Contains(code))
            {
                return false;
            }

            hasRightToLeft |= tables.RightToLeft.Contains(code);
            hasLeftToRight |= tables.LeftToRight.Contains(code);
        }

        return !hasRightToLeft
            || (!hasLeftToRight && tables.RightToLeft.Contains(codes[0]) && tables.RightToLeft.Contains(codes[^1]));
    }

    private static byte[] Encode(List<int> codes)
    {
        byte[] bytes = new byte[codes.Count * 4];
        int length = 0;
        foreach (int code in codes)
        {
            length += new Rune(code).EncodeToUtf8(bytes.AsSpan(length));
        }

        return bytes[..length];
    }
}
