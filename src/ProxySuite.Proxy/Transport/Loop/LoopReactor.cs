using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>
/// What every reactor does whatever feeds it. One turn of the loop: wait, deliver events, run posted work, fire timers, run the connections that
/// asked for a turn of their own, close what ended.
/// </summary>
internal abstract class LoopReactor : Reactor
{
    // What runs in answer to a ready connection may make others ready in the same turn; this bounds a chain that never ends.
    private const int ReadyPassesMax = 16;

    // Continuations that run while the loop shuts down may post more; this bounds a chain that never ends.
    private const int ShutdownPassesMax = 64;

    private static readonly long TicksPerMillisecond = Stopwatch.Frequency / 1000;

    private readonly Thread _thread;
    private readonly WorkQueue _work;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<LoopConnection> _ready = new();
    private readonly Queue<LoopConnection> _nextTurn = new();
    private readonly List<LoopConnection> _dead = [];
    private readonly List<LoopConnection> _connections = [];
    private readonly HashSet<IDisposable> _resources = [];
    private readonly Lock _startGate = new();
    private int _threadId;
    private bool _started;
    private bool _stopping;
    private long _nowTicks;

    protected LoopReactor(int index)
    {
        Index = index;
        _work = new WorkQueue(Wake, Report);
        _nowTicks = Stopwatch.GetTimestamp();
        Timers = new TimerWheel(NowMilliseconds, Report);
        Chunks = new ChunkPool(Timers);
        _thread = new Thread(RunLoop) { Name = $"reactor-{index}", IsBackground = true };
    }

    public sealed override int Index { get; }

    public sealed override bool IsCurrent => Environment.CurrentManagedThreadId == _threadId;

    public sealed override long NowMilliseconds => _nowTicks / TicksPerMillisecond;

    public sealed override long NowTicks => _nowTicks;

    public sealed override TimerWheel Timers { get; }

    public sealed override ReactorCounters Counters { get; } = new();

    /// <summary>Where push mode receives into. One for all connections: nothing else uses it while a handler is shown it.</summary>
    public byte[] ReceiveBuffer { get; } = GC.AllocateUninitializedArray<byte>(TransportConnection.ReceiveSize, pinned: true);

    /// <summary>Buffers for bytes that have to stay.</summary>
    public ChunkPool Chunks { get; }

    /// <summary>True from the beginning of the end: nothing new is opened.</summary>
    public bool IsStopping => _stopping;

    public sealed override void Start()
    {
        lock (_startGate)
        {
            ObjectDisposedException.ThrowIf(_ended.Task.IsCompleted, this);
            if (_started)
                throw new InvalidOperationException("the reactor runs already");
            _started = true;
        }
        _thread.Start();
    }

    public sealed override void Post(Action<object?> work, object? state) => TryPost(work, state);

    public sealed override Task<TransportConnection> ConnectAsync(EndPoint endPoint, SocketSettings settings, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(settings);
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled<TransportConnection>(cancellationToken);
        return endPoint is DnsEndPoint name ? OpenByNameAsync(name, settings, cancellationToken) : OpenAsync(endPoint, settings, cancellationToken);
    }

    private async Task<TransportConnection> OpenByNameAsync(DnsEndPoint name, SocketSettings settings, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(name.Host, name.AddressFamily, cancellationToken).ConfigureAwait(true);
        SocketException failure = new((int)SocketError.HostNotFound);
        foreach (IPAddress address in addresses)
        {
            try
            {
                return await OpenAsync(new IPEndPoint(address, name.Port), settings, cancellationToken).ConfigureAwait(true);
            }
            catch (SocketException e)
            {
                failure = e;
            }
        }
        throw failure;
    }

