using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Provisioning;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class ShardRepairVerb : Verb
{
    private readonly Argument<string> _name = Typed.ShardName();
    private readonly Option<TenantSlug?> _tenant = Typed.SlugOption("--tenant", "This tenant alone; default: all of the shard");

    public ShardRepairVerb() : base("repair", "Bring tenants' roles, passwords, limits and grants back to what the registry says; tables and rows are left alone") => Take(_name, _tenant);

    public override IReadOnlyList<string> Examples => ["shard repair s1", "shard repair s1 --tenant acme"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ControlPlane control = await context.OpenAsync(cancellationToken);
        var repair = new ShardRepair(control, context.MasterKey());
        RepairReport report = await context.Output.ProgressAsync("repairing", control, () => repair.RunAsync(context.Get(_name), context.Get(_tenant), cancellationToken));
        context.Output.Answer(report, output =>
        {
            output.Line($"shard {report.Shard}: roles and grants of {report.Tenants.Length} tenant{(report.Tenants.Length == 1 ? "" : "s")} are as the registry says");
            foreach (string sql in report.Undone) output.Line($"  {sql};");
        });
    }
}
