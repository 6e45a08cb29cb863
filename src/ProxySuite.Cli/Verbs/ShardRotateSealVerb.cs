using System.CommandLine;
using System.Globalization;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Shards;

namespace ProxySuite.Cli.Verbs;

internal sealed class ShardRotateSealVerb : Verb
{
    private readonly Argument<string> _name = Typed.ShardName();
    private readonly Option<bool> _finish = new("--finish") { Description = "Remove the old key, once all proxies use the new one" };

    public ShardRotateSealVerb() : base("rotate-seal", "Give a shard another key for the seals of tenants with identity sealed; both count until --finish") => Take(_name, _finish);

    public override IReadOnlyList<string> Examples => ["shard rotate-seal s1", "shard rotate-seal s1 --finish"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        var rotation = new SealRotation(control, context.MasterKey());
        string name = context.Get(_name);
        if (context.Get(_finish))
        {
            (int kid, int removed) = await context.Output.ProgressAsync("removing keys", control, () => rotation.FinishAsync(name, cancellationToken));
            context.Output.Answer(new { Shard = name, SealKid = kid, Removed = removed },
                output => output.Line(string.Create(CultureInfo.InvariantCulture, $"shard {name} takes seals of key {kid} alone; {removed} removed")));
            return;
        }
        int next = await context.Output.ProgressAsync("installing a key", control, () => rotation.BeginAsync(name, cancellationToken));
        context.Output.Answer(new { Shard = name, SealKid = next }, output =>
        {
            output.Line(string.Create(CultureInfo.InvariantCulture, $"shard {name}: proxies seal with key {next} from now on, and the one before counts as well"));
            output.Line($"When all proxies have heard of it, two minutes from now at the latest: proxyctl shard rotate-seal {name} --finish");
        });
    }
}
