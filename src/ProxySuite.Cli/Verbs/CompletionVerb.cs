using System.CommandLine;
using ProxySuite.Cli.Frame;

namespace ProxySuite.Cli.Verbs;

internal sealed class CompletionVerb : Verb
{
    private readonly Argument<string> _shell = new("SHELL") { Description = "bash" };

    public CompletionVerb() : base("completion", "Print a script that completes verbs and options in a shell")
    {
        Add(_shell);
        _shell.AcceptOnlyFromAmong("bash");
    }

    public override IReadOnlyList<string> Examples => ["completion bash"];

    public override Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        string script = BashCompletion.Of(ProxyCtl.Build());
        context.Output.Answer(new { Script = script }, output => output.Line(script));
        return Task.CompletedTask;
    }
}

/// <summary>A completion script written from the verbs themselves: it starts no program while somebody types.</summary>
internal static class BashCompletion
{
    public static string Of(RootCommand root)
    {
        var lines = new List<string>
        {
            "# bash completion for proxyctl; made by: proxyctl completion bash",
            "_proxyctl() {",
            "  local word=${COMP_WORDS[COMP_CWORD]} path= i",
            "  for ((i = 1; i < COMP_CWORD; i++)); do",
            "    case ${COMP_WORDS[i]} in -*) ;; *) case \" $(_proxyctl_words \"$path\") \" in *\" ${COMP_WORDS[i]} \"*) path=\"$path ${COMP_WORDS[i]}\" ;; esac ;; esac",
            "  done",
            "  case ${COMP_WORDS[COMP_CWORD-1]} in",
        };
        IEnumerable<Option> options = All(root).SelectMany(command => command.Command.Options).DistinctBy(option => option.Name);
        foreach (Option option in options.OrderBy(option => option.Name, StringComparer.Ordinal))
        {
            string[] choices = [.. option.GetCompletions(System.CommandLine.Completions.CompletionContext.Empty).Select(choice => choice.Label)];
            if (choices.Length > 0 && option.ValueType != typeof(bool)) lines.Add($"    {option.Name}) COMPREPLY=($(compgen -W \"{string.Join(' ', choices)}\" -- \"$word\")); return ;;");
            else if (option.Name is "--template" or "--master-key-file") lines.Add($"    {option.Name}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;");
        }
        lines.AddRange(["  esac", "  COMPREPLY=($(compgen -W \"$(_proxyctl_words \"$path\")\" -- \"$word\"))", "}", "_proxyctl_words() {", "  case $1 in"]);
        string common = string.Join(' ', root.Options.Where(option => option.Recursive).Select(option => option.Name).Append("--help").Distinct());
        foreach ((string path, Command command) in All(root))
        {
            IEnumerable<string> words = command.Subcommands.Select(sub => sub.Name).Concat(command.Options.Where(option => !option.Recursive).Select(option => option.Name));
            lines.Add($"    \"{path}\") echo \"{string.Join(' ', words.Append(common))}\" ;;");
        }
        lines.AddRange(["  esac", "}", "complete -F _proxyctl proxyctl"]);
        return string.Join('\n', lines);
    }

    private static IEnumerable<(string Path, Command Command)> All(Command command, string path = "")
    {
        yield return (path, command);
        foreach (Command sub in command.Subcommands)
        {
            foreach ((string, Command) found in All(sub, $"{path} {sub.Name}")) yield return found;
        }
    }
}
