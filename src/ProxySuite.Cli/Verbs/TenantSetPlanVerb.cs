using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Plans;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantSetPlanVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Argument<string> _plan = new("PLAN") { Description = "See: proxyctl plan list" };

    public TenantSetPlanVerb() : base("set-plan", "Give a tenant another plan; it counts at once") => Take(_slug, _plan);

    public override IReadOnlyList<string> Examples => ["tenant set-plan acme enterprise"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var plans = new PlanService(await context.OpenAsync(cancellationToken));
        TenantEntry entry = await plans.SetTenantPlanAsync(context.Get(_slug), context.Get(_plan), cancellationToken);
        context.Output.Answer(TenantView.Of(entry), output => output.Line($"tenant {entry.Tenant.Slug} has plan {entry.Tenant.Plan.Name}"));
    }
}
