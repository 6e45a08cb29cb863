namespace ProxySuite.Proxy.Options;

/// <summary>"Did you mean": the known key that is nearest to an unknown one.</summary>
internal static class KeySuggestion
{
    /// <summary>Letters that may differ: enough for a typing slip or a missing word ending, too few to join unrelated keys.</summary>
    private const int DistanceMax = 3;

    /// <summary>Text to put behind "unknown key": empty when nothing is near.</summary>
    public static string For(string unknown, IEnumerable<string> known)
    {
        string? nearest = null;
        int nearestDistance = DistanceMax + 1;
        foreach (string key in known)
        {
            // The right name under the wrong section is as near as a typing slip.
            int distance = string.Equals(LastPart(key), LastPart(unknown), StringComparison.OrdinalIgnoreCase) ? DistanceMax : Distance(key, unknown);
            if (distance >= nearestDistance) continue;
            (nearest, nearestDistance) = (key, distance);
        }
        return nearest is null ? "" : $"; did you mean {nearest}?";
    }

    private static string LastPart(string key) => key[(key.LastIndexOf(':') + 1)..];

    /// <summary>Levenshtein distance without regard to case.</summary>
    private static int Distance(string left, string right)
    {
        Span<int> row = stackalloc int[Math.Min(right.Length, 200) + 1];
        right = right[..(row.Length - 1)];
        for (int column = 0; column < row.Length; column++) row[column] = column;
        foreach (char letter in left)
        {
            int diagonal = row[0]++;
            for (int column = 1; column < row.Length; column++)
            {
                int change = diagonal + (char.ToUpperInvariant(letter) == char.ToUpperInvariant(right[column - 1]) ? 0 : 1);
                diagonal = row[column];
                row[column] = Math.Min(change, Math.Min(row[column], row[column - 1]) + 1);
            }
        }
        return row[^1];
    }
}
