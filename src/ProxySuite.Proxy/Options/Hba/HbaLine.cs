using System.Text;

namespace ProxySuite.Proxy.Options.Hba;

/// <summary>A word of a rule.</summary>
/// <param name="Text">Without its quotes.</param>
/// <param name="IsQuoted">Whether it began with a quote: then <c>all</c> and its like are names.</param>
internal readonly record struct HbaWord(string Text, bool IsQuoted);

/// <summary>A line of pg_hba.conf cut into fields; a field is one word, or several joined by commas.</summary>
/// <param name="Number">Where it begins in its file, from 1.</param>
/// <param name="Fields">At least one, each with at least one word.</param>
internal sealed record HbaLine(int Number, IReadOnlyList<IReadOnlyList<HbaWord>> Fields)
{
    /// <summary>Cuts a file into lines and fields the way PostgreSQL does (hba.c, next_token): blanks end a word, a comma goes on with the field, # begins a
    /// comment, a backslash at the end of a line goes on with the next, and between quotes all but the doubled quote is as it stands.</summary>
    /// <param name="text">The file.</param>
    /// <param name="wrong">Told of lines that cannot be cut, by number.</param>
    public static IEnumerable<HbaLine> Split(string text, Action<int, string> wrong)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            int number = i + 1;
            string line = lines[i].TrimEnd('\r');
            while (line.EndsWith('\\'))
            {
                line = line[..^1];
                if (++i < lines.Length) line += lines[i].TrimEnd('\r');
            }
            List<IReadOnlyList<HbaWord>> fields = [];
            int at = 0;
            bool isWhole = true;
            while (isWhole && TryField(line, ref at, out List<HbaWord>? field, out isWhole)) fields.Add(field);
            if (!isWhole) wrong(number, "a quote is not closed");
            else if (fields.Count > 0) yield return new HbaLine(number, fields);
        }
    }

    private static bool TryField(string line, ref int at, out List<HbaWord> field, out bool isWhole)
    {
        field = [];
        bool goesOn = true;
        isWhole = true;
        while (goesOn && TryWord(line, ref at, out HbaWord word, out goesOn, out isWhole)) field.Add(word);
        return field.Count > 0;
    }

    private static bool TryWord(string line, ref int at, out HbaWord word, out bool endsInComma, out bool isWhole)
    {
        word = default;
        endsInComma = false;
        while (at < line.Length && (IsBlank(line[at]) || line[at] == ',')) at++;
        var text = new StringBuilder();
        bool isInQuotes = false, isQuoted = at < line.Length && line[at] == '"', isWord = false;
        for (; at < line.Length; at++)
        {
            char letter = line[at];
            if (!isInQuotes && letter == '#')
            {
                at = line.Length;
                break;
            }
            if (!isInQuotes && (IsBlank(letter) || letter == ','))
            {
                endsInComma = letter == ',';
                at++;
                break;
            }
            isWord = true;
            if (letter != '"') text.Append(letter);
            else if (isInQuotes && at + 1 < line.Length && line[at + 1] == '"') text.Append(line[++at]);
            else isInQuotes = !isInQuotes;
        }
        isWhole = !isInQuotes;
        if (isWord) word = new HbaWord(text.ToString(), isQuoted);
        return isWord && isWhole;
    }

    private static bool IsBlank(char letter) => letter is ' ' or '\t' or '\r';
}
