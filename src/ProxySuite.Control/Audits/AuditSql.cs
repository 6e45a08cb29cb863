using System.Reflection;
using System.Text;
using static ProxySuite.Control.SqlExtensions;

namespace ProxySuite.Control.Audits;

/// <summary>The audit's query: facts, then every check on them, as one statement (<c>Audits/Sql</c>). It changes nothing.</summary>
internal static class AuditSql
{
    private static readonly string[] Checks = ["10-tables.sql", "20-grants.sql", "30-code.sql"];

    /// <summary>Findings as severity, code, object, detail, fix.</summary>
    /// <param name="tenantColumn">The column that says whose a row is.</param>
    /// <param name="wholeCluster">With roles' settings, pg_hba.conf and large objects, which only a superuser may read.</param>
    public static string Query(string tenantColumn, bool wholeCluster)
    {
        string[] files = wholeCluster ? [.. Checks, "40-cluster.sql"] : Checks;
        return $"""
            {Read("00-facts.sql").Replace("{column}", Literal(tenantColumn), StringComparison.Ordinal)}
            finding(severity, code, object, detail, fix) AS (
            {string.Join("UNION ALL\n", files.Select(Read))})
            SELECT severity, code, object, coalesce(detail, ''), coalesce(fix, '') FROM finding
            """;
    }

    /// <summary>
    /// SQL that makes <c>tenancy.audit_summary()</c>: the counts of what a role without rights may see, for proxies, which have no administrator's login.
    /// </summary>
    public static string InstallSummary() => $"""
        GRANT EXECUTE ON FUNCTION tenancy.lockdown_targets(text) TO tenancy_owner;
        CREATE OR REPLACE FUNCTION tenancy.audit_summary() RETURNS TABLE (critical int, high int, medium int, low int)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_nestloop = off SET jit = off SET work_mem = '64MB' AS $audit$
        SELECT count(*) FILTER (WHERE f.severity = 'critical')::int, count(*) FILTER (WHERE f.severity = 'high')::int,
               count(*) FILTER (WHERE f.severity = 'medium')::int, count(*) FILTER (WHERE f.severity = 'low')::int
          FROM ({Query("tenant_id", wholeCluster: false)}) AS f(severity, code, object, detail, fix)
        $audit$;
        ALTER FUNCTION tenancy.audit_summary() OWNER TO tenancy_owner;
        REVOKE ALL ON FUNCTION tenancy.audit_summary() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION tenancy.audit_summary() TO ps_auditor;
        """;

    internal static string Read(string file)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"audit/{file}")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
