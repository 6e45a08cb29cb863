using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Cli.Verbs;

internal sealed class VerifierVerb : Verb
{
    private readonly Option<bool> _md5 = PasswordOptions.Md5Option();
    private readonly Option<string?> _user = Typed.TextOption("--user", "Whose password it is: part of an md5 hash, and needed for --md5 only", "NAME");

    public VerifierVerb() : base("verifier", "Print the SCRAM verifier of a password read from standard input, for Admin:Users and registry files")
    {
        Add(_md5);
        Add(_user);
        Validators.Add(result =>
        {
            if (result.GetValue(_md5) == string.IsNullOrEmpty(result.GetValue(_user))) result.AddError("--md5 and --user NAME go together");
        });
    }

    public override IReadOnlyList<string> Examples => ["verifier < password.txt", "verifier --md5 --user oldapp < password.txt"];

    public override Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        Secret password = context.ReadPassword();
        PasswordVerifier made = context.Get(_md5) ? Md5Verifier.Create(context.Get(_user)!, password.Reveal()) : ScramVerifier.Create(password.Reveal());
        string verifier = made.ToStoredForm();
        context.Output.Answer(new { Verifier = verifier }, output => output.Line(verifier));
        return Task.CompletedTask;
    }
}
