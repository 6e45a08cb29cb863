using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Plans;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class PlanSetVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The plan" };
    private readonly LimitOptions _limits = new(canBeNone: true);

    public PlanSetVerb() : base("set", "Change a plan, or make one; what is left out stays as it is. Its tenants have it at once")
    {
        Add(_name);
        foreach (Option option in _limits.All) Add(option);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "plan set growth --connections 30",
        "plan set batch --connections 4 --statement-timeout 15m --work-mem 128MB --queries-per-second 50 --weight 1",
        "plan set batch --queries-per-second none --replication on",
    ];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var plans = new PlanService(await context.OpenAsync(cancellationToken));
        (Plan plan, int tenants) = await plans.SetAsync(context.Get(_name), before => Change(before, context), cancellationToken);
        context.Output.Answer(PlanView.Of(plan), output => output.Line($"plan {plan.Name} is set for {tenants} tenants"));
    }

    private Plan Change(Plan? before, CliContext context)
    {
        if (before is null && !_limits.IsWholePlan(context))
        {
            throw new UsageException($"there is no plan \"{context.Get(_name)}\"", "A new plan needs --connections, --statement-timeout and --work-mem.");
        }
        PlanOverrides given = _limits.Read(context);
        before ??= new Plan { Name = context.Get(_name), Connections = given.Connections!.Value, StatementTimeout = given.StatementTimeout!.Value, WorkMemBytes = given.WorkMemBytes!.Value };
        // For a tenant the two are brought together; a plan that contradicts itself is refused.
        return _limits.Clear(given.Apply(before) with { ConnectionsMin = given.ConnectionsMin ?? before.ConnectionsMin }, context);
    }
}
