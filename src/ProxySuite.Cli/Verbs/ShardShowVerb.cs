using System.CommandLine;
using System.Globalization;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Cli.Verbs;

internal sealed class ShardShowVerb : Verb
{
    private readonly Argument<string> _name = Typed.ShardName();

    public ShardShowVerb() : base("show", "One shard with all that is known about it") => Add(_name);

    public override IReadOnlyList<string> Examples => ["shard show s1"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        string name = context.Get(_name);
        ShardSummary summary = await new ShardService(control).ShowAsync(name, cancellationToken);
        ShardView shard = ShardView.Of(summary);
        context.Output.Answer(shard, output => output.Facts(
            ("name", shard.Name), ("state", shard.State), ("primary", shard.Primary), ("replica", shard.Replica ?? "-"), ("region", shard.Region.Length > 0 ? shard.Region : "-"),
            ("tenants", string.Create(CultureInfo.InvariantCulture, $"{shard.Tenants} of {shard.MaxTenants}")),
            ("connections", string.Create(CultureInfo.InvariantCulture, $"up to {shard.MaxConnections}")),
            ("lockdown", shard.Lockdown), ("prepared", shard.PreparedAt is { } at ? Time.Text(at) : "never")));
    }
}
