using System.CommandLine;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Frame;

/// <summary>Where a user's password comes from: standard input, or it is made and shown once. Never an argument, which every process list shows.</summary>
internal sealed class PasswordOptions
{
    private readonly Option<bool> _stdin = new("--password-stdin") { Description = "Read the password from the first line of standard input" };
    private readonly Option<bool> _md5 = Md5Option();
    private readonly Option<bool> _generate = new("--generate-password") { Description = "Make a password and print it once (what happens without --password-stdin, too)" };

    /// <summary>Shared with <c>verifier</c>.</summary>
    public static Option<bool> Md5Option() => new("--md5")
    {
        Description = "Store an md5 hash, for clients too old for SCRAM; counts only under a host rule of method md5 and Auth:Md5. "
            + "Without it a SCRAM verifier is stored, which is better: whoever reads an md5 hash can log in with it",
    };

    public void AddTo(Command command)
    {
        command.Add(_stdin);
        command.Add(_generate);
        command.Add(_md5);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_stdin) && result.GetValue(_generate)) result.AddError("--password-stdin and --generate-password exclude each other");
        });
    }

    public bool StoresMd5(CliContext context) => context.Get(_md5);

    /// <returns>Null to have one made.</returns>
    public Secret? Read(CliContext context) => context.Get(_stdin) ? context.ReadPassword() : null;
}
