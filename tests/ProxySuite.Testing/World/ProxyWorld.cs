using System.Collections.Frozen;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Limits;
using ProxySuite.Proxy.Listening;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Pooling;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Testing.World;

/// <summary>
/// A whole proxy in the test's process: real reactors and sockets, a registry in memory, and as its shard a backend that the test plays message by
/// message, or a real server.
/// </summary>
public sealed class ProxyWorld : IAsyncDisposable
{
    public const string Password = "secret";

    private static readonly ScramVerifier Verifier = ScramVerifier.Create(Password);

    private readonly ProxyServer _server;

    private ProxyWorld(ScriptedBackend? backend, Shard shard, ProxyOptions options)
    {
        ScriptedBackend = backend;
        Shard = shard;
        Options = new CurrentOptions(options);
        MasterKey = MasterKey.FromBytes("0123456789abcdef0123456789abcdef"u8);
        _server = new ProxyServer(Options, new TenantDirectory(Registry), Registry, MasterKey, Stats, LoggerFactory);
    }

    public static ILoggerFactory LoggerFactory { get; set; } = NullLoggerFactory.Instance;

    public MasterKey MasterKey { get; }

    public MemoryRegistry Registry { get; } = new();

    public StatsRegistry Stats { get; } = new();

    public CurrentOptions Options { get; }

    public Shard Shard { get; }

    public IProxyServer Server => _server;

    private ScriptedBackend? ScriptedBackend { get; }

    /// <summary>The backend that the test plays.</summary>
    public ScriptedBackend Backend => ScriptedBackend ?? throw new InvalidOperationException("this world stands on a real server");

    public int Port => ((IPEndPoint)_server.EndPoints[0]).Port;

    /// <summary>Options for tests: any port, one reactor, each idle server in turn so that nothing survives by luck.</summary>
    public static ProxyOptions Defaults { get; } = new()
    {
        Listen = new ListeningOptions { Port = 0 },
        Reactors = new ReactorsOptions { Count = 1 },
        // No notice to those who wait: on a busy machine it would come into any test's answers.
        Pool = new PoolOptions { ServerChoice = ServerChoice.RoundRobin, QueueNoticeAfter = TimeSpan.Zero },
    };

    /// <summary>A world with a scripted backend and the tenants "acme" and "globex".</summary>
    /// <param name="connections">Budget of each tenant.</param>
    /// <param name="configure">Changes the options.</param>
    /// <param name="backend">How the backend is to be.</param>
    /// <param name="mode">Pool mode of the tenants' plan.</param>
    public static async Task<ProxyWorld> StartAsync(
        int connections = 1, Func<ProxyOptions, ProxyOptions>? configure = null, ScriptedBackendOptions? backend = null, Tenancy.Model.PoolMode? mode = null, int shardConnections = 200)
    {
        ScriptedBackend scripted = ScriptedBackend.Start(backend);
        var shard = new Shard
        {
            Id = new ShardId(1),
            Name = "one",
            Primary = [new ShardEndpoint("127.0.0.1", scripted.Port)],
            Database = "app",
            ConnectionsMax = shardConnections,
            Tls = TlsMode.Disable,
        };
        var world = new ProxyWorld(scripted, shard, (configure ?? (options => options))(Defaults));
        world.AddTenant("acme", connections, mode);
        world.AddTenant("globex", connections, mode);
        await world._server.StartAsync(CancellationToken.None);
        return world;
    }

    /// <summary>A world on a real server; its tenants and their roles are the caller's business.</summary>
    public static async Task<ProxyWorld> OnServerAsync(Shard shard, Func<ProxyOptions, ProxyOptions>? configure = null)
    {
        var world = new ProxyWorld(null, shard, (configure ?? (options => options))(Defaults));
        await world._server.StartAsync(CancellationToken.None);
        return world;
    }

    /// <summary>Writes a tenant with the users app, owner and readonly, all with <see cref="Password"/>.</summary>
    public TenantEntry AddTenant(string slug, int connections, Tenancy.Model.PoolMode? mode = null, IsolationModel isolation = IsolationModel.Schema)
    {
        TenantId id = TenantId.New();
        var tenant = new Tenant
        {
            Id = id,
            Slug = TenantSlug.Parse(slug),
            Plan = new Plan { Name = "test", StatementTimeout = TimeSpan.FromSeconds(30), WorkMemBytes = 16 << 20, Connections = connections, PoolMode = mode },
            Placement = new Placement(Shard.Id, 1, BackendNames.DatabaseFor(id, isolation, Shard.Database), BackendNames.SchemaFor(id, isolation), PlacementState.Active),
            Isolation = isolation,
            Users = Enum.GetValues<UserRole>().ToFrozenDictionary(role => NameOf(role), role => new TenantUser(NameOf(role), role, Verifier)),
        };
        var entry = new TenantEntry(tenant, Shard);
        Registry.Put(entry);
        return entry;
    }

