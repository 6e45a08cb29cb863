using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Options;

/// <summary>Which idle server connection is lent first.</summary>
public enum ServerChoice : byte
{
    /// <summary>The most recently used: warm caches, and spare connections age out.</summary>
    Lifo,

    /// <summary>Each in turn, so that no state survives by luck; tests use it.</summary>
    RoundRobin,
}

/// <summary>When a server connection is reset before its next client.</summary>
public enum ServerReset : byte
{
    /// <summary>When the last client left state behind.</summary>
    Dirty,

    /// <summary>After every checkout.</summary>
    Always,
}

/// <summary>Section <c>Pool</c>: server connections and the queue for them. Plans and tenants override some of it in the registry.</summary>
public sealed record PoolOptions
{
    /// <summary>For how long a client holds a server connection, where the plan does not say.</summary>
    /// <value>transaction, session or statement; default transaction. Reloadable, for clients that connect afterwards.</value>
    public PoolMode Mode { get; init; } = PoolMode.Transaction;

    /// <summary>Which idle server connection is lent first.</summary>
    /// <value>lifo or round-robin; default lifo. Reloadable.</value>
    public ServerChoice ServerChoice { get; init; } = ServerChoice.Lifo;

    /// <summary>Longest time a query waits for a server connection before it is refused with 53300.</summary>
    /// <value>10 ms to 1 h; default 10 s. Reloadable, for waits that start afterwards.</value>
    public TimeSpan QueryWaitTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Queries of one tenant that may wait at a time; the next one is refused with 53300 at once.</summary>
    /// <value>1 to 100000; default 1000. Reloadable. Not 0: whoever finds no server open waits until one is, the first login of a tenant too, so nobody would ever be served.</value>
    public int MaxWaiters { get; init; } = 1000;

    /// <summary>A client whose query waits for a server connection for this long is sent a NOTICE that says so.</summary>
    /// <value>10 ms to 1 h, or 0 for never; default 2 s. Reloadable, for waits that start afterwards.</value>
    public TimeSpan QueueNoticeAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A client that keeps its server for session state and is idle for longer is ended with 57P05, where the plan does not say otherwise.</summary>
    /// <value>1 s to 7 d, or 0 for never; default 10 min. Reloadable, for tenants that are looked up afterwards.</value>
    public TimeSpan PinnedIdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A server connection idle for longer is closed.</summary>
    /// <value>1 s to 7 d, or 0 for never; default 10 min. Reloadable.</value>
    public TimeSpan ServerIdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A server connection older than this is closed when it comes back to the pool.</summary>
    /// <value>1 s to 7 d, or 0 for never; default 1 h. Reloadable.</value>
    public TimeSpan ServerLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A server connection that has served as many tenants is closed when it comes back; for tenants with identity sealed, who share connections.</summary>
    /// <value>1 to 100000, or 0 for any number; default 500. Reloadable.</value>
    public int ServerTenantsMax { get; init; } = 500;

    /// <summary>Longest time from connect to the server's first ReadyForQuery.</summary>
    /// <value>100 ms to 10 min; default 5 s. Reloadable, for connections opened afterwards.</value>
    public TimeSpan ServerConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>While tenants wait for a connection to their shard, one that has served a tenant for as long goes to another that has had less for its weight.</summary>
    /// <value>10 ms to 1 min; default 500 ms. Reloadable. Shorter shares more evenly, longer logs in less often.</value>
    public TimeSpan ShareQuantum { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>A tenant is served by one reactor for each so many of its server connections, where there are several reactors; by one alone with less than twice as many.</summary>
    /// <value>1 to 100000, or 0 for always one; default 10. Reloadable, for clients that log in afterwards.</value>
    public int SpreadFrom { get; init; } = 10;

    /// <summary>Server connections that are opened to one shard at a time.</summary>
    /// <value>1 to 1000; default 20. Reloadable.</value>
    public int OpeningsMax { get; init; } = 20;

    /// <summary>Server connections that are opened to one shard in a second; what one second leaves, the next may use.</summary>
    /// <value>1 to 10000; default 200. Reloadable.</value>
    public int OpeningsPerSecond { get; init; } = 200;

    /// <summary>When a server connection gets DISCARD ALL before its next client.</summary>
    /// <value>dirty or always; default dirty. Reloadable.</value>
    public ServerReset ServerReset { get; init; } = ServerReset.Dirty;

    /// <summary>Longest time a cancelled query, or the clean-up after a lost client, may keep its server connection before that is closed.</summary>
    /// <value>100 ms to 10 min; default 5 s. Reloadable.</value>
    public TimeSpan CancelTimeout { get; init; } = TimeSpan.FromSeconds(5);

    internal static PoolOptions Read(SectionReader section)
    {
        var defaults = new PoolOptions();
        TimeSpan shortest = TimeSpan.FromMilliseconds(100), second = TimeSpan.FromSeconds(1);
        TimeSpan tenMinutes = TimeSpan.FromMinutes(10), week = TimeSpan.FromDays(7);
        return new()
        {
            Mode = section.OneOf(nameof(Mode), defaults.Mode, Reload.Live),
            ServerChoice = section.OneOf(nameof(ServerChoice), defaults.ServerChoice, Reload.Live),
            QueryWaitTimeout = section.Duration(nameof(QueryWaitTimeout), defaults.QueryWaitTimeout,
                TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1), Reload.Live),
            MaxWaiters = section.Integer(nameof(MaxWaiters), defaults.MaxWaiters, 1, 100_000, Reload.Live),
            QueueNoticeAfter = section.DurationOrOff(nameof(QueueNoticeAfter), defaults.QueueNoticeAfter, TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1), Reload.Live),
            PinnedIdleTimeout = section.DurationOrOff(nameof(PinnedIdleTimeout), defaults.PinnedIdleTimeout, second, week, Reload.Live),
            ServerIdleTimeout = section.DurationOrOff(nameof(ServerIdleTimeout), defaults.ServerIdleTimeout, second, week, Reload.Live),
            ServerLifetime = section.DurationOrOff(nameof(ServerLifetime), defaults.ServerLifetime, second, week, Reload.Live),
            ServerTenantsMax = section.Integer(nameof(ServerTenantsMax), defaults.ServerTenantsMax, 0, 100_000, Reload.Live),
            ServerConnectTimeout = section.Duration(nameof(ServerConnectTimeout), defaults.ServerConnectTimeout, shortest, tenMinutes, Reload.Live),
            ShareQuantum = section.Duration(nameof(ShareQuantum), defaults.ShareQuantum, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1), Reload.Live),
            SpreadFrom = section.Integer(nameof(SpreadFrom), defaults.SpreadFrom, 0, 100_000, Reload.Live),
            OpeningsMax = section.Integer(nameof(OpeningsMax), defaults.OpeningsMax, 1, 1000, Reload.Live),
            OpeningsPerSecond = section.Integer(nameof(OpeningsPerSecond), defaults.OpeningsPerSecond, 1, 10_000, Reload.Live),
            ServerReset = section.OneOf(nameof(ServerReset), defaults.ServerReset, Reload.Live),
            CancelTimeout = section.Duration(nameof(CancelTimeout), defaults.CancelTimeout, shortest, tenMinutes, Reload.Live),
        };
    }
}
