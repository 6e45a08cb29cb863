using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ProxySuite.Proxy.Transport;
using Xunit;

namespace ProxySuite.Proxy.Tests.Transport;

/// <summary>A running reactor that listens, and plain sockets as its peers.</summary>
internal sealed class TransportWorld : IAsyncDisposable
{
    /// <summary>Long enough for any step on a busy machine; a step that takes longer hangs.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<TransportConnection> _accepted = Channel.CreateUnbounded<TransportConnection>();
    private readonly List<Exception> _failures = [];
    private readonly Network _network;

    private TransportWorld(TransportKind kind, Network network)
    {
        _network = network;
        Reactor = ReactorFactory.Create(kind, 0);
        Reactor.FailureHook = e =>
        {
            lock (_failures)
                _failures.Add(e);
        };
    }

    public Reactor Reactor { get; }

    public IListener Listener { get; private set; } = null!;

    public EndPoint EndPoint => Listener.LocalEndPoint;

    /// <summary>Set by a test in which a handler, a timer or posted work throws; else such a failure fails the test.</summary>
    public bool ExpectsFailures { get; set; }

    /// <summary>What reached the reactor's failure hook.</summary>
    public Exception[] Failures
    {
        get
        {
            lock (_failures)
                return [.. _failures];
        }
    }

    public static TransportWorld Start(TransportKind kind, Network network, ListenOptions? options = null)
    {
        var world = new TransportWorld(kind, network);
        world.Listener = world.Reactor.Listen(NewEndPoint(network), options ?? new ListenOptions(), c => world._accepted.Writer.TryWrite(c));
        world.Reactor.Start();
        return world;
    }

    /// <summary>An address that nobody uses: a port to be picked, or a path in the temporary folder.</summary>
    public static EndPoint NewEndPoint(Network network) => network == Network.Tcp
        ? new IPEndPoint(IPAddress.Loopback, 0)
        : new UnixDomainSocketEndPoint(Path.Combine(Path.GetTempPath(), $"pst-{Guid.NewGuid():N}"));

    /// <summary>A plain socket of the world's network.</summary>
    public Socket NewSocket() => _network == Network.Tcp
        ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
        : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>Connects a plain socket; both ends of the connection.</summary>
    public async Task<(Socket Peer, TransportConnection Connection)> ConnectAsync(Action<Socket>? prepare = null)
    {
        Socket peer = NewSocket();
        prepare?.Invoke(peer);
        await peer.ConnectAsync(EndPoint);
        return (peer, await AcceptedAsync());
    }

    /// <summary>Connects a plain socket whose bytes go to a handler.</summary>
    public async Task<(Socket Peer, TransportConnection Connection)> ConnectAsync(TestHandler handler, Action<Socket>? prepare = null)
    {
        (Socket peer, TransportConnection connection) = await ConnectAsync(prepare);
        await RunAsync(() => handler.Take(connection));
        return (peer, connection);
    }

    /// <summary>The next connection that was accepted.</summary>
    public async Task<TransportConnection> AcceptedAsync() => await _accepted.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>Runs on the reactor's thread.</summary>
    public Task RunAsync(Action action) => RunAsync(Reactor, action);

    /// <summary>Runs on the reactor's thread.</summary>
    public Task<T> RunAsync<T>(Func<T> function) => RunAsync(Reactor, function);

    public static Task RunAsync(Reactor reactor, Action action) => RunAsync(reactor, () =>
    {
        action();
        return true;
    });

    public static Task<T> RunAsync<T>(Reactor reactor, Func<T> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        reactor.Post(_ =>
        {
            try
            {
                done.SetResult(function());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }, null);
        return done.Task.WaitAsync(Patience);
    }

    /// <summary>Runs an async method on the reactor's thread, where its awaits come back to.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> method) => await (await RunAsync<Task<T>>(Reactor, method)).WaitAsync(Patience);

    /// <inheritdoc cref="RunAsync{T}(Func{Task{T}})"/>
    public async Task RunAsync(Func<Task> method) => await (await RunAsync<Task>(Reactor, method)).WaitAsync(Patience);

    /// <summary>Waits for something that the reactor brings about.</summary>
    public async Task UntilAsync(Func<bool> holdsOnReactor, string what)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!await RunAsync(holdsOnReactor))
        {
            Assert.True(Environment.TickCount64 < deadline, $"waited in vain for: {what}");
            await Task.Delay(2);
        }
    }

    /// <summary>Makes the peer's end a reset: over TCP by closing without lingering, over a Unix socket by closing with a byte unread.</summary>
    public async Task ResetAsync(Socket peer, TransportConnection connection)
    {
        if (_network == Network.Tcp)
            peer.LingerState = new LingerOption(true, 0);
        else
            await RunAsync(() => connection.Send([0]));
        peer.Close();
    }

    public async ValueTask DisposeAsync()
    {
        await Reactor.DisposeAsync();
        if (!ExpectsFailures)
            Assert.Empty(Failures);
        Assert.Equal(0, Reactor.Counters.Open);
    }
}
