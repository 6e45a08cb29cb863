using System.Net;
using ProxySuite.Proxy.Frontend;

namespace ProxySuite.Proxy.Admin;

/// <summary>What SHOW CLIENTS, SERVERS and SOCKETS have in common: PgBouncer's columns of a socket.</summary>
internal static class SocketColumns
{
    public static readonly AdminColumn[] All =
    [
        AdminColumn.Text("type"), AdminColumn.Text("user"), AdminColumn.Text("database"), AdminColumn.Text("state"), AdminColumn.Text("addr"), AdminColumn.Int4("port"),
        AdminColumn.Text("local_addr"), AdminColumn.Int4("local_port"), AdminColumn.Text("connect_time"), AdminColumn.Text("request_time"), AdminColumn.Int4("wait"), AdminColumn.Int4("wait_us"),
        AdminColumn.Int4("close_needed"), AdminColumn.Text("ptr"), AdminColumn.Text("link"), AdminColumn.Int4("remote_pid"), AdminColumn.Text("tls"), AdminColumn.Text("application_name"),
    ];

    /// <summary>Where the state stands among them.</summary>
    public const int StateAt = 3;

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

    /// <summary>A client's values.</summary>
    /// <param name="local">Where the proxy listens.</param>
    public static object?[] Of(in ClientView client, IPEndPoint? local)
    {
        TimeSpan wait = AdminSnapshot.Since(client.WaitAt);
        return
        [
            "C", client.User, client.Tenant, client.State == SessionState.Waiting ? "waiting" : "active", Address(client.Address), Port(client.Address) ?? local?.Port,
            local?.Address.ToString(), local?.Port, AdminScope.TimeOf(client.ConnectedAt), AdminScope.TimeOf(client.RequestAt == 0 ? client.ConnectedAt : client.RequestAt),
            (int)wait.TotalSeconds, (int)(wait.TotalMicroseconds % 1_000_000), 0, ClientPointer(client.Id),
            client.ServerPid == 0 ? "" : ServerPointer(client.Shard, client.ServerPid), 0, client.IsEncrypted ? "TLS" : "", client.Application,
        ];
    }

    /// <summary>A server connection's values. Its user is the tenant's role that it works as; the port on this side is not known.</summary>
    public static object?[] Of(in ServerView server) =>
    [
        "S", AdminSnapshot.RoleName(server.Role), server.Tenant ?? "", State(server.Activity), Address(server.Address), Port(server.Address), null, null,
        AdminScope.TimeOf(server.ConnectedAt), AdminScope.TimeOf(server.UsedAt), 0, 0, server.IsOutdated || server.Activity == ServerActivity.Closing ? 1 : 0,
        ServerPointer(server.Shard, server.Pid), server.ClientId == 0 ? "" : ClientPointer(server.ClientId), server.Pid, server.IsEncrypted ? "TLS" : "", "",
    ];

    private static string State(ServerActivity activity) => activity switch
    {
        ServerActivity.Active => "active",
        ServerActivity.ActiveCancel => "active_cancel",
        ServerActivity.BeingCanceled => "being_canceled",
        ServerActivity.Tested => "tested",
        ServerActivity.Idle => "idle",
        _ => "closing",
    };

    private static string ClientPointer(int id) => $"c{id:x8}";

    private static string ServerPointer(string shard, int pid) => $"s{shard}/{pid}";
}

/// <summary>SHOW CLIENTS: one row a client of a tenant.</summary>
internal sealed class ShowClients : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } =
        [.. SocketColumns.All, AdminColumn.Int4("id"), AdminColumn.Text("activity"), AdminColumn.Text("pins"), AdminColumn.Text("shard")];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        IPEndPoint? local = scope.LocalEndPoint;
        return new AdminAnswer([.. (await scope.ClientsAsync(cancellationToken).ConfigureAwait(false)).Select(client => (object?[])
            [.. SocketColumns.Of(client, local), client.Id, client.Activity, AdminSnapshot.PinNames(client.Pins), client.Shard])]);
    }
}

/// <summary>SHOW SERVERS: one row a server connection.</summary>
internal sealed class ShowServers : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } = [.. SocketColumns.All, AdminColumn.Text("shard")];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
        => new([.. (await scope.ServersAsync(cancellationToken).ConfigureAwait(false)).Select(static server => (object?[])[.. SocketColumns.Of(server), server.Shard])]);
}

/// <summary>
/// SHOW SOCKETS and SHOW ACTIVE_SOCKETS: clients, then servers, with what waits to be sent to them. Nothing else is kept between a socket and the other side, so the other positions of
/// PgBouncer's buffers are 0.
/// </summary>
/// <param name="isActiveOnly">Those alone that have something under way.</param>
internal sealed class ShowSockets(bool isActiveOnly) : ShowCommand
{
    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        .. SocketColumns.All, AdminColumn.Int4("recv_pos"), AdminColumn.Int4("pkt_pos"), AdminColumn.Int4("pkt_remain"), AdminColumn.Int4("send_pos"), AdminColumn.Int4("send_remain"),
        AdminColumn.Int4("pkt_avail"), AdminColumn.Int4("send_avail"),
    ];

    public override async Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        IPEndPoint? local = scope.LocalEndPoint;
        IEnumerable<ClientView> clients = await scope.ClientsAsync(cancellationToken).ConfigureAwait(false);
        IEnumerable<ServerView> servers = await scope.ServersAsync(cancellationToken).ConfigureAwait(false);
        if (isActiveOnly)
        {
            clients = clients.Where(static client => client.ServerPid != 0 || client.State == SessionState.Waiting || client.DelayedBy is not null || client.QueuedBytes > 0);
            servers = servers.Where(static server => server.Activity != ServerActivity.Idle || server.QueuedBytes > 0);
        }
        return new AdminAnswer(
        [
            .. clients.Select(client => Row(SocketColumns.Of(client, local), "cl_", client.QueuedBytes)),
            .. servers.Select(static server => Row(SocketColumns.Of(server), "sv_", server.QueuedBytes)),
        ]);
    }

    private static object?[] Row(object?[] socket, string side, int queuedBytes)
    {
        socket[SocketColumns.StateAt] = side + socket[SocketColumns.StateAt];
        return [.. socket, 0, 0, 0, 0, queuedBytes, 0, 0];
    }
}
