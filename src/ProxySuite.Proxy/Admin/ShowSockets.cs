using System.Net;
using ProxySuite.Proxy.Frontend;

namespace ProxySuite.Proxy.Admin;

/// <summary>What SHOW CLIENTS and SHOW SERVERS have in common: PgBouncer's columns of a socket.</summary>
internal static class SocketColumns
{
    public static readonly AdminColumn[] All =
    [
        AdminColumn.Text("type"), AdminColumn.Text("user"), AdminColumn.Text("database"), AdminColumn.Text("state"), AdminColumn.Text("addr"), AdminColumn.Int4("port"),
        AdminColumn.Text("local_addr"), AdminColumn.Int4("local_port"), AdminColumn.Text("connect_time"), AdminColumn.Text("request_time"), AdminColumn.Int4("wait"), AdminColumn.Int4("wait_us"),
        AdminColumn.Int4("close_needed"), AdminColumn.Text("ptr"), AdminColumn.Text("link"), AdminColumn.Int4("remote_pid"), AdminColumn.Text("tls"), AdminColumn.Text("application_name"),
    ];

    public static string Address(EndPoint endPoint) => endPoint switch
    {
        IPEndPoint ip => ip.Address.ToString(),
        DnsEndPoint dns => dns.Host,
        _ => "unix",
    };

    public static int? Port(EndPoint endPoint) => endPoint switch
    {
        IPEndPoint ip => ip.Port,
        DnsEndPoint dns => dns.Port,
        _ => null,
    };

    public static string ClientPointer(int id) => $"c{id:x8}";

    public static string ServerPointer(string shard, int pid) => $"s{shard}/{pid}";
}

/// <summary>SHOW CLIENTS: one row a client of a tenant.</summary>
internal sealed class ShowClients : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } =
        [.. SocketColumns.All, AdminColumn.Int4("id"), AdminColumn.Text("activity"), AdminColumn.Text("pins"), AdminColumn.Text("shard")];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        IPEndPoint? local = scope.EndPoints().OfType<IPEndPoint>().FirstOrDefault();
        var rows = new List<object?[]>();
        foreach (ClientView client in await scope.ClientsAsync(cancellationToken).ConfigureAwait(false))
        {
            TimeSpan wait = AdminSnapshot.Since(client.WaitAt);
            rows.Add(
            [
                "C", client.User, client.Tenant, client.State == SessionState.Waiting ? "waiting" : "active", SocketColumns.Address(client.Address), SocketColumns.Port(client.Address) ?? local?.Port,
                local?.Address.ToString(), local?.Port, AdminScope.TimeOf(client.ConnectedAt), AdminScope.TimeOf(client.RequestAt == 0 ? client.ConnectedAt : client.RequestAt),
                (int)wait.TotalSeconds, (int)(wait.TotalMicroseconds % 1_000_000), 0, SocketColumns.ClientPointer(client.Id),
                client.ServerPid == 0 ? "" : SocketColumns.ServerPointer(client.Shard, client.ServerPid), 0, client.IsEncrypted ? "TLS" : "", client.Application,
                client.Id, client.Activity, AdminSnapshot.PinNames(client.Pins), client.Shard,
            ]);
        }
        return new AdminAnswer(rows);
    }
}

/// <summary>SHOW SERVERS: one row a server connection. Its user is the tenant's role that it works as; the port on this side is not known.</summary>
internal sealed class ShowServers : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } = [.. SocketColumns.All, AdminColumn.Text("shard")];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        var rows = new List<object?[]>();
        foreach (ServerView server in await scope.ServersAsync(cancellationToken).ConfigureAwait(false))
        {
            rows.Add(
            [
                "S", AdminSnapshot.RoleName(server.Role), server.Tenant ?? "", State(server.Activity), SocketColumns.Address(server.Address), SocketColumns.Port(server.Address), null, null,
                AdminScope.TimeOf(server.ConnectedAt), AdminScope.TimeOf(server.UsedAt), 0, 0, server.IsOutdated || server.Activity == ServerActivity.Closing ? 1 : 0,
                SocketColumns.ServerPointer(server.Shard, server.Pid), server.ClientId == 0 ? "" : SocketColumns.ClientPointer(server.ClientId), server.Pid, server.IsEncrypted ? "TLS" : "", "",
                server.Shard,
            ]);
        }
        return new AdminAnswer(rows);
    }

    private static string State(ServerActivity activity) => activity switch
    {
        ServerActivity.Active => "active",
        ServerActivity.ActiveCancel => "active_cancel",
        ServerActivity.BeingCanceled => "being_canceled",
        ServerActivity.Tested => "tested",
        ServerActivity.Idle => "idle",
        _ => "closing",
    };
}
