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

    internal static string Read(string file)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"audit/{file}")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
