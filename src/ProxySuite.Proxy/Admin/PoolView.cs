using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Admin;

/// <summary>A tenant's pool as its reactor saw it, or its pools as their reactors did.</summary>
/// <param name="IsRetiring">The tenant has another one now; this one waits for what it has lent.</param>
internal sealed record PoolView(bool IsRetiring, PoolConfig Config, TenantEntry Entry, PoolCounts Counts, int Lent, int Leased, int Budget, int Clients, long OldestWait, WaitReason WaitsFor, bool IsPaused, bool IsSealed)
{
    public string Tenant => Config.Tenant;

    public static List<PoolView> Of(FrontendContext context)
    {
        var views = new List<PoolView>(context.Router.Pools.Count);
        foreach (TenantPool pool in context.Router.Pools.Values) Add(pool, isRetiring: false);
        foreach (TenantPool pool in context.Router.Retiring) Add(pool, isRetiring: true);
        return views;

        void Add(TenantPool pool, bool isRetiring)
        {
            views.Add(new PoolView(
                isRetiring, pool.Config, (TenantEntry)pool.Source!, pool.Counts, pool.Lent, pool.Budget.Leased, pool.Config.Connections, pool.Clients, pool.OldestWait, pool.WaitsFor, pool.IsPaused,
                pool is SealedTenantPool));
        }
    }

    /// <summary>Several reactors' pools of one tenant as one; its budget is theirs together, so that each has the whole of it.</summary>
    public static PoolView Together(IEnumerable<PoolView> pools)
    {
        PoolView[] all = [.. pools];
        if (all.Length == 1) return all[0];
        PoolView longest = all.Where(static pool => pool.OldestWait > 0).MinBy(static pool => pool.OldestWait) ?? all[0];
        return all[0] with
        {
            Counts = new PoolCounts(all.Sum(static pool => pool.Counts.Idle), all.Sum(static pool => pool.Counts.Linked), all.Sum(static pool => pool.Counts.Opening), all.Sum(static pool => pool.Counts.Waiting)),
            Lent = all.Sum(static pool => pool.Lent),
            Leased = all.Sum(static pool => pool.Leased),
            Budget = all.Max(static pool => pool.Budget),
            Clients = all.Sum(static pool => pool.Clients),
            OldestWait = longest.OldestWait,
            WaitsFor = longest.WaitsFor,
            IsPaused = all.Any(static pool => pool.IsPaused),
        };
    }
}

/// <summary>A client session as its reactor saw it. Times are Stopwatch ticks; 0 for none.</summary>
internal readonly record struct ClientView(
    int Id, string Tenant, string Shard, string User, int Role, System.Net.EndPoint Address, SessionState State, bool IsAsking, bool IsInTransaction, uint Pins, long ConnectedAt,
    long RequestAt, long WaitAt, LimitKind? DelayedBy, long DelayAt, int ServerPid, string Application, bool IsEncrypted, int QueuedBytes)
{
    /// <summary>What it does, in a word or two.</summary>
    public string Activity => State switch
    {
        _ when DelayedBy is not null => "delayed",
        SessionState.Waiting => "waiting",
        SessionState.Linked when IsAsking => "active",
        SessionState.Linked when IsInTransaction => "idle in transaction",
        SessionState.Linked => "pinned",
        _ => "idle",
    };

    public static List<ClientView> Of(FrontendContext context)
    {
        IReadOnlyCollection<ClientSession> sessions = context.Sessions.All;
        var views = new List<ClientView>(sessions.Count);
        foreach (ClientSession session in sessions)
        {
            uint pins = 0;
            for (int reason = 0; reason < TenantStats.PinReasons; reason++)
            {
                if (session.IsPinned((PinReason)reason)) pins |= 1u << reason;
            }
            views.Add(new ClientView(
                session.ProcessId, session.Pool.Config.Tenant, session.Pool.Config.Shard, session.User, session.Role, session.RemoteEndPoint, session.State, session.IsAsking,
                session.IsInTransaction, pins, session.ConnectedAt, session.RequestStarted, session.WaitStarted, session.DelayedBy, session.DelayStarted, session.Server?.CancelKey.ProcessId ?? 0, session.ApplicationName,
                session.IsEncrypted, session.QueuedBytes));
        }
        return views;
    }
}

/// <summary>What a server connection does, in PgBouncer's words.</summary>
internal enum ServerActivity : byte
{
    Active,
    Idle,
    Tested,         // a reset is under way
    ActiveCancel,   // lent, and a cancel for it is on its way
    BeingCanceled,  // given back, and held until a cancel is over
    Closing,        // no longer used; it has not hung up yet
}

/// <summary>A server connection as its reactor saw it. Times are Stopwatch ticks.</summary>
internal readonly record struct ServerView(
    string? Tenant, string Shard, int Role, System.Net.EndPoint Address, ServerActivity Activity, bool IsOutdated, int Pid, long ConnectedAt, long UsedAt, int ClientId, bool IsEncrypted, int QueuedBytes)
{
    public static List<ServerView> Of(FrontendContext context)
    {
        var views = new List<ServerView>();
        long nowTicks = context.Reactor.NowTicks, nowMilliseconds = context.Reactor.NowMilliseconds;
        foreach (TenantPool pool in context.Router.Pools.Values.Concat(context.Router.Retiring))
        {
            foreach (Backend.ServerConnection server in pool.Servers) views.Add(View(server, pool.Config.Tenant, pool.Config.Shard, pool.IsOutdated(server)));
        }
        foreach (SharedServers shared in context.Router.Shared.Values)
        {
            foreach ((Backend.ServerConnection server, string? tenant) in shared.Servers) views.Add(View(server, tenant, shared.ShardName, shared.IsOutdated(server)));
        }
        return views;

        ServerView View(Backend.ServerConnection server, string? tenant, string shard, bool isOutdated)
        {
            ServerActivity activity = server.IsClosed ? ServerActivity.Closing
                : server.IsParked ? ServerActivity.BeingCanceled
                : server.IsResetting ? ServerActivity.Tested
                : server.User is null ? ServerActivity.Idle
                : server.CancelsUnderWay > 0 ? ServerActivity.ActiveCancel : ServerActivity.Active;
            return new ServerView(tenant, shard, server.RoleIndex, server.RemoteEndPoint, activity, isOutdated, server.CancelKey.ProcessId, Ticks(server.OpenedAt), Ticks(server.LastUsedAt),
                (server.User as ClientSession)?.ProcessId ?? 0, server.CancelTls is not (TlsMode.Disable or TlsMode.Prefer), server.QueuedBytes);
        }

        long Ticks(long milliseconds) => nowTicks - ((nowMilliseconds - milliseconds) * System.Diagnostics.Stopwatch.Frequency / 1000);
    }
}
