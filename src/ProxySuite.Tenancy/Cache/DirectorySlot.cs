using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Cache;

/// <summary>One cached tenant. Read without a lock; written under the directory's.</summary>
internal sealed class DirectorySlot(TenantEntry entry)
{
    private TenantEntry _entry = entry;
    private long _freshUntil;
    private long _staleUntil;
    private bool _touched = true;

    public TenantEntry Entry
    {
        get => Volatile.Read(ref _entry);
        set => Volatile.Write(ref _entry, value);
    }

    /// <summary>Until when the entry counts without question, as timestamp of the clock; <see cref="long.MinValue"/> once it is known to have changed.</summary>
    public long FreshUntil
    {
        get => Volatile.Read(ref _freshUntil);
        set => Volatile.Write(ref _freshUntil, value);
    }

    /// <summary>Until when it is served while the registry is down, as timestamp of the clock.</summary>
    public long StaleUntil
    {
        get => Volatile.Read(ref _staleUntil);
        set => Volatile.Write(ref _staleUntil, value);
    }

    /// <summary>Whether it was used since the evictor last came by.</summary>
    public bool Touched => Volatile.Read(ref _touched);

    /// <summary>How many pools use the tenant; one that is used is not evicted, as its pools wait for its changes. Under the directory's lock.</summary>
    public int Retained { get; set; }

    /// <summary>When the question was sent whose answer this is, as timestamp of the clock. Under the directory's lock.</summary>
    public long AskedAt { get; set; }

    /// <summary>From when the registry may be asked again because the shard refuses the tenant, as timestamp of the clock. Under the directory's lock.</summary>
    public long RecheckableAt { get; set; } = long.MinValue;

    /// <summary>Whether the entry is another proxy's word, not yet compared with the registry. Under the directory's lock.</summary>
    public bool IsUnconfirmed { get; set; }

    public void Touch()
    {
        // Written only when it changes, so that reactors that read the same entry do not fight for its cache line.
        if (!Volatile.Read(ref _touched)) Volatile.Write(ref _touched, true);
    }

    public void ClearTouched() => Volatile.Write(ref _touched, false);
}
