using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class ShardSetVerb : Verb
{
    private readonly Argument<string> _name = Typed.ShardName();
    private readonly Option<Dsn?> _primary = Typed.DsnOption("--primary", "Another way to the same cluster: a new address, password or list of hosts");
    private readonly Option<Dsn?> _replica = Typed.DsnOption("--replica", "DSN of its replicas");
    private readonly Option<bool> _noReplica = new("--no-replica") { Description = "It has no replica any more" };
    private readonly Option<string?> _region = Typed.TextOption("--region", "Free text to choose shards by", "R");
    private readonly Option<int?> _maxTenants = Typed.CountOption("--max-tenants", "Most tenants placed here");
    private readonly Option<int?> _maxConnections = Typed.CountOption("--max-connections", "Most connections the proxies open here");

    public ShardSetVerb() : base("set", "Change how a shard is reached, or what it takes; what is left out stays as it is")
    {
        Add(_name);
        foreach (Option option in (Option[])[_primary, _replica, _noReplica, _region, _maxTenants, _maxConnections]) Add(option);
    }

    public override IReadOnlyList<string> Examples =>
        ["shard set s1 --max-tenants 800", "shard set s1 --primary postgres://postgres:secret@pg1a,pg1b/tenants --replica postgres://postgres:secret@pg1b/tenants"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var shards = new ShardService(await context.OpenAsync(cancellationToken));
        Shard shard = await shards.SetAsync(new ShardChange
        {
            Name = context.Get(_name), Primary = context.Get(_primary), Replica = context.Get(_replica), RemoveReplica = context.Get(_noReplica), Region = context.Get(_region),
            TenantsMax = context.Get(_maxTenants), ConnectionsMax = context.Get(_maxConnections),
        }, cancellationToken);
        context.Output.Answer(ShardView.Of(await shards.ShowAsync(shard.Name, cancellationToken)), output => output.Line($"shard {shard.Name} is set; see: proxyctl shard check {shard.Name}"));
    }
}

internal sealed class ShardCheckVerb : Verb
{
    private readonly Argument<string> _name = Typed.ShardName();

    public ShardCheckVerb() : base("check", "Look at a shard as it is now: version, settings, lockdown, clock, room; exit code 1 when something is wrong") => Add(_name);

    public override IReadOnlyList<string> Examples => ["shard check s1", "shard check s1 --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var shards = new ShardService(await context.OpenAsync(cancellationToken));
        Findings.Write(context, await shards.CheckAsync(context.Get(_name), cancellationToken));
    }
}

internal sealed class ShardRemoveVerb : Verb
{
    private readonly Argument<string> _name = Typed.ShardName();

    public ShardRemoveVerb() : base("remove", "Forget a shard that holds no tenant; its server is left as it is") => Add(_name);

    public override IReadOnlyList<string> Examples => ["shard remove s1"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        string name = context.Get(_name);
        context.Confirm($"shard {name} is forgotten");
        await new ShardService(await context.OpenAsync(cancellationToken)).RemoveAsync(name, cancellationToken);
        context.Output.Answer(new { Name = name }, output => output.Line($"shard {name} is removed"));
    }
}
