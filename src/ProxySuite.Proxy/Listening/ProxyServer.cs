using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ProxySuite.Proxy.Admin;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Routing;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Proxy.Transport;
using ProxySuite.Proxy.Transport.Tls;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Proxy.Listening;

/// <summary>The data plane: reactors, what they share, the listening sockets, and their end.</summary>
public sealed class ProxyServer : IProxyServer, IAsyncDisposable
{
    private readonly CurrentOptions _options;
    private readonly TenantDirectory _tenants;
    private readonly IInvalidationSource _invalidations;
    private readonly StatsRegistry _stats;
    private readonly ILogger _logger;
    private readonly ShardBudgets _shards;
    private readonly Reactor[] _reactors;
    private readonly FrontendContext[] _contexts;
    private readonly ClientTls _tls;
    private readonly ServerTls _serverTls;
    private readonly Handshake _handshake;
    private readonly AdminConsole _console;
    private readonly List<IListener> _listeners = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly ShardAudits? _audits;
    private readonly RateLeases? _leases;
    private Task _directoryRun = Task.CompletedTask;
    private Task _auditRun = Task.CompletedTask;
    private Task _protectionRun = Task.CompletedTask;
    private Task _consoleRun = Task.CompletedTask;
    private Task _leaseRun = Task.CompletedTask;
    private volatile ServerPhase _phase = ServerPhase.Starting;

    /// <param name="options">Options in force.</param>
    /// <param name="tenants">The tenants, cached; run by this server.</param>
    /// <param name="invalidations">Where changes of tenants are announced.</param>
    /// <param name="masterKey">What the backend roles' passwords are derived from.</param>
    /// <param name="stats">Where statistics are kept.</param>
    /// <param name="loggers">Makes the loggers.</param>
    /// <param name="audits">Has shards audit themselves, run by this server; null for none.</param>
    /// <param name="host">The process around, for the admin console; null for none.</param>
    /// <param name="board">Where proxies tell each other what tenants use; null for none.</param>
    public ProxyServer(
        CurrentOptions options, TenantDirectory tenants, IInvalidationSource invalidations, MasterKey masterKey, StatsRegistry stats, ILoggerFactory loggers,
        ShardAudits? audits = null, IAdminHost? host = null, IRateBoard? board = null)
    {
        _options = options;
        _tenants = tenants;
        _invalidations = invalidations;
        _stats = stats;
        _shards = new ShardBudgets(options, stats);
        _audits = audits;
        _logger = loggers.CreateLogger<ProxyServer>();
        ProxyOptions current = options.Value;
        int count = Math.Min(current.Reactors.Resolved, SessionTable.ReactorsMax);
        _reactors = [.. Enumerable.Range(0, count).Select(index => ReactorFactory.Create(current.Transport.Kind, index, current.Reactors.Wakeups))];
        _serverTls = new ServerTls(options, loggers.CreateLogger<ServerTls>());
        var opener = new ServerOpener(_serverTls, loggers.CreateLogger<ServerOpener>());
        var canceller = new Canceller(_serverTls, loggers.CreateLogger<Canceller>());
        var configs = new PoolConfigs(new BackendPasswords(masterKey), new TenantSettings(current.Settings.TenantIdSetting), shard => SealKey.Of(masterKey, shard, shard.SealKid));
        _leases = board is null ? null : new RateLeases(board, stats.Proxy, System.Diagnostics.Stopwatch.GetTimestamp);
        var addresses = new AddressCounts();
        var limiters = new LimiterGroups();
        ILogger sessions = loggers.CreateLogger<Handshake>();
        _contexts = [.. _reactors.Select(reactor =>
        {
            var table = new LimiterTable(reactor, options, stats, limiters, _leases);
            var router = new Router(reactor, options, opener, _shards, Places, configs, stats, tenants, table);
            return new FrontendContext(reactor, router, canceller, options, stats, table, addresses, sessions);
        })];
        _tls = new ClientTls(options, loggers.CreateLogger<ClientTls>());
        var authenticator = new Authenticator(options, tenants, masterKey, TimeProvider.System, stats.Proxy, sessions) { RefusesShard = shard => audits?.Refuses(shard) == true };
        _console = new AdminConsole(new AdminScope
        {
            Contexts = _contexts, Shards = _shards, Options = options, Stats = stats, Rates = new TenantRates(stats, TimeProvider.System), Tenants = tenants, EndPoints = () => EndPoints,
            Host = host, ConsoleClients = () => _console!.Count, Logger = loggers.CreateLogger<AdminConsole>(),
        });
        _handshake = new Handshake(_contexts, authenticator, _tls, options) { Console = _console };
        foreach (Reactor reactor in _reactors) reactor.FailureHook = exception => _logger.HandlerFailed(exception, reactor.Index);
        tenants.Changed += OnTenantChanged;
    }

