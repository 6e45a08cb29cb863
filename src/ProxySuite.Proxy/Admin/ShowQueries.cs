using ProxySuite.Proxy.Frontend;

namespace ProxySuite.Proxy.Admin;

/// <summary>SHOW QUERIES: clients that ask something, wait, or have a transaction open, the longest first. Texts are with the server: pg_stat_activity has them under the pid.</summary>
internal sealed class ShowQueries : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        AdminColumn.Text("tenant"), AdminColumn.Text("user"), AdminColumn.Int4("id"), AdminColumn.Text("activity"), AdminColumn.Int8("for_ms"), AdminColumn.Text("shard"),
        AdminColumn.Int4("server_pid"), AdminColumn.Text("pins"), AdminColumn.Text("addr"), AdminColumn.Text("application_name"),
    ];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        IEnumerable<ClientView> busy = (await scope.ClientsAsync(cancellationToken).ConfigureAwait(false))
            .Where(static client => client.State is SessionState.Waiting or SessionState.Linked || client.DelayedBy is not null)
            .OrderByDescending(static client => AdminSnapshot.Since(Start(client)));
        return new AdminAnswer([.. busy.Select(static client => new object?[]
        {
            client.Tenant, client.User, client.Id, client.Activity, Start(client) == 0 ? null : (long)AdminSnapshot.Since(Start(client)).TotalMilliseconds, client.Shard,
            client.ServerPid == 0 ? null : client.ServerPid, AdminSnapshot.PinNames(client.Pins), SocketColumns.Address(client.Address), client.Application,
        })]);
    }

    private static long Start(ClientView client) => client.DelayedBy is not null ? client.DelayAt : client.State == SessionState.Waiting ? client.WaitAt : client.RequestAt;
}
