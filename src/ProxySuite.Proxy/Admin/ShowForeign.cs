namespace ProxySuite.Proxy.Admin;

/// <summary>
/// SHOW MEM: the process's memory, in PgBouncer's columns: items of a size in bytes, in use and free. PgBouncer has a row for each of its caches; here objects live on one heap, counted in KiB.
/// </summary>
internal sealed class ShowMemory : ShowCommand
{
    private const int ItemBytes = 1024;

    public override IReadOnlyList<AdminColumn> Columns { get; } =
        [AdminColumn.Text("name"), AdminColumn.Int4("size"), AdminColumn.Int8("used"), AdminColumn.Int8("free"), AdminColumn.Int8("memtotal")];

    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken)
    {
        long live = GC.GetTotalMemory(forceFullCollection: false), committed = Math.Max(live, GC.GetGCMemoryInfo().TotalCommittedBytes);
        return Task.FromResult(new AdminAnswer([Row("heap", live, committed), Row("process", Environment.WorkingSet, Environment.WorkingSet)]));
    }

    // Wider than PgBouncer's int4: a cache of its stays below 2 GiB, a heap need not.
    internal static object?[] Row(string name, long used, long total) => [name, ItemBytes, used / ItemBytes, (total - used) / ItemBytes, total];
}

/// <summary>What PgBouncer has and this proxy has none of, as an empty table with PgBouncer's columns, so that tools that ask for everything go on.</summary>
/// <param name="columns">The columns.</param>
internal sealed class ShowNone(params AdminColumn[] columns) : ShowCommand
{
    /// <summary>SHOW FDS: what a PgBouncer hands to its successor, passwords among it.</summary>
    public static ShowNone Descriptors => new(
        AdminColumn.Int4("fd"), AdminColumn.Text("task"), AdminColumn.Text("user"), AdminColumn.Text("database"), AdminColumn.Text("addr"), AdminColumn.Int4("port"), AdminColumn.Int8("cancel"),
        AdminColumn.Int4("link"), AdminColumn.Text("client_encoding"), AdminColumn.Text("std_strings"), AdminColumn.Text("datestyle"), AdminColumn.Text("timezone"), AdminColumn.Text("password"),
        new AdminColumn("scram_client_key", AdminType.Bytea), new AdminColumn("scram_server_key", AdminType.Bytea));

    /// <summary>SHOW DNS_HOSTS: names are looked up when a connection is opened, and not kept.</summary>
    public static ShowNone DnsHosts => new(AdminColumn.Text("hostname"), AdminColumn.Int8("ttl"), AdminColumn.Text("addrs"));

    /// <summary>SHOW DNS_ZONES.</summary>
    public static ShowNone DnsZones => new(AdminColumn.Text("zonename"), AdminColumn.Int8("serial"), AdminColumn.Int4("count"));

    /// <summary>SHOW PEERS (PgBouncer 1.19 and later): cancel requests find their proxy in other ways.</summary>
    public static ShowNone Peers => new(AdminColumn.Int4("peer_id"), AdminColumn.Text("host"), AdminColumn.Int4("port"), AdminColumn.Int4("pool_size"));

    /// <summary>SHOW PEER_POOLS (likewise).</summary>
    public static ShowNone PeerPools => new(
        AdminColumn.Int4("peer_id"), AdminColumn.Int4("cl_active_cancel_req"), AdminColumn.Int4("cl_waiting_cancel_req"), AdminColumn.Int4("sv_active_cancel"), AdminColumn.Int4("sv_login"));

    public override IReadOnlyList<AdminColumn> Columns => columns;

    public override Task<AdminAnswer> RunAsync(AdminScope scope, CancellationToken cancellationToken) => Task.FromResult(AdminAnswer.Done);
}
