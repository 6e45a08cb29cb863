using ProxySuite.Cli.Frame;
using ProxySuite.Control;

namespace ProxySuite.Cli.Verbs;

internal sealed class ShardListVerb() : Verb("list", "Shards and how full they are")
{
    public override IReadOnlyList<string> Examples => ["shard list", "shard list --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        ShardView[] shards = [.. (await control.Store.ListShardsAsync(cancellationToken)).Select(ShardView.Of)];
        context.Output.Answer(shards, output => output.Table(ShardView.Columns, shards.Select(shard => shard.Cells())));
    }
}
