using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Plans;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class TenantSetVerb : Verb
{
    private readonly Argument<TenantSlug> _slug = Typed.Slug();
    private readonly Option<bool> _reset = new("--reset") { Description = "Take back all that was set before; with other options, before they are set" };
    private readonly Option<int?> _connections = Typed.CountOption("--connections", "Most server connections");
    private readonly Option<TimeSpan?> _statementTimeout = Typed.DurationOption("--statement-timeout", "Longest time of one statement, such as 30s");
    private readonly Option<long?> _workMem = Typed.SizeOption("--work-mem", "Memory of one sort or hash, such as 16MB");
    private readonly Option<int?> _queriesPerSecond = Typed.CountOption("--queries-per-second", "Most queries a second");
    private readonly Option<int?> _weight = Typed.CountOption("--weight", "Share of a crowded shard, 1 to 1000");
    private readonly Option<PoolMode?> _poolMode = Typed.ChoiceOption<PoolMode>("--pool-mode", "When a server connection goes back to the pool");
    private readonly Option<string[]> _settings = new("--setting") { Description = "A run-time parameter of its server connections; may be given several times", HelpName = "NAME=VALUE" };

    public TenantSetVerb() : base("set", "Give a tenant limits other than its plan's; what is left out stays as it is. It counts at once")
    {
        Add(_slug);
        foreach (Option option in (Option[])[_connections, _statementTimeout, _workMem, _queriesPerSecond, _weight, _poolMode, _settings, _reset]) Add(option);
        _settings.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.IndexOf('=') < 1)) result.AddError("--setting is written NAME=VALUE");
        });
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
        var change = new PlanOverrides
        {
            Connections = context.Get(_connections),
            StatementTimeout = context.Get(_statementTimeout),
            WorkMemBytes = context.Get(_workMem),
            QueriesPerSecond = context.Get(_queriesPerSecond),
            Weight = context.Get(_weight),
            PoolMode = context.Get(_poolMode),
            Settings = PlanSettings.None.SetItems((context.Get(_settings) ?? []).Select(text => KeyValuePair.Create(text[..text.IndexOf('=')], text[(text.IndexOf('=') + 1)..]))),
        };
        var plans = new PlanService(await context.OpenAsync(cancellationToken));
        TenantEntry entry = await plans.SetOverridesAsync(context.Get(_slug), change, context.Get(_reset), cancellationToken);
        context.Output.Answer(PlanView.Of(entry.Tenant.Plan), output => output.Line($"tenant {entry.Tenant.Slug} has {PlanView.Of(entry.Tenant.Plan).Sentence()}"));
    }
}