    /// <inheritdoc/>
    public IReadOnlyList<EndPoint> EndPoints => [.. _listeners.Select(listener => listener.LocalEndPoint).Distinct()];

    /// <inheritdoc/>
    public ServerHealth Health => new(_phase, _tenants.IsRegistryUp, _tenants.Count > 0, _stats.Proxy.Clients);

    /// <inheritdoc/>
    public IReadOnlyList<ReactorCounters> Reactors => _phase == ServerPhase.Starting ? [] : [.. _reactors.Select(reactor => reactor.Counters)];

    /// <summary>Server connections of all pools and permits of all shards; for tests, which compare them at rest.</summary>
    internal IReadOnlyList<FrontendContext> Contexts => _contexts;

    /// <inheritdoc cref="Contexts"/>
    internal ShardBudgets Shards => _shards;

    /// <inheritdoc cref="Contexts"/>
    internal TenantPlacesTable Places { get; } = new();

    /// <inheritdoc/>
    public Task PingReactorsAsync(CancellationToken cancellationToken)
        => Task.WhenAll(_contexts.Select(context => OnReactorAsync(context, static _ => { }))).WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (Reactor reactor in _reactors) reactor.Start();
        foreach (FrontendContext context in _contexts) context.Reactor.Post(static state => ((FrontendContext)state!).StartIdleSweep(), context);
        _directoryRun = _tenants.RunAsync(_invalidations, _stopping.Token);
        if (_leases is not null) _leaseRun = Task.Run(() => _leases.RunAsync(_stopping.Token), CancellationToken.None);
        _protectionRun = Task.Run(() => new ShardProtections(_shards, _stats, _options, _logger).RunAsync(_stopping.Token), CancellationToken.None);
        if (_audits is not null) _auditRun = Task.Run(() => _audits.RunAsync(_stopping.Token), CancellationToken.None);
        _consoleRun = _console.RunAsync(_stopping.Token);
        Listen(_options.Value);
        _phase = ServerPhase.Accepting;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task DrainAsync(TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (_phase != ServerPhase.Accepting) return;
        _phase = ServerPhase.Draining;
        _handshake.StartDraining();
        foreach (IListener listener in _listeners) listener.Dispose();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(deadline);
        try
        {
            // Sessions become idle one by one; each round ends those that are.
            // Those of the console may watch to the end.
            while (_stats.Proxy.Clients > _console.Count)
            {
                foreach (FrontendContext context in _contexts) context.Reactor.Post(static state => EndIdle((FrontendContext)state!), context);
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The deadline: what is left is closed by StopAsync.
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_phase == ServerPhase.Stopped) return;
        _phase = ServerPhase.Stopped;
        _handshake.StartDraining();
        foreach (IListener listener in _listeners) listener.Dispose();
        _console.EndAll();
        await _stopping.CancelAsync();
        try
        {
            await Task.WhenAll(_contexts.Select(context => OnReactorAsync(context, EndAll))).WaitAsync(TimeSpan.FromSeconds(5), cancellationToken);
        }
        catch (TimeoutException)
        {
            // A reactor that does not answer is ended below all the same.
        }
        foreach (Reactor reactor in _reactors) await reactor.DisposeAsync();
        await _directoryRun.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _leaseRun.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _auditRun.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _protectionRun.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _consoleRun.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _stopping.Dispose();
        _tls.Dispose();
        _serverTls.Dispose();
    }

    private void Listen(ProxyOptions current)
    {
        ListeningOptions listen = current.Listen;
        var settings = new ListenOptions { Backlog = listen.Backlog, SharePort = _reactors.Length > 1, Socket = current.Transport.Sockets() };
        var endPoint = new IPEndPoint(listen.Address, listen.Port);
        foreach (FrontendContext context in _contexts)
        {
            IListener listener = context.Reactor.Listen(endPoint, settings, link => Accept(link, context));
            _listeners.Add(listener);
            // Port 0 picks one; the other reactors share it.
            endPoint = (IPEndPoint)listener.LocalEndPoint;
        }
        if (listen.UnixSocketDirectory.Length == 0) return;
        string path = Path.Combine(listen.UnixSocketDirectory, string.Create(System.Globalization.CultureInfo.InvariantCulture, $".s.PGSQL.{endPoint.Port}"));
        _listeners.Add(_reactors[0].Listen(new UnixDomainSocketEndPoint(path), settings, link => Accept(link, _contexts[0])));
    }

    private void Accept(TransportConnection link, FrontendContext context) => _ = _handshake.RunAsync(link, context);

    private void OnTenantChanged(TenantChange change)
    {
        foreach (FrontendContext context in _contexts)
        {
            context.Reactor.Post(static state =>
            {
                (FrontendContext home, TenantChange news) = ((FrontendContext, TenantChange))state!;
                Take(home, news);
            }, (context, change));
        }
    }

    private static void Take(FrontendContext context, TenantChange change)
    {
        TenantId id = change.Old.Tenant.Id;
        if (change.New is { Tenant.IsActive: true } news)
        {
            context.Router.Update(news);
            context.Limiters.Update(news.Tenant);
            if (change.Old.Tenant.IsActive) return;
            foreach (ClientSession session in SessionsOf(context, id)) session.Stay();
            return;
        }
        if (!context.Router.Pools.ContainsKey(id)) return;
        PgError refusal = ProxyErrors.TenantSuspended() with { SqlState = SqlState.AdminShutdown };
        // By tenant and not by pool: a tenant that has moved has clients on its former pool, too.
        foreach (ClientSession session in SessionsOf(context, id)) session.EndAtBoundary(refusal);
        // Those who are still logging in.
        context.Router.Suspend(id, change.New?.Tenant.Version ?? long.MaxValue, ProxyErrors.TenantSuspended());
    }

    private static List<ClientSession> SessionsOf(FrontendContext context, TenantId id)
        => context.Sessions.All.Where(session => session.Pool.Source is TenantEntry entry && entry.Tenant.Id == id).ToList();

    private static void EndIdle(FrontendContext context)
    {
        foreach (ClientSession session in context.Sessions.All.Where(session => session.IsIdle).ToList()) session.End(ProxyErrors.ShuttingDown());
        // A stream has no end to wait for.
        foreach (ReplicationSession session in context.Replications.ToList()) session.End(ProxyErrors.ShuttingDown());
    }

    private static void EndAll(FrontendContext context)
    {
        foreach (ReplicationSession session in context.Replications.ToList()) session.End(ProxyErrors.ShuttingDown(), atOnce: true);
        foreach (ClientSession session in context.Sessions.All.ToList()) session.End(ProxyErrors.ShuttingDown());
    }

    private static Task OnReactorAsync(FrontendContext context, Action<FrontendContext> work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        context.Reactor.Post(_ =>
        {
            work(context);
            done.TrySetResult();
        }, null);
        return done.Task;
    }
}
