using System.CommandLine;
using ProxySuite.Cli.Frame;
using ProxySuite.Control;
using ProxySuite.Control.Audits;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Cli.Verbs;

internal sealed class AuditVerb : Verb
{
    private readonly Option<string?> _shard = Typed.TextOption("--shard", "Audit this shard; default: all that are prepared", "S");
    private readonly Option<TenantSlug?> _tenant = Typed.SlugOption("--tenant", "Only what is about this tenant");
    private readonly Option<Severity?> _failOn = Typed.ChoiceOption<Severity>("--fail-on", "End with exit code 1 when a finding is as bad as this or worse; default high");
    private readonly Option<string?> _column = Typed.TextOption("--tenant-column", "Column of shared tables that says whose a row is; default tenant_id", "NAME");

    public AuditVerb() : base("audit", "Look for whatever weakens the isolation of tenants, say why it matters and print the SQL that mends it; changes nothing")
    {
        Add(_shard);
        Add(_tenant);
        Add(_failOn);
        Add(_column);
    }

    public override IReadOnlyList<string> Examples => ["audit", "audit --shard s1 --fail-on medium", "audit --tenant acme --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        var request = new AuditRequest
        {
            Shard = context.Get(_shard),
            Tenant = context.Get(_tenant),
            TenantColumn = context.Get(_column) ?? "tenant_id",
            MasterKey = context.FindMasterKey(),
        };
        AuditReport report = await new AuditService(await context.OpenAsync(cancellationToken)).RunAsync(request, cancellationToken);
        context.Output.Answer(Answer(report), output => Print(report, request.MasterKey, output));
        Severity failOn = context.Get(_failOn) ?? Severity.High;
        int bad = report.Findings.Count(finding => finding.Severity >= failOn);
        if (bad > 0) throw new ControlException($"{bad} finding{(bad == 1 ? "" : "s")} of severity {EnumText.Of(failOn)} or worse");
    }

    private static object Answer(AuditReport report) => new
    {
        report.Shards,
        Counts = new { Critical = report.Count(Severity.Critical), High = report.Count(Severity.High), Medium = report.Count(Severity.Medium), Low = report.Count(Severity.Low) },
        report.Findings,
    };

    private static void Print(AuditReport report, MasterKey? key, Output output)
    {
        foreach (AuditedShard shard in report.Shards)
        {
            output.Line($"shard {shard.Shard}: {shard.Tenants} tenants, {shard.Databases} database{(shard.Databases == 1 ? "" : "s")}, {shard.Elapsed.TotalSeconds:F1} s");
        }
        if (key is null) output.Note("no master key is named, so the roles' passwords were not proven");
        if (report.Findings.IsEmpty)
        {
            output.Line("no findings");
            return;
        }
        output.Line();
        output.Table(["severity", "code", "shard", "database", "object", "found"],
            report.Findings.Select(finding => new[] { EnumText.Of(finding.Severity), finding.Code, finding.Shard, finding.Database, finding.Object, finding.Detail }));
        foreach (IGrouping<string, AuditFinding> code in report.Findings.GroupBy(finding => finding.Code))
        {
            output.Line();
            output.Line($"{code.Key}: {AuditCodes.Why(code.Key)}");
            foreach (IGrouping<(string, string), AuditFinding> place in code.GroupBy(finding => (finding.Shard, finding.Database)))
            {
                output.Line($"  -- shard {place.Key.Item1}, database {place.Key.Item2}");
                foreach (string fix in place.Select(finding => finding.Fix).Distinct()) output.Line($"  {(IsStatement(fix) ? fix + ";" : fix)}");
            }
        }
        output.Line();
        output.Line(string.Join(", ", Enum.GetValues<Severity>().Reverse().Select(severity => $"{report.Count(severity)} {EnumText.Of(severity)}")));
    }

    private static bool IsStatement(string fix) => !fix.Contains("--", StringComparison.Ordinal) && !fix.StartsWith("proxyctl ", StringComparison.Ordinal);
}
