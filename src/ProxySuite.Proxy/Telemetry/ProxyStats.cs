namespace ProxySuite.Proxy.Telemetry;

/// <summary>What became of a CancelRequest.</summary>
public enum CancelResult : byte
{
    /// <summary>The key fits no client.</summary>
    Unknown,

    /// <summary>The client held no server connection: nothing to cancel.</summary>
    Idle,

    /// <summary>Passed on to the server that works for the client.</summary>
    Sent,

    /// <summary>Could not be passed on.</summary>
    Failed,
}

/// <summary>Why a client got no session.</summary>
public enum RefusalReason : byte
{
    /// <summary>Limits:MaxClients is reached.</summary>
    TooManyClients,

    /// <summary>Unknown tenant or user, or wrong password.</summary>
    Authentication,

    /// <summary>Host rules, or the tenant is suspended.</summary>
    NotAllowed,

    /// <summary>No start-up packet, or a broken one.</summary>
    Protocol,

    /// <summary>Auth:LoginTimeout ran out.</summary>
    Timeout,

    /// <summary>The proxy drains.</summary>
    ShuttingDown,

    /// <summary>Registry or shard not available.</summary>
    Unavailable,

    /// <summary>Too many logins of one tenant from one address wait after failures: refused without a look at the proof.</summary>
    TooManyFailures,

    /// <summary>The tenant's limit of client connections is reached.</summary>
    TenantClients,

    /// <summary>Limits:MaxClientsPerAddress is reached.</summary>
    AddressClients,

    /// <summary>The tenant's limit of new client connections a second.</summary>
    ConnectionRate,
}

/// <summary>Numbers of the whole proxy. They count events that happen once a connection or more rarely, on any thread, so they are atomic.</summary>
public sealed class ProxyStats
{
    private readonly long[] _cancels = new long[Enum.GetValues<CancelResult>().Length];
    private readonly long[] _refusals = new long[Enum.GetValues<RefusalReason>().Length];
    private long _accepted;
    private long _clients;
    private long _loginsDelayed;
    private long _leaseFailures;
    private int _leasesUp = -1;
    private int _proxiesAlive = 1;

    /// <summary>Client connections open now, those before authentication included.</summary>
    public long Clients => Volatile.Read(ref _clients);

    /// <summary>Client connections accepted so far.</summary>
    public long Accepted => Volatile.Read(ref _accepted);

    /// <summary>Logins that had to wait because of failures before them.</summary>
    public long LoginsDelayed => Volatile.Read(ref _loginsDelayed);

    /// <summary>Whether limits were last shared between proxies through Redis: 1 or 0; −1 where that was never tried.</summary>
    public int LeasesUp => Volatile.Read(ref _leasesUp);

    /// <summary>Proxies that live, this one included, as the registry's heartbeats last said.</summary>
    public int ProxiesAlive
    {
        get => Volatile.Read(ref _proxiesAlive);
        set => Volatile.Write(ref _proxiesAlive, Math.Max(1, value));
    }

    /// <summary>Exchanges of limits with other proxies that failed.</summary>
    public long LeaseFailures => Volatile.Read(ref _leaseFailures);

    /// <summary>An exchange of limits with other proxies is over.</summary>
    public void LeasesExchanged(bool isDone)
    {
        if (!isDone) Interlocked.Increment(ref _leaseFailures);
        Volatile.Write(ref _leasesUp, isDone ? 1 : 0);
    }

    /// <summary>A login has to wait because of failures before it.</summary>
    public void LoginDelayed() => Interlocked.Increment(ref _loginsDelayed);

    public void Count(CancelResult result) => Interlocked.Increment(ref _cancels[(int)result]);

    public void Count(RefusalReason reason) => Interlocked.Increment(ref _refusals[(int)reason]);

    /// <summary>A client connection was accepted.</summary>
    /// <returns>Open client connections, this one included.</returns>
    public long ClientOpened()
    {
        Interlocked.Increment(ref _accepted);
        return Interlocked.Increment(ref _clients);
    }

    /// <summary>A client connection that was counted by <see cref="ClientOpened"/> is gone.</summary>
    public void ClientClosed() => Interlocked.Decrement(ref _clients);

    public long Total(CancelResult result) => Volatile.Read(ref _cancels[(int)result]);

    public long Total(RefusalReason reason) => Volatile.Read(ref _refusals[(int)reason]);
}
