namespace ProxySuite.Proxy.Admin;

/// <summary>Reads a command's text: words, quoted names and strings, numbers, signs; comments are skipped. One list of tokens for each statement.</summary>
internal static class AdminText
{
    /// <summary>One token.</summary>
    /// <param name="Text">Its text, without quotes.</param>
    /// <param name="IsQuoted">Whether it was quoted, and so is no keyword.</param>
    internal readonly record struct Token(string Text, bool IsQuoted)
    {
        public bool Is(string keyword) => !IsQuoted && Text.Equals(keyword, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The statements of a text; empty ones are left out.</summary>
    public static List<List<Token>> Split(string text)
    {
        var statements = new List<List<Token>>();
        var current = new List<Token>();
        for (int at = 0; at < text.Length;)
        {
            char letter = text[at];
            if (char.IsWhiteSpace(letter)) at++;
            else if (text.AsSpan(at).StartsWith("--")) at = EndOf(text, at, "\n");
            else if (text.AsSpan(at).StartsWith("/*")) at = EndOf(text, at + 2, "*/");
            else if (letter is '"' or '\'') current.Add(Quoted(text, letter, ref at));
            else if (letter == ';')
            {
                if (current.Count > 0) statements.Add(current);
                current = [];
                at++;
            }
            else current.Add(Word(text, ref at));
        }
        if (current.Count > 0) statements.Add(current);
        return statements;
    }

    private static int EndOf(string text, int from, string end)
    {
        int found = text.IndexOf(end, from, StringComparison.Ordinal);
        return found < 0 ? text.Length : found + end.Length;
    }

    // A doubled quote stands for one.
    private static Token Quoted(string text, char quote, ref int at)
    {
        var value = new System.Text.StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] != quote) value.Append(text[at]);
            else if (at + 1 < text.Length && text[at + 1] == quote) value.Append(text[at++]);
            else break;
        }
        at++;
        return new Token(value.ToString(), IsQuoted: true);
    }

    // Slugs begin with digits and hold hyphens, settings hold dots: all of that is one word here.
    private static Token Word(string text, ref int at)
    {
        int from = at;
        while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] is '_' or '-' or '.' or '$')) at++;
        if (at == from) at++; // a sign stands for itself
        return new Token(text[from..at], IsQuoted: false);
    }
}
