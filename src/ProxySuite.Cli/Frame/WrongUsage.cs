using System.CommandLine;

namespace ProxySuite.Cli.Frame;

/// <summary>What is wrong with a command line that cannot be read, and what was probably meant.</summary>
internal static class WrongUsage
{
    public static (string Message, string Hint) Describe(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string place = string.Join(' ', Line(command).Reverse().Select(one => one is RootCommand ? "proxyctl" : one.Name));
        string help = $"See: {place} --help";
        string? typed = parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null;
        if (command.Subcommands.Count > 0 && typed?.StartsWith('-') != true)
        {
            string[] verbs = [.. command.Subcommands.Select(verb => verb.Name)];
            if (typed is null) return ($"a verb is missing behind \"{place}\"", $"One of: {string.Join(", ", verbs)}. {help}");
            return ($"there is no verb \"{typed}\" behind \"{place}\"", Near(typed, verbs) is { } verb ? $"Did you mean: {place} {verb}? {help}" : $"One of: {string.Join(", ", verbs)}. {help}");
        }
        if (typed?.StartsWith("--", StringComparison.Ordinal) == true)
        {
            IEnumerable<Option> options = command.Options.Concat(Line(command).Skip(1).SelectMany(parent => parent.Options).Where(option => option.Recursive));
            return ($"there is no option {typed} of \"{place}\"", Near(typed, options.Select(option => option.Name)) is { } option ? $"Did you mean: {option}? {help}" : help);
        }
        return (string.Join("; ", parsed.Errors.Select(error => error.Message)), help);
    }

    /// <summary>The command, the one that holds it, and so on to the program itself.</summary>
    private static IEnumerable<Command> Line(Command command)
    {
        for (Command? one = command; one is not null; one = one.Parents.OfType<Command>().FirstOrDefault()) yield return one;
    }

    /// <summary>What is nearest to a word: a third of its letters may be wrong, missing or too many, or it is the beginning.</summary>
    private static string? Near(string word, IEnumerable<string> choices)
    {
        (string Choice, int Distance)[] near = [.. choices.Select(choice => (choice, Distance(word, choice))).OrderBy(one => one.Item2)];
        return near.Length > 0 && near[0].Distance <= Math.Max(1, word.Length / 3) ? near[0].Choice
            : near.Select(one => one.Choice).FirstOrDefault(choice => word.Length >= 2 && choice.StartsWith(word, StringComparison.Ordinal));
    }

    /// <summary>Letters to be put in, taken out or changed to make one word of the other (Levenshtein).</summary>
    private static int Distance(string from, string to)
    {
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int changed = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[to.Length];
    }
}
