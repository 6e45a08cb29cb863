using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class ShardDrainVerb : Verb
{
    private readonly Argument<string> _name = Typed.ShardName();
    private readonly Option<bool> _undo = new("--undo") { Description = "Take new tenants again" };

    public ShardDrainVerb() : base("drain", "Place no new tenants on a shard; those it has are served as before") => Take(_name, _undo);

    public override IReadOnlyList<string> Examples => ["shard drain s1", "shard drain s1 --undo"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var shards = new ShardService(await context.OpenAsync(cancellationToken));
        Shard shard = await shards.SetAcceptingAsync(context.Get(_name), context.Get(_undo), cancellationToken);
        context.Output.Answer(new { shard.Name, shard.Accepting }, output => output.Line($"shard {shard.Name} {(shard.Accepting ? "takes new tenants" : "takes no new tenants")}"));
    }
}
