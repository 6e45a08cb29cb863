using System.Text;

namespace ProxySuite.Testing.Protocol;

/// <summary>Two lists of lines side by side: equal ones once, others marked with <c>-</c> (expected) and <c>+</c> (actual).</summary>
internal static class TextDiff
{
    /// <param name="expected">Lines that may be patterns.</param>
    /// <param name="actual">Lines that are what they are.</param>
    /// <param name="matches">Tells whether an expected line covers an actual one.</param>
    public static string Of(IReadOnlyList<string> expected, IReadOnlyList<string> actual, Func<string, string, bool> matches)
    {
        // Longest common subsequence, from the end: common[i, j] is its length for the lines from i and from j on.
        int[,] common = new int[expected.Count + 1, actual.Count + 1];
        for (int i = expected.Count - 1; i >= 0; i--)
        {
            for (int j = actual.Count - 1; j >= 0; j--)
            {
                common[i, j] = matches(expected[i], actual[j]) ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        StringBuilder text = new();
        int e = 0;
        int a = 0;
        while (e < expected.Count || a < actual.Count)
        {
            if (e < expected.Count && a < actual.Count && matches(expected[e], actual[a]))
            {
                text.Append("  ").Append(actual[a++]).Append('\n');
                e++;
            }
            else if (a == actual.Count || (e < expected.Count && common[e + 1, a] >= common[e, a + 1])) text.Append("- ").Append(expected[e++]).Append('\n');
            else text.Append("+ ").Append(actual[a++]).Append('\n');
        }
        return text.ToString();
    }
}
