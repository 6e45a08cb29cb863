using ProxySuite.Tenancy.Model;

namespace ProxySuite.Tenancy.Cache;

/// <summary>What is remembered and forgotten. Every write happens under one lock: writes are rare, and subscribers see them in order.</summary>
public sealed partial class TenantDirectory
{
    private readonly Lock _writing = new();
    private readonly Dictionary<ShardId, Shard> _shards = [];
    private int _slotCount;
    private int _unknownCount;

    /// <summary>Keeps a tenant cached while pools use it, so that they hear of its changes. Each call is undone by one <see cref="Release"/>.</summary>
    /// <returns>What is known now. Changes after that are told; those between the caller's look-up and this call have been, to whoever had a pool then.</returns>
    public TenantEntry Retain(TenantEntry entry)
    {
        lock (_writing)
        {
            // It may have been evicted since the caller found it; then it comes back as due for a refresh.
            DirectorySlot slot = _slots.GetValueOrDefault(entry.Tenant.Slug.Value) ?? Insert(entry, freshUntil: long.MinValue);
            slot.Retained++;
            return slot.Entry;
        }
    }

    /// <summary>The pools of a tenant are gone; it may be evicted again.</summary>
    public void Release(TenantSlug slug)
    {
        lock (_writing)
        {
            if (_slots.TryGetValue(slug.Value, out DirectorySlot? slot) && slot.Retained > 0) slot.Retained--;
        }
    }

    /// <summary>Takes in what the registry said about a tenant.</summary>
    /// <param name="slug">The tenant asked for.</param>
    /// <param name="entry">The answer; null when there is none of that name.</param>
    /// <param name="askedAt">When the question was sent, as timestamp of the clock.</param>
    /// <returns>What counts now: the later of what was known and what came.</returns>
    private TenantEntry? Learn(TenantSlug slug, TenantEntry? entry, long askedAt)
    {
        lock (_writing)
        {
            DirectorySlot? slot = _slots.GetValueOrDefault(slug.Value);
            // Two answers may cross on their way. The question sent last saw the later state; versions would not tell, as they fall when a
            // registry is restored from its backup.
            if (slot is not null && askedAt < slot.AskedAt) return slot.Entry;
            if (entry is null)
            {
                RememberUnknown(slug.Value);
                Forget(slug.Value);
                return null;
            }
            ForgetUnknown(slug.Value);
            entry = ShareShard(entry);
            if (slot is null)
            {
                Insert(entry, FreshUntil(entry)).AskedAt = askedAt;
                return entry;
            }
            TenantEntry old = slot.Entry;
            slot.AskedAt = askedAt;
            Renew(slot, entry);
            if (entry.IsSameVersionAs(old)) return old;
            slot.Entry = entry;
            Raise(new TenantChange(old, entry));
            return entry;
        }
    }

    private DirectorySlot Insert(TenantEntry entry, long freshUntil)
    {
        var slot = new DirectorySlot(entry) { FreshUntil = freshUntil, StaleUntil = Later(_options.StaleMax) };
        _slots[entry.Tenant.Slug.Value] = slot;
        _slotCount++;
        Evict(slot);
        return slot;
    }

    private void Renew(DirectorySlot slot, TenantEntry entry)
    {
        slot.IsUnconfirmed = false;
        // A change announced while this answer was on its way is still to be read.
        slot.FreshUntil = _changed.Contains(entry.Tenant.Slug) ? long.MinValue : FreshUntil(entry);
        slot.StaleUntil = Later(_options.StaleMax);
    }

    private void Forget(string slug)
    {
        if (!_slots.TryRemove(slug, out DirectorySlot? slot)) return;
        _slotCount--;
        Raise(new TenantChange(slot.Entry, null));
    }

    /// <summary>Drops entries not used lately until the bound holds: those untouched since the last visit first, pools' tenants never.</summary>
    private void Evict(DirectorySlot keep)
    {
        if (_slotCount <= _options.EntriesMax) return;
        // A twentieth at a time, so that a full cache does not walk the table for every new entry.
        int excess = _slotCount - _options.EntriesMax + _options.EntriesMax / 20;
        int evicted = 0;
        for (int round = 0; round < 2 && evicted < excess; round++)
        {
            foreach ((string slug, DirectorySlot slot) in _slots)
            {
                if (evicted == excess) break;
                if (slot.Retained > 0 || ReferenceEquals(slot, keep)) continue;
                if (slot.Touched)
                {
                    slot.ClearTouched();
                    continue;
                }
                _slots.TryRemove(slug, out _);
                evicted++;
            }
        }
        _slotCount -= evicted;
        Counters.CountEvictions(evicted);
    }

    private void RememberUnknown(string slug)
    {
        if (_options.NegativeTimeToLive == TimeSpan.Zero) return;
        if (_unknown.TryAdd(slug, 0)) _unknownCount++;
        _unknown[slug] = Later(_options.NegativeTimeToLive);
        if (_unknownCount <= _options.NegativeMax) return;
        // A flood of made-up names: any of them may go, and going in bulk keeps the cost of each small.
        int excess = _unknownCount - _options.NegativeMax + _options.NegativeMax / 20;
        foreach ((string name, _) in _unknown)
        {
            if (excess-- == 0) break;
            ForgetUnknown(name);
        }
    }

    private void ForgetUnknown(string slug)
    {
        if (_unknown.TryRemove(slug, out _)) _unknownCount--;
    }

    /// <summary>One object a shard, however many tenants it has.</summary>
    private TenantEntry ShareShard(TenantEntry entry)
    {
        if (_shards.TryGetValue(entry.Shard.Id, out Shard? known) && known.Version == entry.Shard.Version) return entry with { Shard = known };
        _shards[entry.Shard.Id] = entry.Shard;
        return entry;
    }

    private long FreshUntil(TenantEntry entry)
        => Later(entry.Tenant.Placement.State == PlacementState.Active ? _options.TimeToLive : _options.MovingTimeToLive);

    private void Raise(TenantChange change)
    {
        foreach (Action<TenantChange> subscriber in Delegate.EnumerateInvocationList(Changed))
        {
            try
            {
                subscriber(change);
            }
            // Whatever a subscriber throws, the cache and the other subscribers go on.
            catch (Exception failed)
            {
                _logger.SubscriberFailed(failed, change.Old.Tenant.Slug);
            }
        }
    }
}
