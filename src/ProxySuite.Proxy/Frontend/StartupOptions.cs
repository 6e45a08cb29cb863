using System.Text;

namespace ProxySuite.Proxy.Frontend;

/// <summary>Reads the start-up parameter <c>options</c>: <c>-c name=value</c> and <c>--name=value</c>, blanks escaped by backslashes, as PostgreSQL reads it.</summary>
internal static class StartupOptions
{
    /// <summary>Takes the options apart.</summary>
    /// <returns>False when it is not a list of settings; other command-line switches of a server are none of a client's business.</returns>
    public static bool TryParse(string options, List<KeyValuePair<string, string>> settings)
    {
        List<string> words = Split(options);
        for (int i = 0; i < words.Count; i++)
        {
            string word = words[i];
            string setting;
            if (word.StartsWith("--", StringComparison.Ordinal)) setting = word[2..];
            else if (word.StartsWith("-c", StringComparison.Ordinal) && word.Length > 2) setting = word[2..];
            else if (word == "-c" && i + 1 < words.Count) setting = words[++i];
            else return false;
            int equals = setting.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) return false;
            // In switches a hyphen may stand for an underscore (postgres.c, process_postgres_switches).
            settings.Add(new(setting[..equals].Replace('-', '_'), setting[(equals + 1)..]));
        }
        return true;
    }

    private static List<string> Split(string options)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool isInWord = false;
        for (int i = 0; i < options.Length; i++)
        {
            char c = options[i];
            if (c is ' ' or '\t' or '\n' or '\v' or '\f' or '\r')
            {
                if (isInWord) words.Add(word.ToString());
                word.Clear();
                isInWord = false;
                continue;
            }
            if (c == '\\' && i + 1 < options.Length) c = options[++i];
            word.Append(c);
            isInWord = true;
        }
        if (isInWord) words.Add(word.ToString());
        return words;
    }
}
