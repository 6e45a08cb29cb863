using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Admin;

/// <summary>SHOW DATABASES: one row for each tenant that has a pool now, as PgBouncer lists its databases.</summary>
internal sealed class ShowDatabases : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        AdminColumn.Text("name"), AdminColumn.Text("host"), AdminColumn.Int4("port"), AdminColumn.Text("database"), AdminColumn.Text("force_user"), AdminColumn.Int4("pool_size"),
        AdminColumn.Int4("min_pool_size"), AdminColumn.Int4("reserve_pool"), AdminColumn.Text("pool_mode"), AdminColumn.Int4("max_connections"), AdminColumn.Int4("current_connections"),
        AdminColumn.Int4("paused"), AdminColumn.Int4("disabled"), AdminColumn.Text("shard"),
    ];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        var rows = new List<object?[]>();
        foreach (PoolView pool in await scope.PoolsAsync(cancellationToken).ConfigureAwait(false))
        {
            Shard shard = pool.Entry.Shard;
            ShardEndpoint first = shard.Primary[0];
            rows.Add(
            [
                pool.Tenant, first.IsUnixSocket ? first.UnixSocketPath : first.Host, first.Port, pool.Config.Targets[0].Database, null, pool.Budget, pool.Entry.Tenant.Plan.ConnectionsMin, 0,
                pool.Config.Mode.ToString().ToLowerInvariant(), pool.Budget, pool.Leased, pool.IsPaused ? 1 : 0, pool.Entry.Tenant.IsActive ? 0 : 1, shard.Name,
            ]);
        }
        rows.Add([AdminConsole.Name, null, AdminConsole.PortOf(scope), AdminConsole.Name, AdminConsole.Name, 0, 0, 0, "statement", 0, 0, 0, 0, null]);
        return new AdminAnswer(rows);
    }
}
