using System.CommandLine;

namespace ProxySuite.Cli.Frame;

/// <summary>One verb: its arguments, what it does with them, and the examples that its help ends with.</summary>
internal abstract class Verb : Command
{
    protected Verb(string name, string description) : base(name, description)
    {
    }

    /// <summary>Takes arguments and options, in the order of the help.</summary>
    protected void Take(params ReadOnlySpan<Symbol> symbols)
    {
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument) Add(argument);
            else Add((Option)symbol);
        }
    }

    /// <summary>Lines to copy, without the program's name.</summary>
    public abstract IReadOnlyList<string> Examples { get; }

    /// <summary>Does the work. A failure is an exception, see <see cref="Failures"/>.</summary>
    public abstract Task RunAsync(CliContext context, CancellationToken cancellationToken);
}
