using System.CommandLine;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Frame;

/// <summary>Where a user's password comes from: standard input, or it is made and shown once. Never an argument, which every process list shows.</summary>
internal sealed class PasswordOptions
{
    private readonly Option<bool> _stdin = new("--password-stdin") { Description = "Read the password from the first line of standard input" };
    private readonly Option<bool> _generate = new("--generate-password") { Description = "Make a password and print it once (what happens without --password-stdin, too)" };

    public void AddTo(Command command)
    {
        command.Add(_stdin);
        command.Add(_generate);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_stdin) && result.GetValue(_generate)) result.AddError("--password-stdin and --generate-password exclude each other");
        });
    }

    /// <returns>Null to have one made.</returns>
    public Secret? Read(CliContext context) => context.Get(_stdin) ? context.ReadPassword() : null;
}
