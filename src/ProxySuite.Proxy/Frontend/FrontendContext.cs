using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Routing;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Proxy.Frontend;

/// <summary>What the client sessions of one reactor share; touched by its thread alone unless said otherwise.</summary>
internal sealed class FrontendContext(Reactor reactor, Router router, Canceller canceller, CurrentOptions options, StatsRegistry stats, LimiterTable limiters, AddressCounts addresses, ILogger logger)
{
    private static readonly TimeSpan IdleSweepInterval = TimeSpan.FromSeconds(1);

    private WheelTimer? _idleSweep;

    public Reactor Reactor { get; } = reactor;

    public Router Router { get; } = router;

    public Canceller Canceller { get; } = canceller;

    public CurrentOptions Options { get; } = options;

    public ProxyStats Stats { get; } = stats.Proxy;

    /// <summary>The limits of the tenants at home here.</summary>
    public LimiterTable Limiters { get; } = limiters;

    /// <summary>Clients by address, of all reactors; any thread.</summary>
    public AddressCounts Addresses { get; } = addresses;

    /// <summary>The registry could not be asked about a tenant. Counted for tenants that have been here: any other name is a client's invention.</summary>
    public void CountRegistryError(string tenant)
    {
        if (stats.Find(tenant, Reactor.Index) is { } known) known.ErrorsRegistry++;
    }

    public ILogger Logger { get; } = logger;

    /// <summary>The sessions of this reactor, by the process id they were given.</summary>
    public SessionTable Sessions { get; } = new(reactor.Index);

    /// <summary>Replication sessions of this reactor.</summary>
    public List<ReplicationSession> Replications { get; } = [];

    /// <summary>Ends sessions that are idle for too long, from now on; looks at none while neither Limits:ClientIdleTimeout nor a plan has a limit.</summary>
    public void StartIdleSweep()
    {
        _idleSweep = new WheelTimer(static context => ((FrontendContext)context!).SweepIdle(), this);
        Reactor.Timers.Arm(_idleSweep, IdleSweepInterval);
    }

    private void SweepIdle()
    {
        Reactor.Timers.Arm(_idleSweep!, IdleSweepInterval);
        Limiters.Sweep();
        TimeSpan limit = Options.Value.Limits.ClientIdleTimeout;
        if (limit == TimeSpan.Zero && !Router.HasIdleLimits) return;
        foreach (ClientSession session in Sessions.All.Where(session => session.IsIdle).ToList())
        {
            TimeSpan own = session.Pool.Config.Limits.ClientIdle ?? limit;
            if (own > TimeSpan.Zero && Reactor.NowMilliseconds - session.LastAnswerAt > (long)own.TotalMilliseconds) session.End(ProxyErrors.ClientIdleTooLong(own));
        }
    }

    /// <summary>Start-up packets of clients that have logged in here.</summary>
    public KnownStartups Startups { get; } = new();

    /// <summary>The deadlines of logins under way.</summary>
    public LoginDeadline.Store Deadlines { get; } = new(reactor.Timers);

    /// <summary>Memory for batches that may have to be sent again.</summary>
    public BatchBuffers Batches { get; } = new();

    /// <summary>Where the end of a login is put together, without a wait in between. Not <see cref="Scratch"/>: what a session has written there last, of whatever tenant, stands there still.</summary>
    public FrameWriter Greeting { get; } = new();

    /// <summary>Where a session puts together what cannot be sent as it came. Whoever uses it clears it first.</summary>
    public FrameWriter Scratch { get; } = new(retainedBytes: 128 * 1024);
}
