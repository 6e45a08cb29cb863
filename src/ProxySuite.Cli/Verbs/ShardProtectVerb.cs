using System.Collections.Immutable;
using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

internal sealed class ShardProtectVerb : Verb
{
    private readonly Argument<string> _name = Typed.ShardName();
    private readonly Option<string[]> _tables = new("--table")
    {
        Description = "A table of the shared database; may be given more than once. Default: every table that has the tenant column",
        HelpName = "TABLE",
    };

    private readonly Option<string?> _column = Typed.TextOption("--column", "Column that says whose a row is, a uuid or text; default tenant_id", "NAME");
    private readonly Option<string?> _parameter = Typed.TextOption("--guc", $"Setting that the proxies give sessions; default {TenantSettings.DefaultTenantIdParameter}", "NAME");
    private readonly Option<bool> _remove = new("--remove") { Description = "Put tables back as they were before they were protected" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Print what would be done" };

    public ShardProtectVerb() : base("protect", "Make policies on current_setting() unforgeable without editing them: adds a restrictive policy on who is logged in") => Take(_name, _tables, _column, _parameter, _remove, _dryRun);

    public override IReadOnlyList<string> Examples =>
        ["shard protect s1 --dry-run", "shard protect s1", "shard protect s1 --table orders --table billing.invoices", "shard protect s1 --table orders --remove"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var request = new ProtectionRequest
        {
            Tables = [.. context.Get(_tables) ?? []],
            Column = context.Get(_column) ?? "tenant_id",
            Parameter = context.Get(_parameter) ?? TenantSettings.DefaultTenantIdParameter,
            Remove = context.Get(_remove),
            DryRun = context.Get(_dryRun),
        };
        ControlPlane control = await context.OpenAsync(cancellationToken);
        ImmutableArray<ProtectedTable> tables = await context.Output.ProgressAsync("protecting", control,
            () => new ShardProtection(control).RunAsync(context.Get(_name), request, cancellationToken));
        context.Output.Answer(new { request.DryRun, Tables = tables }, output => Print(tables, request, output));
        int refused = tables.Count(table => table.Refused);
        if (refused > 0) throw new ControlException($"{refused} table{(refused == 1 ? " was" : "s were")} left as found", "The reasons stand beside them.");
    }

    private static void Print(ImmutableArray<ProtectedTable> tables, ProtectionRequest request, Output output)
    {
        if (tables.IsEmpty) output.Line($"no table has a column {request.Column}");
        foreach (ProtectedTable table in tables)
        {
            string state = table switch
            {
                { Refused: true } => "not changed",
                { Sql.Length: 0 } => request.Remove ? "nothing to take back" : "guarded already",
                _ when request.DryRun => "would be changed",
                _ => request.Remove ? "as it was before" : "guarded now",
            };
            output.Line($"{table.Table}: {state}{(table.Note is null ? "" : $"; {table.Note}")}");
            foreach (string sql in table.Sql) output.Line($"  {sql};");
        }
    }
}
