using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class ShardPrepareVerb : Verb
{
    private readonly Argument<string> _name = Typed.ShardName();
    private readonly Option<Lockdown?> _lockdown = Typed.ChoiceOption<Lockdown>("--lockdown",
        "relaxed: ordinary applications work unchanged; strict: no dynamic SQL, functions, temporary tables or advisory locks. Default: as it is, at first relaxed");

    public ShardPrepareVerb() : base("prepare", "Make a cluster fit to hold tenants: roles, identity functions, lockdown; again after a major upgrade") => Take(_name, _lockdown);

    public override IReadOnlyList<string> Examples => ["shard prepare s1", "shard prepare s1 --lockdown strict"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        ShardReport report = await context.Output.ProgressAsync("preparing", control,
            () => new ShardService(control).PrepareAsync(context.Get(_name), context.Get(_lockdown), cancellationToken));
        context.Output.Answer(
            new { report.Shard, report.ServerVersion, Lockdown = EnumText.Of(report.Lockdown), report.Settings, PgHba = report.HostRules },
            output => Print(report, output));
    }

    private static void Print(ShardReport report, Output output)
    {
        output.Line($"shard {report.Shard} is prepared: PostgreSQL {report.ServerVersion}, lockdown {EnumText.Of(report.Lockdown)}");
        ShardSetting[] advice = [.. report.Settings.Where(setting => setting.Advice is not null)];
        if (advice.Length > 0)
        {
            output.Line();
            output.Line("Settings worth a change:");
            foreach (ShardSetting setting in advice) output.Line($"  {setting.Name} = {setting.Value}: {setting.Advice}");
        }
        output.Line();
        output.Line("In pg_hba.conf, so that tenants' roles can come from the proxies alone:");
        foreach (string rule in report.HostRules) output.Line($"  {rule}");
    }
}
