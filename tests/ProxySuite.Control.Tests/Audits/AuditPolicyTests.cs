using ProxySuite.Control.Audits;

namespace ProxySuite.Control.Tests.Audits;

/// <summary>Which policies the audit takes for a bond to the tenant: each way to write one, and none of the ways to seem like one.</summary>
[Trait("Category", "Server"), Collection("Audit")]
public sealed class AuditPolicyTests
{
    private const string Identity = "(SELECT tenancy.current_tenant())";

    public static TheoryData<int, string> Bonds => Each(
        $"tenant_id = {Identity}",
        $"{Identity} = tenant_id",
        "tenant_id = (SELECT tenancy.role_tenant())",
        "tenant_id = (SELECT tenancy.sealed_tenant())",
        $"tenant_id = {Identity} AND id > 0",
        $"id > 0 AND tenant_id = {Identity}",
        $"tenant_id = {Identity} AND (id > 0 OR note IS NULL)",
        $"(id > 0 OR note IS NULL) AND note <> 'x' AND tenant_id = {Identity}");

    public static TheoryData<int, string> Pretences => Each(
        "true",
        $"tenant_id = {Identity} OR id = 0",
        $"id = 0 OR tenant_id = {Identity}",
        $"(tenant_id = {Identity} AND id = 1) OR id = 0",
        $"id = 0 OR (id = 1 AND tenant_id = {Identity})",
        $"NOT (tenant_id = {Identity})",
        $"NOT (id = 0 AND tenant_id = {Identity})",
        $"(tenant_id = {Identity}) IS NOT NULL",
        $"coalesce(tenant_id = {Identity}, true)",
        $"CASE WHEN id = 0 THEN true ELSE id = 1 AND tenant_id = {Identity} END",
        $"tenant_id >= {Identity}",
        $"tenant_id <> {Identity}",
        $"tenant_id IN (SELECT tenancy.current_tenant() UNION SELECT '00000000-0000-0000-0000-000000000001'::uuid)",
        $"other = {Identity}",
        $"other = {Identity} AND id > 0",
        "tenant_id = (SELECT pretence.current_tenant())",
        "tenant_id = current_setting('app.current_tenant_id')::uuid",
        "tenant_id = (SELECT coalesce(nullif(current_setting('app.as', true), '')::uuid, tenancy.current_tenant()))",
        "note = '(x) AND (tenant_id = ( SELECT tenancy.current_tenant() AS current_tenant)))'",
        "note = 'x' OR note = ' AND (tenant_id = ( SELECT tenancy.current_tenant() AS current_tenant))'",
        $"EXISTS (SELECT FROM pg_catalog.pg_class WHERE id > 0 AND tenant_id = {Identity}) OR id = 1");

    [Theory, MemberData(nameof(Bonds))]
    public async Task A_bond_is_taken_for_one_however_it_is_written(int version, string expression)
        => Assert.Empty(await CodesAsync(version, $"CREATE POLICY p ON public.t USING ({expression}) WITH CHECK ({expression})"));

    [Theory, MemberData(nameof(Pretences))]
    public async Task What_only_looks_like_a_bond_is_none(int version, string expression)
    {
        string[] codes = await CodesAsync(version, $"CREATE POLICY p ON public.t USING ({expression}) WITH CHECK (tenant_id = {Identity})");
        Assert.Contains(codes, code => code is "POLICY_NOT_TENANT" or "POLICY_FORGEABLE");
        codes = await CodesAsync(version, $"CREATE POLICY p ON public.t USING (tenant_id = {Identity}) WITH CHECK ({expression})");
        Assert.Contains(codes, code => code is "POLICY_NOT_TENANT" or "POLICY_FORGEABLE");
        // And beside a guard it may say what it likes.
        codes = await CodesAsync(version, $"""
            CREATE POLICY p ON public.t USING ({expression}) WITH CHECK ({expression});
            CREATE POLICY g ON public.t AS RESTRICTIVE USING (tenant_id = {Identity}) WITH CHECK (tenant_id = {Identity})
            """);
        Assert.DoesNotContain(codes, code => code is "POLICY_NOT_TENANT" or "POLICY_FORGEABLE");
    }

    private static async Task<string[]> CodesAsync(int version, string policies)
    {
        AuditWorld world = await AuditWorld.GetAsync(version);
        await world.ExecuteAsync($"""
            CREATE SCHEMA pretence; CREATE FUNCTION pretence.current_tenant() RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog AS 'SELECT NULL::uuid';
            CREATE TABLE public.t (tenant_id uuid NOT NULL, id int NOT NULL, other uuid, note text, PRIMARY KEY (tenant_id, id)); ALTER TABLE public.t OWNER TO data_owner;
            ALTER TABLE public.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; GRANT SELECT, INSERT, UPDATE, DELETE ON public.t TO pool_app;
            {policies}
            """);
        try
        {
            AuditReport report = await world.AuditAsync();
            Assert.All(report.Findings, finding => Assert.Contains("public.t", finding.Object, StringComparison.Ordinal));
            return [.. report.Findings.Select(finding => finding.Code)];
        }
        finally
        {
            await world.ExecuteAsync("DROP TABLE public.t; DROP SCHEMA pretence CASCADE");
        }
    }

    private static TheoryData<int, string> Each(params string[] expressions)
    {
        var data = new TheoryData<int, string>();
        foreach (string expression in expressions)
        {
            data.Add(15, expression);
            data.Add(18, expression);
        }
        return data;
    }
}
