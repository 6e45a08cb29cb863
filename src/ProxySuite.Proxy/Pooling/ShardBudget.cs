namespace ProxySuite.Proxy.Pooling;

/// <summary>A pool that wants a server connection on a shard whose connections are all taken.</summary>
internal interface IShardClaimant
{
    /// <summary>Idle server connections it could give up; read from any thread, so only a hint.</summary>
    int IdleHint { get; }

    /// <summary>A place is reserved for this pool. Called on any thread; it opens a connection with it or hands it on with <see cref="ShardBudget.Return"/>.</summary>
    void OnShardPlace();

    /// <summary>Somebody else waits for a place: close one idle connection if there is one. Called on any thread.</summary>
    void OnEvictionWanted();
}

/// <summary>
/// The cap on real connections to one shard, shared by all reactors. Touched only when a connection is opened or closed, so a lock costs nothing
/// that a query would notice. Pools that find it exhausted stand in line, one place a turn, so no tenant takes several places while others wait.
/// </summary>
internal sealed class ShardBudget(int connectionsMax)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<IShardClaimant> _line = [];
    private readonly HashSet<IShardClaimant> _pools = [];
    private int _inLine;
    private int _total = connectionsMax;
    private int _leased;

    /// <summary>Connections open, opening, or reserved.</summary>
    public int Leased
    {
        get
        {
            lock (_gate) return _leased;
        }
    }

    /// <summary>The cap.</summary>
    public int Total
    {
        get
        {
            lock (_gate) return _total;
        }
        set
        {
            List<IShardClaimant> served = [];
            lock (_gate)
            {
                _total = value;
                // Those in line take what a raised cap adds: nobody else would give it to them.
                while (_leased < _total && _line.First is { } first)
                {
                    served.Add(first.Value);
                    _line.RemoveFirst();
                    _leased++;
                    _inLine = _line.Count;
                }
            }
            foreach (IShardClaimant claimant in served) claimant.OnShardPlace();
        }
    }

    /// <summary>Pools that stand in line; read from any thread, so only a hint. A server that nobody of its own pool wants is worth a connection to them.</summary>
    public int InLine => Volatile.Read(ref _inLine);

    /// <summary>Makes a pool known, so that it can be asked to give up idle connections.</summary>
    public void Join(IShardClaimant pool)
    {
        lock (_gate) _pools.Add(pool);
    }

    /// <summary>Forgets a pool; it holds no place any more.</summary>
    public void Leave(IShardClaimant pool)
    {
        lock (_gate)
        {
            _pools.Remove(pool);
            _line.Remove(pool);
            _inLine = _line.Count;
        }
    }

    /// <summary>Takes a place, or puts the pool in line for one.</summary>
    /// <returns>False when it stands in line; <see cref="IShardClaimant.OnShardPlace"/> follows.</returns>
    public bool TryTake(IShardClaimant pool)
    {
        IShardClaimant? victim = null;
        lock (_gate)
        {
            if (_leased < _total && _line.Count == 0)
            {
                _leased++;
                return true;
            }
            if (!_line.Contains(pool)) _line.AddLast(pool);
            _inLine = _line.Count;
            // Whoever has most idle connections misses one least.
            int most = 0;
            foreach (IShardClaimant candidate in _pools)
            {
                if (ReferenceEquals(candidate, pool) || candidate.IdleHint <= most) continue;
                most = candidate.IdleHint;
                victim = candidate;
            }
        }
        victim?.OnEvictionWanted();
        return false;
    }

    /// <summary>The pool no longer waits.</summary>
    public void StepOut(IShardClaimant pool)
    {
        lock (_gate)
        {
            _line.Remove(pool);
            _inLine = _line.Count;
        }
    }

    /// <summary>Gives a place back: to the first in line, else to the shard.</summary>
    public void Return()
    {
        IShardClaimant? next = null;
        lock (_gate)
        {
            if (_line.First is { } first && _leased <= _total)
            {
                // The place stays leased, now for the pool at the head of the line.
                next = first.Value;
                _line.RemoveFirst();
                _inLine = _line.Count;
            }
            else
            {
                _leased--;
            }
        }
        next?.OnShardPlace();
    }
}
