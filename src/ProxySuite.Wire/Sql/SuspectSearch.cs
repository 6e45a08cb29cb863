using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace ProxySuite.Wire.Sql;

/// <summary>
/// Finds the few names that matter wherever they stand in a text: <c>set_config</c>, <c>pg_settings</c>, <c>advisory_lock</c>,
/// <c>pg_temp</c>, <c>currval</c>, <c>lastval</c>, <c>U&amp;"</c> and the word TEMP. One vectorised pass over the text looks for rare groups of letters out of them
/// (<c>fig</c>, <c>ttin</c>, <c>dvi</c>, <c>temp</c>, <c>rrv</c>, <c>stv</c>, <c>&amp;"</c>), any case, and only what it finds is looked at.
/// </summary>
internal static class SuspectSearch
{
    // The pass reads 32 positions at once, and the three bytes behind each.
    private const int Window = 32 + 3;

    /// <summary>The traits that names anywhere in the text amount to.</summary>
    /// <param name="text">Any bytes.</param>
    /// <param name="hasTempWord">True when TEMP or TEMPORARY stands in the text with no letter around it: only its tokens tell what it is.</param>
    public static StatementTraits Find(ReadOnlySpan<byte> text, out bool hasTempWord)
    {
        hasTempWord = false;
        StatementTraits traits = StatementTraits.None;
        for (int at = IndexOfCandidate(text); at >= 0;)
        {
            traits |= Look(text, at, ref hasTempWord);
            int next = IndexOfCandidate(text[(at + 1)..]);
            at = next < 0 ? -1 : at + 1 + next;
        }

        return traits;
    }

    private static StatementTraits Look(ReadOnlySpan<byte> text, int at, ref bool hasTempWord)
    {
        switch (text[at] | 0x20)
        {
            case 'f' when EndsWith(text[..at], "set_con"u8):
                return StatementTraits.SetConfig;
            case 'd' when EndsWith(text[..at], "a"u8) && StartsWith(text[at..], "dvisory_lock"u8):
                return StatementTraits.SessionAdvisoryLock;
            case 'r' when EndsWith(text[..at], "cu"u8) && StartsWith(text[at..], "rrval"u8):
            case 's' when EndsWith(text[..at], "la"u8) && StartsWith(text[at..], "stval"u8):
                return StatementTraits.ReadsSequences;
            case '&' when EndsWith(text[..at], "u"u8):
                return StatementTraits.UnicodeIdentifier;
            case 't' when (text[at + 1] | 0x20) == 't':
                // A rule on this view turns UPDATE pg_settings SET setting = … into set_config; to read it is harmless.
                bool isUpdated = EndsWith(text[..at], "pg_se"u8) && StartsWith(text[at..], "ttings"u8) && HasUpdate(text);
                return isUpdated ? StatementTraits.SetConfig : StatementTraits.None;
            case 't':
                if (EndsWith(text[..at], "pg_"u8))
                {
                    return StatementTraits.CreatesTemp;
                }

                int end = at + (StartsWith(text[at..], "temporary"u8) ? "temporary"u8.Length : "temp"u8.Length);
                hasTempWord |= (at == 0 || !SqlLexer.IsWordByte(text[at - 1])) && (end == text.Length || !SqlLexer.IsWordByte(text[end]));
                return StatementTraits.None;
            default:
                return StatementTraits.None;
        }
    }

    private static bool HasUpdate(ReadOnlySpan<byte> text)
    {
        for (ReadOnlySpan<byte> rest = text; rest.IndexOfAny((byte)'u', (byte)'U') is >= 0 and int at; rest = rest[(at + 1)..])
        {
            if (StartsWith(rest[at..], "update"u8))
            {
                return true;
            }
        }

        return false;
    }

    private static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower)
        => text.Length >= lower.Length && Ascii.EqualsIgnoreCase(text[..lower.Length], lower);

    private static bool EndsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower)
        => text.Length >= lower.Length && Ascii.EqualsIgnoreCase(text[^lower.Length..], lower);

    /// <summary>Where the next group of letters begins; -1 when there is none.</summary>
    private static int IndexOfCandidate(ReadOnlySpan<byte> text)
    {
        if (text.Length < Window)
        {
            // Zeros behind a short text match nothing.
            Span<byte> padded = stackalloc byte[2 * 32];
            padded.Clear();
            text.CopyTo(padded);
            return IndexInWindows(padded);
        }

        return IndexInWindows(text);
    }

    private static int IndexInWindows(ReadOnlySpan<byte> text)
    {
        ref byte start = ref MemoryMarshal.GetReference(text);
        int last = text.Length - Window;
        for (int at = 0; ; at = Math.Min(at + 32, last))
        {
            uint found = Match(ref Unsafe.Add(ref start, at)).ExtractMostSignificantBits();
            if (found != 0)
            {
                return at + System.Numerics.BitOperations.TrailingZeroCount(found);
            }

            // The last window overlaps the one before. A group cut off by the end of the text belongs to no name: each goes on behind it.
            if (at == last)
            {
                return -1;
            }
        }
    }

    private static Vector256<byte> Match(ref byte at)
    {
        // 0x20 folds the case of letters, and folds & and " into themselves; what else it folds onto a letter is a control byte or '@'..'_'.
        Vector256<byte> fold = Vector256.Create((byte)0x20);
        Vector256<byte> v0 = Vector256.LoadUnsafe(ref at) | fold;
        Vector256<byte> v1 = Vector256.LoadUnsafe(ref at, 1) | fold;
        Vector256<byte> v2 = Vector256.LoadUnsafe(ref at, 2) | fold;
        Vector256<byte> v3 = Vector256.LoadUnsafe(ref at, 3) | fold;
        Vector256<byte> temp = Is(v1, 'e') & Is(v2, 'm') & Is(v3, 'p');
        Vector256<byte> ttin = Is(v1, 't') & Is(v2, 'i') & Is(v3, 'n');
        Vector256<byte> fig = Is(v0, 'f') & Is(v1, 'i') & Is(v2, 'g');
        Vector256<byte> dvi = Is(v0, 'd') & Is(v1, 'v') & Is(v2, 'i');
        Vector256<byte> unicode = Is(v0, '&') & Is(v1, '"');
        Vector256<byte> sequence = ((Is(v0, 'r') & Is(v1, 'r')) | (Is(v0, 's') & Is(v1, 't'))) & Is(v2, 'v');
        return (Is(v0, 't') & (temp | ttin)) | fig | dvi | unicode | sequence;
    }

    private static Vector256<byte> Is(Vector256<byte> folded, char c) => Vector256.Equals(folded, Vector256.Create((byte)c));
}
