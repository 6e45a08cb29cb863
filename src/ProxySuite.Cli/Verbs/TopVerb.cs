using System.CommandLine;
using System.Globalization;
using ProxySuite.Cli.Frame;
using ProxySuite.Control.Consoles;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Cli.Verbs;

/// <summary>A live table of the busiest tenants, and of who waits for whom; one table, or JSON, where nobody watches.</summary>
internal sealed class TopVerb : Verb
{
    private const string ProxyVariable = "PROXYSUITE_PROXY";
    private static readonly TimeSpan Refresh = TimeSpan.FromSeconds(1);

    private readonly Option<string[]> _proxies = new("--proxy")
    {
        Description = $"Admin console of a proxy, postgres://USER@HOST:PORT; give it again for each proxy, they are summed [{ProxyVariable}, separated by blanks]; the password of all is PGPASSWORD unless a DSN has one",
        HelpName = "DSN",
    };

    private readonly Option<TopOrder> _by = new("--by") { Description = "What the first have most of", HelpName = "time|queries|bytes|waiting", DefaultValueFactory = _ => TopOrder.Time };
    private readonly Option<int> _limit = new("--limit") { Description = "Tenants shown, 1 to 1000", HelpName = "N", DefaultValueFactory = _ => 20 };
    private readonly Option<bool> _once = new("--once") { Description = "Print one table and end" };

    public TopVerb() : base("top", "The busiest tenants by time, queries, bytes or waiting, with the shards and who waits for whom; every second anew, q ends")
    {
        Add(_proxies);
        Add(_by);
        Add(_limit);
        Add(_once);
        _limit.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1000) result.AddError("--limit is a number from 1 to 1000");
        });
    }

    public override IReadOnlyList<string> Examples =>
        ["top --proxy postgres://ops@proxy1:6432 --proxy postgres://ops@proxy2:6432", "top --by waiting --limit 10", "top --once --json"];

    public override async Task RunAsync(CliContext context, CancellationToken cancellationToken)
    {
        ProxyConsole[] proxies = [.. Dsns(context).Select(dsn => new ProxyConsole(dsn, context.Variable("PGPASSWORD")))];
        try
        {
            var top = new TopService(proxies);
            TopOrder order = context.Get(_by);
            int limit = context.Get(_limit);
            if (context.Get(_once) || !context.Output.IsLive)
            {
                TopReport report = await top.ReadAsync(order, limit, cancellationToken);
                context.Output.Answer(report, output => Print(output, report));
                return;
            }
            await context.Output.LiveAsync(async token => Tables(await top.ReadAsync(order, limit, token), order), Refresh, cancellationToken);
        }
        finally
        {
            foreach (ProxyConsole proxy in proxies) await proxy.DisposeAsync();
        }
    }

    private List<Dsn> Dsns(CliContext context)
    {
        string[] texts = context.Get(_proxies) is { Length: > 0 } given ? given : context.Variable(ProxyVariable)?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (texts.Length == 0) throw new UsageException("no proxy is named", $"Give --proxy postgres://USER@HOST:PORT, or set {ProxyVariable}.");
        var dsns = new List<Dsn>();
        foreach (string text in texts)
        {
            if (!DsnParser.TryParse(text, out Dsn? dsn, out string? reason)) throw new UsageException($"--proxy: {reason}");
            dsns.Add(dsn);
        }
        return dsns;
    }

    private static void Print(Output output, TopReport report)
    {
        foreach (string failure in report.Unreachable) output.Line(failure);
        foreach ((_, string[] columns, string[][] rows) in Tables(report, order: null))
        {
            if (rows.Length == 0) continue;
            output.Table(columns, rows);
            output.Line();
        }
    }

    private static List<(string Title, string[] Columns, string[][] Rows)> Tables(TopReport report, TopOrder? order)
    {
        string shards = $"shards, as {string.Join(", ", report.Proxies)} see{(report.Proxies.Count == 1 ? "s" : "")} them";
        if (report.Unreachable.Count > 0) shards += $" ({string.Join("; ", report.Unreachable)})";
        return
        [
            (shards, ["SHARD", "UP", "CAP", "LEASED", "IN LINE", "ACTIVE", "IDLE", "OPENING", "TENANTS"],
                [.. report.Shards.Select(static shard => new[]
                {
                    shard.Shard, shard.Up switch { true => "yes", false => "no", null => "?" }, Count(shard.Cap), Count(shard.Leased), Count(shard.InLine), Count(shard.Active), Count(shard.Idle),
                    Count(shard.Opening), Count(shard.Tenants),
                })]),
            ($"tenants by {order?.ToString().ToLowerInvariant()}",
                ["TENANT", "SHARD", "PLAN", "WEIGHT", "CLIENTS", "SERVERS", "WAITING", "LONGEST", "BUSY", "QUERIES/s", "BYTES/s", "ERRORS/s", "LIMITED", "PINS", ""],
                [.. report.Tenants.Select(static tenant => new[]
                {
                    tenant.Tenant, tenant.Shard ?? "", tenant.Plan ?? "", Count(tenant.Weight), Count(tenant.Clients), $"{Count(tenant.ServersActive)}/{Count(tenant.ServersActive + tenant.ServersIdle)}",
                    Count(tenant.Waiting), tenant.Waiting == 0 ? "" : $"{tenant.LongestWaitMs} ms", tenant.TimePerSecond.ToString("0.00", CultureInfo.InvariantCulture), Rate(tenant.QueriesPerSecond),
                    Bytes(tenant.BytesPerSecond), Rate(tenant.ErrorsPerSecond), Count(tenant.RateDelayed + tenant.RateRefused), Count(tenant.Pins), tenant.Paused ? "paused" : "",
                })]),
            ("who waits for whom", ["TENANT", "SHARD", "WAITING", "LONGEST", "WAITS FOR", "WHO HOLDS IT"],
                [.. report.Waits.Select(static wait => new[] { wait.Tenant, wait.Shard, Count(wait.Waiting), $"{wait.LongestWaitMs} ms", wait.WaitsFor, wait.Holders })]),
        ];
    }

    private static string Count(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Rate(double rate) => rate.ToString(rate is > 0 and < 10 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static string Bytes(double bytes) => bytes switch
    {
        >= 1 << 30 => (bytes / (1 << 30)).ToString("0.0 'GB'", CultureInfo.InvariantCulture),
        >= 1 << 20 => (bytes / (1 << 20)).ToString("0.0 'MB'", CultureInfo.InvariantCulture),
        >= 1 << 10 => (bytes / (1 << 10)).ToString("0.0 'kB'", CultureInfo.InvariantCulture),
        _ => bytes.ToString("0", CultureInfo.InvariantCulture),
    };
}
