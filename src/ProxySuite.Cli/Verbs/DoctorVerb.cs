using ProxySuite.Cli.Frame;
using ProxySuite.Control;

namespace ProxySuite.Cli.Verbs;

internal sealed class DoctorVerb() : Verb("doctor", $"Look at the whole installation: registry, master key, Redis [{GlobalOptions.RedisVariable}], shards, proxies, jobs; exit code 1 when something is wrong")
{
    public override IReadOnlyList<string> Examples => ["doctor", "doctor --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        Findings.Write(context, await context.Output.ProgressAsync("looking at", control, () => new Doctor(control).RunAsync(context.Redis, cancellationToken)));
    }
}
