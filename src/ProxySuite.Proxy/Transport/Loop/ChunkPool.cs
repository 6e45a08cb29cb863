namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>
/// The chunks of one reactor, for bytes that have to stay: unconsumed rests, unsent bytes, pipe buffers. Touched on the reactor's thread alone, so
/// renting is popping a list. What a burst needed is given back to the runtime within some seconds.
/// </summary>
internal sealed class ChunkPool
{
    /// <summary>Size of the smallest chunk in bytes.</summary>
    public const int SizeMin = 1024;

    /// <summary>Size of the largest chunk that is kept, in bytes: one receive buffer, and below the 85 000 of the large object heap.</summary>
    public const int SizeMax = TransportConnection.ReceiveSize;

    private static readonly int[] Sizes = [SizeMin, 4 * 1024, 16 * 1024, SizeMax];

    // At most 0.25 + 0.5 + 1 + 1 MB kept between trims.
    private static readonly int[] KeptMax = [256, 128, 64, 16];
    private static readonly TimeSpan TrimInterval = TimeSpan.FromSeconds(5);

    private readonly Chunk?[] _kept = new Chunk?[Sizes.Length];
    private readonly int[] _keptCount = new int[Sizes.Length];
    private readonly int[] _leastKept = new int[Sizes.Length]; // since the last trim: what nobody needed
    private readonly TimerWheel _timers;
    private readonly WheelTimer _trim;

    public ChunkPool(TimerWheel timers)
    {
        _timers = timers;
        _trim = new WheelTimer(static pool => ((ChunkPool)pool!).Trim(), this);
    }

    /// <summary>Bytes in chunks that are rented now.</summary>
    public long RentedBytes { get; private set; }

    /// <summary>Bytes in chunks that wait to be rented again.</summary>
    public long KeptBytes { get; private set; }

    /// <summary>The class that holds <paramref name="length"/> bytes; -1 when none is that large.</summary>
    public static int ClassOf(int length)
        => length <= SizeMin ? 0 : length <= 4 * 1024 ? 1 : length <= 16 * 1024 ? 2 : length <= SizeMax ? 3 : -1;

    /// <summary>An empty chunk with room for at least <paramref name="length"/> bytes.</summary>
    public Chunk Rent(int length)
    {
        int sizeClass = ClassOf(length);
        if (sizeClass >= 0 && _kept[sizeClass] is { } chunk)
        {
            _kept[sizeClass] = chunk.Next;
            chunk.Next = null;
            KeptBytes -= chunk.Array.Length;
            _leastKept[sizeClass] = Math.Min(_leastKept[sizeClass], --_keptCount[sizeClass]);
        }
        else
        {
            chunk = new Chunk(GC.AllocateUninitializedArray<byte>(sizeClass < 0 ? length : Sizes[sizeClass]), sizeClass);
        }
        RentedBytes += chunk.Array.Length;
        return chunk;
    }

    /// <summary>Takes a chunk back; the caller holds no reference to it from then on.</summary>
    public void Return(Chunk chunk)
    {
        RentedBytes -= chunk.Array.Length;
        int sizeClass = chunk.SizeClass;
        if (sizeClass < 0 || _keptCount[sizeClass] == KeptMax[sizeClass])
            return;
        chunk.Start = chunk.End = 0;
        chunk.Next = _kept[sizeClass];
        _kept[sizeClass] = chunk;
        _keptCount[sizeClass]++;
        KeptBytes += chunk.Array.Length;
        if (!_trim.IsArmed)
            _timers.Arm(_trim, TrimInterval);
    }

    /// <summary>Accounts for a chunk that a connection takes along to another reactor.</summary>
    public void Leave(Chunk chunk) => RentedBytes -= chunk.Array.Length;

    /// <summary>Accounts for a chunk that a connection brings from another reactor.</summary>
    public void Arrive(Chunk chunk) => RentedBytes += chunk.Array.Length;

    /// <summary>Drops half of what lay unused since the last trim, rounded up, so an idle pool empties and its timer stops.</summary>
    private void Trim()
    {
        for (int sizeClass = 0; sizeClass < Sizes.Length; sizeClass++)
        {
            for (int drop = (_leastKept[sizeClass] + 1) / 2; drop > 0; drop--)
            {
                Chunk chunk = _kept[sizeClass]!;
                _kept[sizeClass] = chunk.Next;
                _keptCount[sizeClass]--;
                KeptBytes -= chunk.Array.Length;
            }
            _leastKept[sizeClass] = _keptCount[sizeClass];
        }
        if (KeptBytes > 0)
            _timers.Arm(_trim, TrimInterval);
    }
}
