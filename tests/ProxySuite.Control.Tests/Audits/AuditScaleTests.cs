using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;
using ProxySuite.Control.Audits;
using ProxySuite.Control.Provisioning;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Servers;

namespace ProxySuite.Control.Tests.Audits;

/// <summary>
/// Many tenants of all models on one shard: the audit reads them in a few queries and finds the one fault among them. How many, and a file for the
/// figures, come from AUDIT_TENANTS and AUDIT_REPORT (bench/load/audit/run.sh); by itself a few.
/// </summary>
[Trait("Category", "Server"), Collection("Audit")]
public sealed class AuditScaleTests
{
    private const int TablesOfATenant = 10;

    private static readonly int TenantsOfAShard = int.Parse(Environment.GetEnvironmentVariable("AUDIT_TENANTS") ?? "30", CultureInfo.InvariantCulture);

    [Theory, MemberData(nameof(Servers.Versions), MemberType = typeof(Servers))]
    public async Task One_fault_among_many_tenants_is_found_and_nothing_else(int version)
    {
        await using PostgresServer server = await PostgresServer.CreateAsync(version);
        await using ControlWorld world = await ControlWorld.EmptyAsync(server);
        await world.MustAsync("init");
        await world.MustAsync("shard", "add", "s1", "--primary", server.Dsn(world.ShardDatabase), "--max-tenants", "100000");
        await world.MustAsync("shard", "prepare", "s1");

        long began = Stopwatch.GetTimestamp();
        await CreateAsync(world);
        TimeSpan creating = Stopwatch.GetElapsedTime(began);
        long controlPeak = PeakKilobytes(Environment.ProcessId);

        AuditReport good = await AuditAsync(world);
        Assert.Empty(good.Findings);
        Tenant victim = (await world.EntryAsync("tenant-4")).Tenant, other = (await world.EntryAsync("tenant-5")).Tenant;
        await server.ExecuteAsync($"GRANT USAGE ON SCHEMA {victim.Placement.SchemaName} TO {BackendNames.Role(other.Id, UserRole.App)}", world.ShardDatabase);
        AuditReport bad = await AuditAsync(world);
        Assert.Equal(["CROSS_TENANT_GRANT"], bad.Findings.Select(finding => finding.Code));

        (TimeSpan query, long backend) = await MeasureQueryAsync(server, world.ShardDatabase);
        Report(version, good, creating, controlPeak, query, backend);
    }

    // Nine of ten in the schema model, the rest shared; two with databases of their own.
    private static async Task CreateAsync(ControlWorld world)
    {
        var own = new StringBuilder();
        for (int table = 0; table < TablesOfATenant; table++) own.Append(CultureInfo.InvariantCulture, $"CREATE TABLE t{table} (id bigserial PRIMARY KEY, n int, note text);\n");
        var provisioning = new TenantProvisioning(world.Control, world.Key());
        await Parallel.ForEachAsync(Enumerable.Range(0, TenantsOfAShard), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (number, cancel) =>
        {
            IsolationModel model = number < 2 ? IsolationModel.Database : number % 10 == 3 ? IsolationModel.Pool : IsolationModel.Schema;
            await provisioning.CreateAsync(new TenantRequest
            {
                Slug = TenantSlug.Parse($"tenant-{number}"),
                Plan = "free",
                Isolation = model,
                Template = model == IsolationModel.Pool ? Servers.NotesTemplate(model) : own.ToString(),
            }, cancel);
        });
    }

    private static Task<AuditReport> AuditAsync(ControlWorld world)
        => new AuditService(world.Control).RunAsync(new AuditRequest { MasterKey = world.Key() }, CancellationToken.None);

    private static async Task<(TimeSpan Elapsed, long BackendKilobytes)> MeasureQueryAsync(PostgresServer server, string database)
    {
        await using var connection = new NpgsqlConnection(server.Dsn(database) + ";Pooling=false;Search Path=pg_catalog");
        await connection.OpenAsync();
        await connection.RunAsync("SET enable_nestloop = off; SET jit = off; SET work_mem = '64MB'");
        int pid = await connection.ReadAsync<int>("SELECT pg_backend_pid()");
        long began = Stopwatch.GetTimestamp();
        await connection.RunAsync(AuditSql.Query("tenant_id", wholeCluster: true));
        return (Stopwatch.GetElapsedTime(began), PeakKilobytes(pid));
    }

    private static void Report(int version, AuditReport report, TimeSpan creating, long controlPeak, TimeSpan query, long backend)
    {
        if (Environment.GetEnvironmentVariable("AUDIT_REPORT") is not { Length: > 0 } file) return;
        File.AppendAllText(file, string.Create(CultureInfo.InvariantCulture, $"""
            PostgreSQL {version}: {TenantsOfAShard} tenants, {TablesOfATenant} tables each
              create   {creating.TotalSeconds:F1} s, {creating.TotalMilliseconds / TenantsOfAShard:F0} ms a tenant (4 at once), control plane's peak {controlPeak / 1024} MB
              audit    {report.Shards[0].Elapsed.TotalSeconds:F2} s over {report.Shards[0].Databases} databases with the registry's comparison; {report.Findings.Length} findings
              its query on the shared database {query.TotalSeconds:F2} s, peak of its backend {backend / 1024} MB

            """));
    }

    private static long PeakKilobytes(int pid)
        => long.Parse(File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