    /// <summary>The password that the proxy uses for a backend role of a tenant.</summary>
    public string BackendPassword(Tenant tenant, UserRole role)
        => new BackendPasswords(MasterKey).PasswordFor(BackendNames.Role(tenant.Id, role), tenant.CredentialsEpoch);

    /// <summary>A client that has logged in.</summary>
    public async Task<RawClient> ConnectAsync(string tenant = "acme", string user = "app", IEnumerable<KeyValuePair<string, string>>? parameters = null)
    {
        RawClient client = await RawClient.ConnectAsync(Port);
        await client.LoginAsync(user, tenant, Password, parameters);
        client.Transcript.Clear();
        return client;
    }

    /// <summary>What the tenant's pool holds, read on its reactor.</summary>
    internal Task<PoolCounts> PoolAsync(string tenant = "acme") => OnPoolAsync(tenant, static pool => pool.Counts);

    /// <summary>Waits until the tenant's pool holds this; the last thing seen is in the failure.</summary>
    internal async Task WaitForPoolAsync(PoolCounts expected, string tenant = "acme")
    {
        PoolCounts seen = default;
        for (int i = 0; i < 2000; i++)
        {
            seen = await PoolAsync(tenant);
            if (seen == expected) return;
            await Task.Delay(10);
        }
        throw new TimeoutException($"the pool of {tenant} holds {seen}, not {expected}");
    }

    /// <summary>Runs something on a tenant's home reactor and waits for it.</summary>
    internal Task RunOnReactorAsync(Action work) => RunOnReactorAsync(() =>
    {
        work();
        return true;
    });

