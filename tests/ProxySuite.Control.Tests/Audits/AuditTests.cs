using System.Text.RegularExpressions;
using Npgsql;
using ProxySuite.Control.Audits;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Control.Tests.Audits;

/// <summary><c>proxyctl audit</c>: silent on a good shard, sees every planted fault, and its SQL mends each (B8).</summary>
[Trait("Category", "Server"), Collection("Audit")]
public sealed class AuditTests
{
    public static TheoryData<int, int, string> VersionsAndFaults
    {
        get
        {
            var data = new TheoryData<int, int, string>();
            foreach (int version in (int[])[15, 18])
            {
                for (int fault = 0; fault < AuditFaults.All.Length; fault++) data.Add(version, fault, AuditFaults.All[fault].ToString());
            }
            return data;
        }
    }

    [Theory]
    [InlineData(15, "relaxed"), InlineData(18, "relaxed"), InlineData(15, "strict"), InlineData(18, "strict")]
    public async Task A_good_shard_with_tenants_of_every_model_has_no_findings(int version, string lockdown)
    {
        AuditWorld world = await AuditWorld.GetAsync(version, lockdown);
        AuditReport report = await world.AuditAsync();
        Assert.Equal([], report.Findings.Select(Text));
        Assert.Equal((6, 3), (Assert.Single(report.Shards).Tenants, report.Shards[0].Databases));
    }

    [Theory]
    [InlineData(15, "sa"), InlineData(18, "sa"), InlineData(15, "da"), InlineData(18, "da")]
    public async Task What_a_tenants_owner_makes_of_its_own_place_is_its_own_business(int version, string name)
    {
        AuditWorld world = await AuditWorld.GetAsync(version);
        Tenant tenant = world.Tenants[name];
        await using NpgsqlConnection owner = await world.Control.ConnectAsync(tenant, UserRole.Owner);
        // With names that would end a statement, were they not quoted.
        await owner.RunAsync("""
            CREATE TABLE "x; DROP TABLE notes; --" (tenant_id uuid, email text UNIQUE, other bigint REFERENCES notes (id));
            ALTER TABLE "x; DROP TABLE notes; --" ENABLE ROW LEVEL SECURITY;
            CREATE POLICY "any'; one" ON "x; DROP TABLE notes; --" USING (true);
            CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts DEFAULT;
            CREATE VIEW v AS SELECT * FROM notes; CREATE MATERIALIZED VIEW m AS SELECT * FROM notes; CREATE SEQUENCE q;
            CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint';
            CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION g();
            CREATE RULE r AS ON DELETE TO parts DO NOTHING;
            GRANT ALL ON notes, v, m, parts TO PUBLIC; GRANT ALL ON SEQUENCE q TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
            """);
        try
        {
            Assert.Equal([], (await world.AuditAsync()).Findings.Select(Text));
        }
        finally
        {
            await owner.RunAsync("""
                ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC; REVOKE ALL ON notes FROM PUBLIC; DROP TABLE "x; DROP TABLE notes; --", parts; DROP VIEW v; DROP MATERIALIZED VIEW m;
                DROP SEQUENCE q; DROP FUNCTION f; DROP FUNCTION g CASCADE
                """);
        }
    }

    [Theory, MemberData(nameof(VersionsAndFaults))]
    public async Task Each_planted_fault_is_found_and_the_printed_SQL_mends_it(int version, int number, string name)
    {
        AuditFault fault = AuditFaults.All[number];
        Assert.Equal(name, fault.ToString());
        AuditWorld world = await AuditWorld.GetAsync(version, fault.Lockdown);
        try
        {
            await PlantFindAndMendAsync(world, fault);
        }
        catch
        {
            // What it left would be found by all that follow.
            await AuditWorld.ForgetAsync(version, fault.Lockdown);
            throw;
        }
    }

    private static async Task PlantFindAndMendAsync(AuditWorld world, AuditFault fault)
    {
        string? database = fault.In is null ? null : world.Fill($"{{{fault.In.ToUpperInvariant()}}}");
        foreach (string statement in Alone(fault.Plant)) await world.ExecuteAsync(statement, database);
        if (IsSetting(fault)) await ReloadAsync(world);

        AuditReport report = await world.AuditAsync();
        AuditFinding[] found = [.. report.Findings.Where(finding => finding.Code == fault.Code)];
        Assert.True(found.Any(finding => finding.Object.Contains(world.Fill(fault.Object), StringComparison.Ordinal)),
            $"not found among: {string.Join("\n", report.Findings.Select(Text))}");

        foreach (AuditFinding finding in found) await MendAsync(world, finding);
        if (fault.Tidy.Length > 0)
        {
            // The SQL mended it, and not what tidies up after it.
            Assert.Equal([], (await world.AuditAsync()).Findings.Where(finding => finding.Code == fault.Code).Select(Text));
            foreach (string statement in Alone(fault.Tidy)) await world.ExecuteAsync(statement, database);
        }
        if (IsSetting(fault)) await ReloadAsync(world);
        Assert.Equal([], (await world.AuditAsync()).Findings.Select(Text));
    }

    private static bool IsSetting(AuditFault fault) => fault.Plant.StartsWith("ALTER SYSTEM", StringComparison.Ordinal);

    // ALTER SYSTEM refuses company.
    private static string[] Alone(string sql) => sql.StartsWith("ALTER SYSTEM", StringComparison.Ordinal) ? sql.Split("; ") : [sql];

    [Fact]
    public void Every_code_has_a_reason_and_every_reason_a_code_and_a_planted_fault()
    {
        string source = string.Concat(((string[])["10-tables.sql", "20-grants.sql", "30-code.sql", "40-cluster.sql"]).Select(AuditSql.Read));
        HashSet<string> inSql = [.. Regex.Matches(source, "'([A-Z0-9]+(?:_[A-Z0-9]+)+|EXTENSION|PUBLICATION)'").Select(match => match.Groups[1].Value)];
        string[] unknown = [.. inSql.Except(AuditCodes.All)];
        Assert.Equal([], unknown);
        // Those that have tests of their own below: they need a server of their own, a file, or more than one statement.
        string[] apart = ["HBA_TRUST", "HBA_WEAK", "HBA_ANYWHERE", "2PC_ENABLED", "NOT_PREPARED", "DATABASE_MISSING", "ROLE_PASSWORD_SLOW"];
        Assert.Equal([], AuditCodes.All.Except(AuditFaults.All.Select(fault => fault.Code)).Except(apart));
    }

    private static async Task MendAsync(AuditWorld world, AuditFinding finding)
    {
        if (finding.Fix.StartsWith("proxyctl ", StringComparison.Ordinal))
        {
            await world.Control.MustAsync(finding.Fix.Split(' ')[1..]);
            return;
        }
        foreach (string statement in Alone(finding.Fix.Split(" -- ")[0])) await world.Server.ExecuteAsync(statement, finding.Database);
        if (finding.Fix.Contains("ALTER SYSTEM", StringComparison.Ordinal)) await ReloadAsync(world);
    }

    private static async Task ReloadAsync(AuditWorld world)
    {
        world.Server.Reload();
        await Task.Delay(TimeSpan.FromMilliseconds(500));
    }

    private static string Text(AuditFinding finding) => $"{EnumText.Of(finding.Severity)} {finding.Code} {finding.Database} {finding.Object}: {finding.Detail} => {finding.Fix}";
}
