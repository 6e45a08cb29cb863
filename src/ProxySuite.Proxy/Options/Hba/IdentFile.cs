using System.Text.RegularExpressions;

namespace ProxySuite.Proxy.Options.Hba;

/// <summary>
/// Reads maps from names in certificates to users, in the form of pg_ident.conf: map, name or <c>/regular expression</c>, user, where <c>\1</c> stands for
/// the expression's first group. The user is written <c>user@tenant</c>; see <see cref="IdentMaps"/>.
/// </summary>
internal static class IdentFile
{
    /// <summary>Largest file read, in bytes.</summary>
    private const int BytesMax = 4 << 20;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">Told of all that is wrong, with file and line.</param>
    /// <returns>The maps; of no use where a problem was told.</returns>
    public static IdentMaps Read(string path, Action<string> problem)
    {
        string? text = SmallFile.ReadText(path, BytesMax, problem);
        return text is null ? IdentMaps.Empty : Parse(text, (line, reason) => problem($"{path} line {line}: {reason}"));
    }

    /// <summary>Reads maps from text.</summary>
    /// <param name="text">Lines as in pg_ident.conf.</param>
    /// <param name="wrong">Told of all that is wrong, by line.</param>
    public static IdentMaps Parse(string text, Action<int, string> wrong)
    {
        List<IdentLine> lines = [];
        foreach (HbaLine line in HbaLine.Split(text, wrong))
        {
            try
            {
                lines.Add(ReadLine(line));
            }
            catch (FormatException exception)
            {
                wrong(line.Number, exception.Message);
            }
        }
        return new IdentMaps(lines);
    }

    private static IdentLine ReadLine(HbaLine line)
    {
        HbaWord map = Single(line, 0, "map");
        if (!map.IsQuoted && map.Text.StartsWith("include", StringComparison.Ordinal)) throw new FormatException($"{map.Text} is not available; write the maps into one file");
        string name = Single(line, 1, "name in the certificate").Text;
        HbaWord user = Single(line, 2, "user");
        if (line.Fields.Count > 3) throw new FormatException("a line has three fields: map, name in the certificate, user");
        if (name.Length == 0 || user.Text.Length == 0) throw new FormatException("a name must not be empty");
        if (!user.IsQuoted && (user.Text == "all" || user.Text[0] is '+' or '/'))
            throw new FormatException($"\"{user.Text}\": all users, members of a role and regular expressions are not available in the user field; write user@tenant, \\1 in it where it depends on the name");
        if (name[0] != '/') return new IdentLine(map.Text, name, null, user.Text);
        Regex pattern = Pattern(name[1..]);
        if (user.Text.Contains("\\1", StringComparison.Ordinal) && pattern.GetGroupNumbers().Length < 2) throw new FormatException("\\1 stands for a group, and the expression has none");
        return new IdentLine(map.Text, "", pattern, user.Text);
    }

    private static Regex Pattern(string text)
    {
        try
        {
            // Without backtracking: the name comes from a client, and no name may take longer than its length.
            return new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception wrong) when (wrong is ArgumentException or NotSupportedException)
        {
            throw new FormatException($"\"{text}\" is no regular expression, or one with look-around or back-references, which are not available");
        }
    }

    private static HbaWord Single(HbaLine line, int index, string what)
    {
        if (index >= line.Fields.Count) throw new FormatException($"the line ends before its {what}");
        return line.Fields[index].Count == 1 ? line.Fields[index][0] : throw new FormatException($"the {what} is one word, not a list");
    }
}
