using ProxySuite.Proxy.Frontend;

namespace ProxySuite.Proxy.Admin;

/// <summary>SHOW POOLS: one row for each tenant and backend role that has clients or servers, in PgBouncer's columns.</summary>
internal sealed class ShowPools : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        AdminColumn.Text("database"), AdminColumn.Text("user"), AdminColumn.Int4("cl_active"), AdminColumn.Int4("cl_waiting"), AdminColumn.Int4("cl_active_cancel_req"),
        AdminColumn.Int4("cl_waiting_cancel_req"), AdminColumn.Int4("sv_active"), AdminColumn.Int4("sv_active_cancel"), AdminColumn.Int4("sv_being_canceled"), AdminColumn.Int4("sv_idle"),
        AdminColumn.Int4("sv_used"), AdminColumn.Int4("sv_tested"), AdminColumn.Int4("sv_login"), AdminColumn.Int4("maxwait"), AdminColumn.Int4("maxwait_us"), AdminColumn.Text("pool_mode"),
        AdminColumn.Text("shard"),
    ];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        List<PoolView> pools = await scope.AllPoolsAsync(cancellationToken).ConfigureAwait(false);
        ILookup<(string Tenant, int Role), ClientView> clients = (await scope.ClientsAsync(cancellationToken).ConfigureAwait(false)).ToLookup(client => (client.Tenant, client.Role));
        ILookup<(string? Tenant, int Role), ServerView> servers = (await scope.ServersAsync(cancellationToken).ConfigureAwait(false)).ToLookup(server => (server.Tenant, server.Role));
        var rows = new List<object?[]>();
        // Exporters make a series of each database and user: a tenant that has moved has one row, with what its old pool has still lent in it.
        foreach (PoolView[] ofTenant in pools.GroupBy(static pool => pool.Tenant).Select(static group => group.ToArray()))
        {
            PoolView pool = ofTenant[0];
            bool hasRow = false;
            for (int role = 0; role < pool.Config.Targets.Count; role++)
            {
                ClientView[] ours = [.. clients[(pool.Tenant, role)]];
                ServerView[] theirs = [.. servers[(pool.Tenant, role)]];
                // The last role has the row of a pool that has nothing but a connection being opened, or an error behind it.
                if (ours.Length == 0 && theirs.Length == 0 && (hasRow || role < pool.Config.Targets.Count - 1)) continue;
                rows.Add(Row(pool, role, ours, theirs, opening: hasRow ? 0 : ofTenant.Sum(static each => each.Counts.Opening)));
                hasRow = true;
            }
        }
        // The console's own clients, as PgBouncer lists them.
        int console = scope.ConsoleClients();
        rows.Add([AdminConsole.Name, AdminConsole.Name, console, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "statement", null]);
        return new AdminAnswer(rows);
    }

    private static object?[] Row(PoolView pool, int role, ClientView[] clients, ServerView[] servers, int opening)
    {
        TimeSpan longest = clients.Length == 0 ? TimeSpan.Zero : clients.Max(static client => AdminSnapshot.Since(client.WaitAt));
        return
        [
            pool.Tenant, AdminSnapshot.RoleName(role),
            clients.Count(static client => client.State != SessionState.Waiting), clients.Count(static client => client.State == SessionState.Waiting),
            servers.Count(static server => server.Activity == ServerActivity.ActiveCancel), 0,
            servers.Count(static server => server.Activity is ServerActivity.Active or ServerActivity.ActiveCancel),
            servers.Count(static server => server.Activity == ServerActivity.ActiveCancel), servers.Count(static server => server.Activity == ServerActivity.BeingCanceled),
            servers.Count(static server => server.Activity == ServerActivity.Idle), 0, servers.Count(static server => server.Activity == ServerActivity.Tested), opening,
            (int)longest.TotalSeconds, (int)(longest.TotalMicroseconds % 1_000_000), pool.Config.Mode.ToString().ToLowerInvariant(), pool.Config.Shard,
        ];
    }
}
