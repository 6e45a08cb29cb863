using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantListVerb : Verb
{
    private readonly Option<string?> _shard = Typed.TextOption("--shard", "Only those of this shard", "S");
    private readonly Option<string?> _plan = Typed.TextOption("--plan", "Only those with this plan", "P");
    private readonly Option<TenantState?> _state = Typed.ChoiceOption<TenantState>("--state", "Only those in this state");

    public TenantListVerb() : base("list", "Tenants by slug") => Take(_shard, _plan, _state);

    public override IReadOnlyList<string> Examples => ["tenant list", "tenant list --shard s1 --plan free --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        var filter = new TenantFilter { ShardName = context.Get(_shard), Plan = context.Get(_plan), State = context.Get(_state) };
        TenantView[] tenants = [.. (await AllTenants.ReadAsync(control.Store, filter, cancellationToken)).Select(TenantView.Of)];
        context.Output.Answer(tenants, output => output.Table(TenantView.Columns, tenants.Select(tenant => tenant.Cells())));
    }
}
