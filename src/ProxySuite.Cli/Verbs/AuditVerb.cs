using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Net;
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

    private readonly Option<bool> _probe = new("--probe") { Description = "Prove it instead: pairs of throw-away tenants attack each other through a proxy, on each shard and in each model" };
    private readonly Option<string?> _proxy = Typed.TextOption("--proxy", "The proxy that --probe goes through", "HOST:PORT");
    private readonly Option<string?> _plan = Typed.TextOption("--plan", "Plan of the tenants that --probe makes; default free", "P");

    public AuditVerb() : base("audit", "Look for whatever weakens the isolation of tenants, say why it matters and print the SQL that mends it; changes nothing") => Take(_shard, _tenant, _failOn, _column, _probe, _proxy, _plan);

    public override IReadOnlyList<string> Examples => ["audit", "audit --shard s1 --fail-on medium", "audit --tenant acme --json", "audit --probe --proxy 127.0.0.1:6432"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        if (context.Get(_probe))
        {
            await ProbeAsync(context, cancellationToken);
            return;
        }
        var request = new AuditRequest
        {
            Shard = context.Get(_shard),
            Tenant = context.Get(_tenant),
            TenantColumn = context.Get(_column) ?? "tenant_id",
            MasterKey = context.FindMasterKey(),
        };
        ControlPlane control = await context.OpenAsync(cancellationToken);
        AuditReport report = await context.Output.ProgressAsync("auditing", control, () => new AuditService(control).RunAsync(request, cancellationToken));
        context.Output.Answer(Answer(report), output => Print(report, request.MasterKey, output));
        Severity failOn = context.Get(_failOn) ?? Severity.High;
        int bad = report.Findings.Count(finding => finding.Severity >= failOn);
        if (bad > 0) throw new ControlException($"{bad} finding{(bad == 1 ? "" : "s")} of severity {EnumText.Of(failOn)} or worse");
    }

    private async Task ProbeAsync(CliContext context, CancellationToken cancellationToken)
    {
        string address = context.Get(_proxy) ?? throw new UsageException("no proxy is named", "Give --proxy HOST:PORT.");
        ShardEndpoint proxy;
        try
        {
            proxy = ShardEndpoint.Parse(address, defaultPort: 6432);
        }
        catch (FormatException wrong)
        {
            throw new UsageException($"--proxy: {wrong.Message}");
        }
        ControlPlane control = await context.OpenAsync(cancellationToken);
        var probe = new IsolationProbe(control, context.MasterKey(), new DnsEndPoint(proxy.Host, proxy.Port));
        ImmutableArray<ProbeResult> results = await context.Output.ProgressAsync("probing", control, () => probe.RunAsync(context.Get(_shard), context.Get(_plan) ?? "free", cancellationToken));
        context.Output.Answer(new { Tried = results.Length, Held = results.Count(result => result.Held), Results = results }, output =>
        {
            output.Table(["shard", "model", "tried", "held"], results.GroupBy(result => (result.Shard, result.Model)).Select(group => new[]
            {
                group.Key.Shard, group.Key.Model, group.Count().ToString(CultureInfo.InvariantCulture), group.Count(result => result.Held).ToString(CultureInfo.InvariantCulture),
            }));
            foreach (ProbeResult leak in results.Where(result => !result.Held)) output.Line($"{leak.Shard}, {leak.Model}: {leak.Attempt} did not hold: {leak.Seen}");
        });
        int leaks = results.Count(result => !result.Held);
        if (leaks > 0) throw new ControlException($"{leaks} of {results.Length} attempts did not hold", "Tenants are not kept apart there. See: proxyctl audit");
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
