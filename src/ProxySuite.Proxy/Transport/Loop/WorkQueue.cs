namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>Work posted to a reactor from any thread, run in order. The loop is woken once per sleep, not once per post.</summary>
/// <param name="wake">Ends the loop's sleep; called under a short lock, at most once for each <see cref="TrySleep"/>.</param>
/// <param name="failed">Told of exceptions out of the work.</param>
internal sealed class WorkQueue(Action wake, Action<Exception> failed)
{
    // A burst's list is not kept for ever.
    private const int CapacityKeptMax = 4096;

    private readonly Lock _gate = new();
    private List<Item> _incoming = [];
    private List<Item> _running = [];
    private bool _asleep;
    private bool _closed;

    private readonly record struct Item(Delegate Work, object? State);

    /// <summary>Adds work.</summary>
    /// <param name="work">An <see cref="Action{T}"/> of object or a <see cref="SendOrPostCallback"/>.</param>
    /// <param name="state">Passed to it.</param>
    /// <returns>False after <see cref="Close"/>: it will not run.</returns>
    public bool TryAdd(Delegate work, object? state)
    {
        lock (_gate)
        {
            if (_closed)
                return false;
            _incoming.Add(new Item(work, state));
            if (_asleep)
            {
                _asleep = false;
                wake();
            }
            return true;
        }
    }

    /// <summary>Announces that the loop is about to sleep; false when there is work, and the loop must not.</summary>
    public bool TrySleep()
    {
        lock (_gate)
        {
            _asleep = _incoming.Count == 0;
            return _asleep;
        }
    }

    /// <summary>The loop has woken by itself. A post that does not see it yet wakes it once more, which costs an empty turn.</summary>
    public void Awake() => Volatile.Write(ref _asleep, false);

    /// <summary>Runs what was posted before this call; what is posted meanwhile waits for the next turn.</summary>
    /// <returns>How many items ran.</returns>
    public int Run()
    {
        lock (_gate)
        {
            if (_incoming.Count == 0)
                return 0;
            (_incoming, _running) = (_running, _incoming);
        }
        foreach (Item item in _running)
        {
            try
            {
                if (item.Work is Action<object?> action)
                    action(item.State);
                else
                    ((SendOrPostCallback)item.Work)(item.State);
            }
            catch (Exception e)
            {
                failed(e);
            }
        }
        int ran = _running.Count;
        _running.Clear();
        if (_running.Capacity > CapacityKeptMax)
            _running.Capacity = CapacityKeptMax;
        return ran;
    }

    /// <summary>Refuses work from now on.</summary>
    public void Close()
    {
        lock (_gate)
            _closed = true;
    }
}
