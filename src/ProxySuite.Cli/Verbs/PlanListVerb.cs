using ProxySuite.Cli.Frame;
using ProxySuite.Control;

namespace ProxySuite.Cli.Verbs;

internal sealed class PlanListVerb() : Verb("list", "Plans and what they allow")
{
    public override IReadOnlyList<string> Examples => ["plan list", "plan list --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        PlanView[] plans = [.. (await control.Store.ListPlansAsync(cancellationToken)).Select(PlanView.Of)];
        context.Output.Answer(plans, output => output.Table(PlanView.Columns, plans.Select(plan => plan.Cells())));
    }
}
