namespace ProxySuite.Wire.Scram;

/// <summary>
/// Unicode normalisation form KC (UAX #15) for characters that Unicode 3.2 knew. Own code, because string.Normalize leaves everything
/// but ASCII as it is when the process runs with InvariantGlobalization, as ours do to need no ICU.
/// </summary>
internal static class Nfkc
{
    // Hangul syllables are computed (The Unicode Standard, 3.12).
    private const int SyllableBase = 0xac00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11a7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TrailCount = 28;
    private const int SyllableCount = LeadCount * VowelCount * TrailCount;

    public static List<int> Normalize(List<int> codes)
    {
        List<int> decomposed = Decompose(codes);
        Order(decomposed);
        return Compose(decomposed);
    }

    private static List<int> Decompose(List<int> codes)
    {
        var parts = new List<int>(codes.Count * 2);
        foreach (int code in codes)
        {
            int syllable = code - SyllableBase;
            if (syllable is >= 0 and < SyllableCount)
            {
                parts.Add(LeadBase + (syllable / (VowelCount * TrailCount)));
                parts.Add(VowelBase + (syllable % (VowelCount * TrailCount) / TrailCount));
                int trail = syllable % TrailCount;
                if (trail > 0)
                {
                    parts.Add(TrailBase + trail);
                }
            }
            else if (SaslPrepTables.Instance.Decompositions.TryGetValue(code, out int[]? full))
            {
                parts.AddRange(full);
            }
            else
            {
                parts.Add(code);
            }
        }

        return parts;
    }

    // Marks on one letter are sorted by class, and keep their order within a class: an insertion sort between class zeros.
    private static void Order(List<int> codes)
    {
        for (int i = 1; i < codes.Count; i++)
        {
            int code = codes[i];
            int combiningClass = Class(code);
            int at = i;
            while (combiningClass > 0 && at > 0 && Class(codes[at - 1]) > combiningClass)
            {
                codes[at] = codes[at - 1];
                at--;
            }

            codes[at] = code;
        }
    }

    private static List<int> Compose(List<int> codes)
    {
        var result = new List<int>(codes.Count);
        int starterAt = -1;
        int lastClass = 0;
        foreach (int code in codes)
        {
            int combiningClass = Class(code);
            bool isBlocked = starterAt < 0 || (result.Count - 1 > starterAt && lastClass >= combiningClass);
            if (!isBlocked && TryPair(result[starterAt], code, out int composed))
            {
                result[starterAt] = composed;
                continue;
            }

            if (combiningClass == 0)
            {
                starterAt = result.Count;
            }

            lastClass = combiningClass;
            result.Add(code);
        }

        return result;
    }

    private static bool TryPair(int first, int second, out int composed)
    {
        int lead = first - LeadBase;
        int vowel = second - VowelBase;
        if (lead is >= 0 and < LeadCount && vowel is >= 0 and < VowelCount)
        {
            composed = SyllableBase + (((lead * VowelCount) + vowel) * TrailCount);
            return true;
        }

        int syllable = first - SyllableBase;
        int trail = second - TrailBase;
        if (syllable is >= 0 and < SyllableCount && syllable % TrailCount == 0 && trail is > 0 and < TrailCount)
        {
            composed = first + trail;
            return true;
        }

        return SaslPrepTables.Instance.Compositions.TryGetValue((first, second), out composed);
    }

    private static int Class(int code) => SaslPrepTables.Instance.CombiningClasses.GetValueOrDefault(code);
}
