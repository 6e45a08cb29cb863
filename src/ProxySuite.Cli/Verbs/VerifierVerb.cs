using ProxySuite.Cli.Frame;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Cli.Verbs;

internal sealed class VerifierVerb() : Verb("verifier", "Print the SCRAM verifier of a password read from standard input, for the proxy's Admin:Users")
{
    public override IReadOnlyList<string> Examples => ["verifier < password.txt"];

    public override Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        Secret password = context.ReadPassword();
        string verifier = ScramVerifier.Create(password.Reveal()).ToStoredForm();
        context.Output.Answer(new { Verifier = verifier }, output => output.Line(verifier));
        return Task.CompletedTask;
    }
}
