namespace ProxySuite.Proxy.Pooling.Scheduling;

/// <summary>
/// What one tenant has of a shard: connections, and the time for which they have served it. Belongs to the scheduler; its owner passes it back and writes one hint, <see cref="IdleSince"/>.
/// </summary>
/// <param name="owner">Whose it is.</param>
internal sealed class ShardAccount(IShardClaimant owner) : FairEntry
{
    /// <summary>Whose it is.</summary>
    public IShardClaimant Owner { get; } = owner;

    /// <summary>Share beside others, from 1.</summary>
    public int Weight { get; internal set; } = 1;

    /// <summary>Connections that nobody takes from it, from 0.</summary>
    public int Minimum { get; internal set; }

    /// <summary>Connections open, opening, or reserved for it.</summary>
    public int Held { get; internal set; }

    /// <summary>Of these, the ones that are on their way out.</summary>
    public int Leaving { get; internal set; }

    /// <summary>The value of <see cref="IdleSince"/> while there are none.</summary>
    public const long NoneIdle = long.MaxValue;

    /// <summary>
    /// Since when its owner has had idle connections without a break, in Stopwatch ticks. The one thing that the owner writes, on its own thread; it is read on any, so a hint.
    /// Kept here, so that a look at all holders reads one field of each.
    /// </summary>
    public long IdleSince
    {
        get => Volatile.Read(ref _idleSince);
        set => Volatile.Write(ref _idleSince, value);
    }

    /// <summary>
    /// Somebody came to wait while it had more places than its share and one: the quantum protects none of them until it has been asked. Its owner reads it on any thread, so a hint.
    /// </summary>
    public bool HoldsTooMany
    {
        get => Volatile.Read(ref _holdsTooMany);
        internal set => Volatile.Write(ref _holdsTooMany, value);
    }

    /// <summary>The number of the pressure in which it was asked for an idle connection last.</summary>
    internal int AskedIn;

    /// <summary>What was seen of the owner's count of time served, at the last look.</summary>
    internal long ServedSeen;

    private long _idleSince = NoneIdle;
    private bool _holdsTooMany;
    internal int HolderIndex = -1;
    internal bool IsActive;
}