    /// <inheritdoc cref="RunOnReactorAsync(Action)"/>
    internal async Task<T> RunOnReactorAsync<T>(Func<T> work)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _server.Contexts[0].Reactor.Post(_ =>
        {
            try
            {
                answer.SetResult(work());
            }
            catch (Exception failed)
            {
                answer.SetException(failed);
            }
        }, null);
        return await answer.Task;
    }

    /// <summary>Runs a question on the reactor that a tenant's pool lives on.</summary>
    internal async Task<T> OnPoolAsync<T>(string tenant, Func<TenantPool, T> ask)
    {
        TenantId id = Registry[tenant].Tenant.Id;
        foreach (FrontendContext context in _server.Contexts)
        {
            var answer = new TaskCompletionSource<(bool, T?)>(TaskCreationOptions.RunContinuationsAsynchronously);
            context.Reactor.Post(_ =>
            {
                try
                {
                    answer.SetResult(context.Router.Pools.TryGetValue(id, out TenantPool? pool) ? (true, ask(pool)) : (false, default));
                }
                catch (Exception failed)
                {
                    answer.SetException(failed);
                }
            }, null);
            if (await answer.Task is (true, { } found)) return found;
        }
        throw new InvalidOperationException($"no pool of {tenant}");
    }

    /// <summary>Changes a tenant's plan; announced, but not yet in force when this returns.</summary>
    public void ChangePlan(Func<Plan, Plan> change, string tenant = "acme")
    {
        TenantEntry entry = Registry[tenant];
        Registry.Put(entry with { Tenant = entry.Tenant with { Plan = change(entry.Tenant.Plan) } });
    }

    /// <summary>Runs a question on the reactor that a tenant's limits live on.</summary>
    internal async Task<T> OnLimiterAsync<T>(Func<TenantLimiter, T> ask, string tenant = "acme")
        => await TryOnLimiterAsync(ask, tenant) is (true, { } found) ? found : throw new InvalidOperationException($"no limiter of {tenant}");

    private async Task<(bool Exists, T? Answer)> TryOnLimiterAsync<T>(Func<TenantLimiter, T> ask, string tenant)
    {
        TenantId id = Registry[tenant].Tenant.Id;
        foreach (FrontendContext context in _server.Contexts)
        {
            var answer = new TaskCompletionSource<(bool, T?)>(TaskCreationOptions.RunContinuationsAsynchronously);
            context.Reactor.Post(_ => answer.SetResult(context.Limiters.All.TryGetValue(id, out TenantLimiter? limiter) ? (true, ask(limiter)) : (false, default)), null);
            if (await answer.Task is (true, _) found) return found;
        }
        return (false, default);
    }

    /// <summary>Waits until a tenant's limiter is so.</summary>
    internal async Task WaitForLimiterAsync(Func<TenantLimiter, bool> condition, string tenant = "acme")
    {
        for (int i = 0; i < 2000; i++)
        {
            // The first login of a tenant makes its limiter: it may still be on its way.
            if (await TryOnLimiterAsync(condition, tenant) is (true, true)) return;
            await Task.Delay(10);
        }
        throw new TimeoutException($"the limits of {tenant} are not as expected");
    }

    /// <summary>Sets the clock of the tenants' limits forward.</summary>
    internal async Task SkipLimitTimeAsync(TimeSpan time)
    {
        foreach (FrontendContext context in _server.Contexts)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            context.Reactor.Post(_ =>
            {
                context.Limiters.Skip(time);
                done.SetResult();
            }, null);
            await done.Task;
        }
    }

    /// <summary>Runs something on the first session of the first reactor, and waits for it.</summary>
    internal Task<T> OnSessionAsync<T>(Func<ClientSession, T> work) => RunOnReactorAsync(() => work(_server.Contexts[0].Sessions.All.First()));

    /// <summary>Ends all sessions of the first reactor, as an operator would.</summary>
    internal Task EndSessionsAsync() => RunOnReactorAsync(() =>
    {
        foreach (ClientSession session in _server.Contexts[0].Sessions.All.ToList()) session.Kill(Proxy.ProxyErrors.ShuttingDown());
    });

    /// <summary>Addresses that clients are counted under.</summary>
    internal int AddressesCounted => _server.Contexts[0].Addresses.Count;

    /// <summary>Asks the first reactor's router, on its thread.</summary>
    internal async Task<T> AskReactorAsync<T>(Func<Proxy.Routing.Router, T> ask)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        FrontendContext context = _server.Contexts[0];
        context.Reactor.Post(_ => answer.SetResult(ask(context.Router)), null);
        return await answer.Task;
    }

    /// <summary>Asks the tenant's pools on all reactors that have one.</summary>
    internal async Task<IReadOnlyList<T>> OnPoolsAsync<T>(string tenant, Func<TenantPool, T> ask)
    {
        TenantId id = Registry[tenant].Tenant.Id;
        var answers = new List<T>();
        foreach (FrontendContext context in _server.Contexts)
        {
            var answer = new TaskCompletionSource<T[]>(TaskCreationOptions.RunContinuationsAsynchronously);
            context.Reactor.Post(_ => answer.SetResult(context.Router.Pools.TryGetValue(id, out TenantPool? pool) ? [ask(pool)] : []), null);
            answers.AddRange(await answer.Task);
        }
        return answers;
    }

    /// <summary>All pools of all reactors, and all shard budgets, for checks at rest.</summary>
    internal async Task<IReadOnlyList<(PoolCounts Counts, int Leased, int Total, int Clients)>> RestAsync()
    {
        var all = new List<(PoolCounts, int, int, int)>();
        foreach (FrontendContext context in _server.Contexts)
        {
            var answer = new TaskCompletionSource<List<(PoolCounts, int, int, int)>>(TaskCreationOptions.RunContinuationsAsynchronously);
            context.Reactor.Post(_ => answer.SetResult([.. context.Router.Pools.Values.Select(pool => (pool.Counts, pool.Budget.Leased, pool.Budget.Total, pool.Clients))]), null);
            all.AddRange(await answer.Task);
        }
        return all;
    }

    /// <summary>
    /// Waits until nothing is lent, opened or waited for, and each server connection left holds one permit of its tenant and one of its shard.
    /// </summary>
    internal async Task WaitForRestAsync()
    {
        string seen = "";
        for (int i = 0; i < 1000; i++)
        {
            IReadOnlyList<(PoolCounts Counts, int Leased, int Total, int Clients)> pools = await RestAsync();
            int leased = ShardPermitsLeased;
            if (pools.All(pool => pool.Counts == new PoolCounts(pool.Leased, 0)) && pools.Sum(pool => pool.Leased) == leased) return;
            seen = $"{string.Join("; ", pools)}; shard permits {leased}";
            await Task.Delay(10);
        }
        throw new TimeoutException($"not at rest: {seen}");
    }

    /// <summary>Most server connections now, over all shards.</summary>
    internal int ShardLimit => _server.Shards.All.Sum(static shard => shard.Value.MostNow);

    /// <summary>Permits out on all shards.</summary>
    internal int ShardPermitsLeased => _server.Shards.All.Sum(shard => shard.Value.Leased);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        if (ScriptedBackend is not null) await ScriptedBackend.DisposeAsync();
    }

    private static string NameOf(UserRole role) => role.ToString().ToLowerInvariant();
}
