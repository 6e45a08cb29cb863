using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using Npgsql;
using ProxySuite.Control.Shards;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Secrets;

namespace ProxySuite.Control.Audits;

/// <summary>What to audit.</summary>
public sealed record AuditRequest
{
    /// <value>Null for all shards that are prepared.</value>
    public string? Shard { get; init; }

    /// <value>Findings about this tenant alone, on its shard; null for all.</value>
    public TenantSlug? Tenant { get; init; }

    /// <value>The column of shared tables that says whose a row is.</value>
    public string TenantColumn { get; init; } = "tenant_id";

    /// <value>To prove the roles' passwords with; null leaves them unproven.</value>
    public MasterKey? MasterKey { get; init; }
}

/// <summary>Looks for whatever weakens the isolation of tenants (B8). Changes nothing.</summary>
public sealed class AuditService(ControlPlane control)
{
    private const int DatabasesAtOnce = 4;

    /// <exception cref="ControlException">No such shard or tenant, or a shard that cannot be logged in to.</exception>
    public async Task<AuditReport> RunAsync(AuditRequest request, CancellationToken cancellationToken)
    {
        TenantEntry? only = request.Tenant is { } slug ? await control.Store.GetTenantAsync(slug, cancellationToken) : null;
        if (only is not null && request.Shard is not null && request.Shard != only.Shard.Name)
        {
            throw new ControlException($"tenant \"{request.Tenant}\" is on shard \"{only.Shard.Name}\", not on \"{request.Shard}\"");
        }
        List<Shard> shards = await ShardsAsync(request.Shard ?? only?.Shard.Name, cancellationToken);
        // Of all shards, as a role may belong to a tenant that has moved.
        List<TenantEntry> tenants = await AllTenants.ReadAsync(control.Store, new TenantFilter(), cancellationToken);
        var audited = ImmutableArray.CreateBuilder<AuditedShard>();
        var findings = new List<AuditFinding>();
        foreach (Shard shard in shards)
        {
            long began = Stopwatch.GetTimestamp();
            (List<AuditFinding> found, int databases) = await OfShardAsync(shard, tenants, request, done => control.Tell($"shard {shard.Name}", done.Done, done.Total), cancellationToken);
            findings.AddRange(found);
            audited.Add(new AuditedShard(shard.Name, tenants.Count(entry => entry.Shard.Id == shard.Id), databases, Stopwatch.GetElapsedTime(began)));
        }
        IEnumerable<AuditFinding> wanted = only is null ? findings : findings.Where(finding => IsAbout(only.Tenant, finding));
        return new AuditReport(audited.ToImmutable(),
        [
            .. wanted.Distinct().OrderByDescending(finding => finding.Severity).ThenBy(finding => finding.Code, StringComparer.Ordinal)
                .ThenBy(finding => finding.Shard, StringComparer.Ordinal).ThenBy(finding => finding.Database, StringComparer.Ordinal).ThenBy(finding => finding.Object, StringComparer.Ordinal),
        ]);
    }

    private async Task<List<Shard>> ShardsAsync(string? name, CancellationToken cancellationToken)
    {
        if (name is not null) return [await control.Store.GetShardAsync(name, cancellationToken)];
        IEnumerable<string> prepared = (await control.Store.ListShardsAsync(cancellationToken)).Where(summary => summary.Shard.PreparedAt is not null).Select(summary => summary.Shard.Name);
        var shards = new List<Shard>();
        foreach (string shard in prepared) shards.Add(await control.Store.GetShardAsync(shard, cancellationToken));
        return shards;
    }

    private static async Task<(List<AuditFinding> Findings, int Databases)> OfShardAsync(
        Shard shard, List<TenantEntry> tenants, AuditRequest request, Action<(int Done, int Total)> progress, CancellationToken cancellationToken)
    {
        progress((0, 0));
        var servers = new ShardConnections(shard);
        Tenant[] here = [.. tenants.Where(entry => entry.Shard.Id == shard.Id).Select(entry => entry.Tenant)];
        Dictionary<TenantId, Shard> homes = tenants.ToDictionary(entry => entry.Tenant.Id, entry => entry.Shard);
        var findings = new ConcurrentBag<AuditFinding>();
        string[] own;
        await using (NpgsqlConnection shared = await servers.OpenSharedAsync(cancellationToken))
        {
            List<AuditFinding> found = await DatabaseAudit.RunAsync(shared, shard, isShared: true, request.TenantColumn, cancellationToken);
            found.ForEach(findings.Add);
            if (found.All(finding => finding.Code != "NOT_PREPARED"))
            {
                (await new RegistryDrift(shard, here, homes.GetValueOrDefault, request.MasterKey).RunAsync(shared, cancellationToken)).ForEach(findings.Add);
            }
            string[] named = [.. here.Where(tenant => tenant.Isolation == IsolationModel.Database).Select(tenant => tenant.Placement.Database)];
            own = [.. await shared.QueryAsync("SELECT datname::text FROM pg_database WHERE datname = ANY ($1) AND datallowconn", row => row.GetString(0), cancellationToken, (object)named)];
        }
        int done = 0;
        await Parallel.ForEachAsync(own, new ParallelOptions { MaxDegreeOfParallelism = DatabasesAtOnce, CancellationToken = cancellationToken }, async (database, cancel) =>
        {
            await using NpgsqlConnection connection = await servers.OpenAsync(database, cancel);
            lock (findings) progress((done++, own.Length));
            (await DatabaseAudit.RunAsync(connection, shard, isShared: false, request.TenantColumn, cancel)).ForEach(findings.Add);
        });
        return ([.. findings], own.Length + 1);
    }

    private static bool IsAbout(Tenant tenant, AuditFinding finding)
    {
        string id = tenant.Id.ToString("N");
        return new[] { finding.Database, finding.Object, finding.Detail, finding.Fix }.Any(text => text.Contains(id, StringComparison.Ordinal)
            || text.Contains(tenant.Id.ToString(), StringComparison.Ordinal));
    }
}
