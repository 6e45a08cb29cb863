using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Plans;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class PlanSetVerb : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The plan" };
    private readonly Option<int?> _connections = Typed.CountOption("--connections", "Most server connections of one tenant");
    private readonly Option<TimeSpan?> _statementTimeout = Typed.DurationOption("--statement-timeout", "Longest time of one statement, such as 30s");
    private readonly Option<long?> _workMem = Typed.SizeOption("--work-mem", "Memory of one sort or hash, such as 16MB");
    private readonly Option<string?> _queriesPerSecond = Typed.TextOption("--queries-per-second", "Most queries a second; none takes the limit away", "N|none");
    private readonly Option<int?> _weight = Typed.CountOption("--weight", "Share of a crowded shard, 1 to 1000");

    private readonly Option<int?> _pinsMax = Typed.CountOption("--pins-max", "Clients that may keep a server connection for temporary tables and the like");
    private readonly Option<TimeSpan?> _pinnedIdle = Typed.DurationOption("--pinned-idle-timeout", "How long such a client may be idle, such as 5m");

    public PlanSetVerb() : base("set", "Change a plan, or make one; what is left out stays as it is. Its tenants have it at once")
    {
        Add(_name);
        Add(_connections);
        Add(_statementTimeout);
        Add(_workMem);
        Add(_queriesPerSecond);
        Add(_weight);
        Add(_pinsMax);
        Add(_pinnedIdle);
        _queriesPerSecond.Validators.Add(result =>
        {
            string? text = result.GetValueOrDefault<string?>();
            if (text != "none" && !int.TryParse(text, out _)) result.AddError($"--queries-per-second: \"{text}\" is no number, nor none");
        });
    }

    public override IReadOnlyList<string> Examples =>
    [
        "plan set growth --connections 30",
        "plan set batch --connections 4 --statement-timeout 15m --work-mem 128MB --queries-per-second 50 --weight 1",
    ];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var plans = new PlanService(await context.OpenAsync(cancellationToken));
        (Plan plan, int tenants) = await plans.SetAsync(context.Get(_name), before => Change(before, context), cancellationToken);
        context.Output.Answer(PlanView.Of(plan), output => output.Line($"plan {plan.Name} is set for {tenants} tenants"));
    }

    private Plan Change(Plan? before, CliContext context)
    {
        if (before is null && (context.Get(_connections) is null || context.Get(_statementTimeout) is null || context.Get(_workMem) is null))
        {
            throw new UsageException($"there is no plan \"{context.Get(_name)}\"", "A new plan needs --connections, --statement-timeout and --work-mem.");
        }
        string? queries = context.Get(_queriesPerSecond);
        return new Plan
        {
            Name = context.Get(_name),
            Connections = context.Get(_connections) ?? before!.Connections,
            StatementTimeout = context.Get(_statementTimeout) ?? before!.StatementTimeout,
            WorkMemBytes = context.Get(_workMem) ?? before!.WorkMemBytes,
            QueriesPerSecond = queries switch { null => before?.QueriesPerSecond, "none" => null, _ => int.Parse(queries, System.Globalization.CultureInfo.InvariantCulture) },
            Weight = context.Get(_weight) ?? before?.Weight ?? 1,
            PoolMode = before?.PoolMode,
            PinsMax = context.Get(_pinsMax) ?? before?.PinsMax,
            PinnedIdleTimeout = context.Get(_pinnedIdle) ?? before?.PinnedIdleTimeout,
            Settings = before?.Settings ?? PlanSettings.None,
            Version = before?.Version ?? 0,
        };
    }
}
