using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Cli.Verbs;

internal sealed class ShardAddVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "What to call it" };
    private readonly Option<Dsn?> _primary = Typed.DsnOption("--primary", "DSN of the primary's shared database, as superuser; several hosts where the primary moves between them");
    private readonly Option<Dsn?> _replica = Typed.DsnOption("--replica", "DSN of its replicas");
    private readonly Option<string?> _region = Typed.TextOption("--region", "Free text to choose shards by", "R");
    private readonly Option<int?> _maxTenants = Typed.CountOption("--max-tenants", "Most tenants placed here; default 500");
    private readonly Option<int?> _maxConnections = Typed.CountOption("--max-connections", "Most connections the proxies open here; default 200");

    public ShardAddVerb() : base("add", "Enter a PostgreSQL cluster that is to hold tenants")
    {
        _primary.Required = true;
        Add(_name);
        Add(_primary);
        Add(_replica);
        Add(_region);
        Add(_maxTenants);
        Add(_maxConnections);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "shard add s1 --primary postgres://postgres:secret@pg1/tenants --region eu",
        "shard add s2 --primary 'Host=pg2a,pg2b;Username=postgres;Database=tenants' --max-tenants 800 --max-connections 300",
    ];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        var asked = new NewShard { Name = context.Get(_name), Primary = context.Get(_primary)!, Replica = context.Get(_replica), Region = context.Get(_region) ?? "" };
        asked = asked with
        {
            TenantsMax = context.Get(_maxTenants) ?? asked.TenantsMax,
            ConnectionsMax = context.Get(_maxConnections) ?? asked.ConnectionsMax,
        };
        var shards = new ShardService(control);
        Shard shard = await shards.AddAsync(asked, cancellationToken);
        context.Output.Answer(ShardView.Of(await shards.ShowAsync(shard.Name, cancellationToken)), output => output.Line(
            shard.PreparedAt is null ? $"shard {shard.Name} entered; next: proxyctl shard prepare {shard.Name}" : $"shard {shard.Name} is there already"));
    }
}
