using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Plans;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantSetVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Option<bool> _reset = new("--reset") { Description = "Take back all that was set before; with other options, before they are set" };
    private readonly LimitOptions _limits = new(canBeNone: false);

    public TenantSetVerb() : base("set", "Give a tenant limits other than its plan's; what is left out stays as it is. It counts at once")
    {
        Add(_slug);
        foreach (Option option in _limits.All) Add(option);
        Add(_reset);
        Validators.Add(result =>
        {
            if (result.Children.All(child => child.Tokens.Count == 0 && child is not System.CommandLine.Parsing.OptionResult { Option.Name: "--reset", Implicit: false }
                || child is System.CommandLine.Parsing.ArgumentResult))
            {
                result.AddError("nothing is to be set");
            }
        });
    }

    public override IReadOnlyList<string> Examples =>
        ["tenant set acme --connections 40 --statement-timeout 2m", "tenant set acme --setting lock_timeout=2s", "tenant set acme --reset"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var plans = new PlanService(await context.OpenAsync(cancellationToken));
        TenantEntry entry = await plans.SetOverridesAsync(context.Get(_slug), _limits.Read(context), context.Get(_reset), cancellationToken);
        context.Output.Answer(PlanView.Of(entry.Tenant.Plan), output => output.Line($"tenant {entry.Tenant.Slug} has {PlanView.Of(entry.Tenant.Plan).Sentence()}"));
    }
}