    public sealed override async ValueTask DisposeAsync()
    {
        bool neverRan;
        lock (_startGate)
        {
            neverRan = !_started;
            _started = true;
        }
        if (neverRan)
        {
            _threadId = Environment.CurrentManagedThreadId;
            ShutDown();
        }
        else
        {
            TryPost(static reactor => ((LoopReactor)reactor!)._stopping = true, this);
        }
        await _ended.Task.ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>As <see cref="Post"/>; false when the loop has ended and the work will not run.</summary>
    internal bool TryPost(Action<object?> work, object? state) => _work.TryAdd(work, state);

    /// <inheritdoc cref="TryPost"/>
    internal bool TryPostCallback(SendOrPostCallback work, object? state) => _work.TryAdd(work, state);

    /// <summary>Gives a connection a turn of its own before the loop sleeps.</summary>
    internal void Schedule(LoopConnection connection) => _ready.Enqueue(connection);

    /// <summary>Gives a connection a turn of its own after the others had their events.</summary>
    internal void ScheduleNextTurn(LoopConnection connection) => _nextTurn.Enqueue(connection);

    /// <summary>Has a descriptor closed at the end of the turn: until then its number cannot come back as another connection.</summary>
    internal void Bury(LoopConnection connection) => _dead.Add(connection);

    /// <summary>Counts a connection in.</summary>
    internal void Enlist(LoopConnection connection)
    {
        connection.ListIndex = _connections.Count;
        _connections.Add(connection);
        Counters.Open = _connections.Count;
    }

    /// <summary>Counts a connection out.</summary>
    internal void Delist(LoopConnection connection)
    {
        LoopConnection last = _connections[^1];
        _connections[connection.ListIndex] = last;
        last.ListIndex = connection.ListIndex;
        _connections.RemoveAt(_connections.Count - 1);
        Counters.Open = _connections.Count;
    }

    /// <summary>Has a listener or a connection attempt disposed when the loop ends. On the reactor's thread.</summary>
    internal void Hold(IDisposable resource) => _resources.Add(resource);

    /// <summary>Undoes <see cref="Hold"/>.</summary>
    internal void LetGo(IDisposable resource) => _resources.Remove(resource);

    /// <summary>Counts and tells of an exception that must not end the loop.</summary>
    internal void Report(Exception exception)
    {
        Counters.HandlerFailures++;
        try
        {
            FailureHook?.Invoke(exception);
        }
        catch (Exception)
        {
            // The hook is the last to hear of failures; nobody is left to tell of its own, and the loop must go on.
        }
    }

    /// <summary>Runs <paramref name="work"/> now when on the reactor's thread, else posts it.</summary>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    internal void RunOrPost(Action<object?> work, object? state)
    {
        if (IsCurrent)
            work(state);
        else
            ObjectDisposedException.ThrowIf(!TryPost(work, state), this);
    }

    /// <summary>Runs <paramref name="work"/> on the reactor's thread and returns when it has run, or when the loop has ended and so did it itself.</summary>
    internal void RunAndWait(Action<object?> work, object? state)
    {
        if (IsCurrent || !_started)
        {
            work(state);
            return;
        }
        using var done = new ManualResetEventSlim();
        bool isPosted = TryPost(_ =>
        {
            try
            {
                work(state);
            }
            finally
            {
                done.Set();
            }
        }, null);
        if (isPosted)
            done.Wait();
    }

    /// <summary>Opens one connection to an address.</summary>
    protected abstract Task<TransportConnection> OpenAsync(EndPoint endPoint, SocketSettings settings, CancellationToken cancellationToken);

    /// <summary>Sleeps until there are events, <see cref="Wake"/> is called or the time is over.</summary>
    /// <param name="milliseconds">0 to look only, -1 to sleep without end.</param>
    /// <returns>How many events there are for <see cref="Deliver"/>.</returns>
    protected abstract int Wait(int milliseconds);

    /// <summary>Hands the events of the last <see cref="Wait"/> to their owners.</summary>
    protected abstract void Deliver(int events);

    /// <summary>Ends a sleep; any thread may call it.</summary>
    protected abstract void Wake();

    /// <summary>All of a turn's events are delivered: descriptors that ended in it can go.</summary>
    protected abstract void EndTurn();

    /// <summary>The pace has changed. On the reactor's thread.</summary>
    protected virtual void Follow(ReactorPace pace)
    {
        // A loop fed by the framework's sockets is woken by threads of the framework: how it is scheduled itself says little.
    }

    /// <summary>Gives back what the loop itself holds of the operating system.</summary>
    protected abstract void ReleaseLoop();

    private void RunLoop()
    {
        _threadId = Environment.CurrentManagedThreadId;
        SynchronizationContext.SetSynchronizationContext(new ReactorSynchronizationContext(this));
        long endTicks = Stopwatch.GetTimestamp();
        while (!_stopping)
        {
            int sleep = _ready.Count + _nextTurn.Count > 0 ? 0 : Timers.SleepMilliseconds(endTicks / TicksPerMillisecond);
            if (sleep != 0 && !_work.TrySleep())
                sleep = 0;
            int events = Wait(sleep);
            _work.Awake();
            _nowTicks = Stopwatch.GetTimestamp();
            // A deadline armed while events are delivered counts from now, not from before the sleep; those that are due fire after the events,
            // for an answer that has come in time disarms its deadline.
            Timers.SetClock(NowMilliseconds);
            Turn(events);
            endTicks = Stopwatch.GetTimestamp();
            Counters.Turns++;
            if (endTicks - _nowTicks > Counters.LongestTurnTicks)
                Counters.LongestTurnTicks = endTicks - _nowTicks;
            if (Pace.Judge(endTicks))
                Follow(Pace);
        }
        ShutDown();
    }

    private void Turn(int events)
    {
        while (_nextTurn.TryDequeue(out LoopConnection? connection))
            _ready.Enqueue(connection);
        if (events > 0)
            Deliver(events);
        _work.Run();
        Timers.Advance(NowMilliseconds);
        RunReady();
        CloseDead();
    }

    private void RunReady()
    {
        for (int pass = 0; _ready.Count > 0 && pass < ReadyPassesMax; pass++)
        {
            for (int left = _ready.Count; left > 0; left--)
            {
                LoopConnection connection = _ready.Dequeue();
                // It may have moved to another reactor since it asked.
                if (!ReferenceEquals(connection.Reactor, this))
                    continue;
                try
                {
                    connection.RunDue();
                }
                catch (Exception e)
                {
                    connection.Abort();
                    Report(e);
                }
            }
        }
    }

    private void CloseDead()
    {
        foreach (LoopConnection connection in _dead)
            connection.CloseHandle();
        _dead.Clear();
        EndTurn();
    }

    private void ShutDown()
    {
        _stopping = true;
        foreach (IDisposable resource in _resources.ToArray())
            resource.Dispose();
        for (int pass = 0; pass < ShutdownPassesMax; pass++)
        {
            foreach (LoopConnection connection in _connections.ToArray())
                connection.Stop();
            RunReady();
            CloseDead();
            if (_work.Run() == 0)
                break;
        }
        _work.Close();
        _work.Run();
        foreach (LoopConnection connection in _connections.ToArray())
            connection.Stop();
        RunReady();
        CloseDead();
        ReleaseLoop();
        _ended.SetResult();
    }
}
