using System.Globalization;
using System.Threading.Channels;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Tenancy.Cache;

/// <summary>How entries stay true: announced changes are read at once, and everything is compared with the registry once in its time to live.</summary>
public sealed partial class TenantDirectory
{
    // Due entries are looked for this often; a batch of versions is one short query.
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    // Slugs to be read again, under the writing lock; the channel wakes the refresher and holds one wish however many come.
    private readonly HashSet<TenantSlug> _changed = [];
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Refreshes entries, and listens for changes where there is a source. Ends only by cancellation.</summary>
    public async Task RunAsync(IInvalidationSource? invalidations, CancellationToken cancellationToken)
    {
        // If one of the two fails unexpectedly, both end and the host hears of it.
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] running = [RefreshAsync(both.Token), invalidations?.RunAsync(this, both.Token) ?? Task.Delay(Timeout.InfiniteTimeSpan, both.Token)];
        Task warmUp = _options.WarmUpMax > 0 && _registry is ITenantLister lister ? WarmUpAsync(lister, both.Token) : Task.CompletedTask;
        await Task.WhenAny(running);
        await both.CancelAsync();
        await warmUp.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await Task.WhenAll(running);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !running.Any(task => task.IsFaulted))
        {
            // The regular end.
        }
    }

    /// <inheritdoc/>
    public void Invalidate(Invalidation change)
    {
        lock (_writing)
        {
            NoteAnnounced(change);
            switch (change.Kind)
            {
                case InvalidationKind.Tenant: InvalidateTenant(change.Name, change.Version); break;
                case InvalidationKind.Plan: MarkChanged(entry => entry.Tenant.Plan.Name == change.Name && entry.Tenant.Plan.Version != change.Version); break;
                case InvalidationKind.Shard:
                    if (int.TryParse(change.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                    {
                        MarkChanged(entry => entry.Shard.Id.Value == id && entry.Shard.Version != change.Version);
                    }
                    break;
            }
        }
        _wake.Writer.TryWrite(true);
    }

    /// <inheritdoc/>
    public void Resynchronize()
    {
        lock (_writing)
        {
            foreach ((string name, _) in _unknown) ForgetUnknown(name);
            foreach ((_, PendingLookup lookup) in _pending) lookup.IsOvertaken = true;
            // Due at once, and served meanwhile if the registry has gone again; a login that comes before its refresh asks for itself.
            foreach ((_, DirectorySlot slot) in _slots) slot.FreshUntil = Math.Min(slot.FreshUntil, 0);
        }
        _wake.Writer.TryWrite(true);
    }

    // Under the writing lock.
    private void InvalidateTenant(string slug, long version)
    {
        ForgetUnknown(slug);
        if (_pending.TryGetValue(slug, out PendingLookup? lookup)) lookup.IsOvertaken = true;
        // A deletion announces the version that we may have: only a later one is sure to include the change. So equal is read again.
        if (!_slots.TryGetValue(slug, out DirectorySlot? slot) || slot.Entry.Tenant.Version > version) return;
        slot.FreshUntil = long.MinValue;
        _changed.Add(slot.Entry.Tenant.Slug);
    }

    // Under the writing lock. Such entries go on being served for the moment the reading takes: nobody is let in or kept out by a plan's limits.
    private void MarkChanged(Func<TenantEntry, bool> isConcerned)
    {
        foreach ((_, PendingLookup lookup) in _pending) lookup.IsOvertaken = true;
        foreach ((_, DirectorySlot slot) in _slots)
        {
            if (isConcerned(slot.Entry)) _changed.Add(slot.Entry.Tenant.Slug);
        }
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        using var sweep = new PeriodicTimer(SweepInterval, _time);
        Task<bool> tick = sweep.WaitForNextTickAsync(cancellationToken).AsTask();
        Task<bool> woken = _wake.Reader.ReadAsync(cancellationToken).AsTask();
        while (true)
        {
            await Task.WhenAny(tick, woken);
            cancellationToken.ThrowIfCancellationRequested();
            // Only the one that fired is waited for anew, else waits would pile up behind the other.
            if (tick.IsCompleted) tick = sweep.WaitForNextTickAsync(cancellationToken).AsTask();
            if (woken.IsCompleted) woken = _wake.Reader.ReadAsync(cancellationToken).AsTask();
            bool wasDown = !IsRegistryUp;
            if (!MayAsk()) continue;
            try
            {
                if (wasDown) await ProbeAsync(cancellationToken);
                await ReadChangedAsync(cancellationToken);
                await CompareDueAsync(cancellationToken);
                await ReadChangedAsync(cancellationToken);
            }
            catch (Exception failed) when (failed is RegistryUnavailableException || (failed is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                // What was not read stays marked; the next tick after the retry interval goes on.
                RegistryFailed(failed);
            }
        }
    }

    // With nothing to refresh the registry would count as down for ever.
    private async Task ProbeAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = LimitedBy(cancellationToken);
        await _registry.ReadVersionsAsync([], limit.Token);
        RegistryAnswered();
    }

    /// <summary>Reads tenants that are known to have changed.</summary>
    private async Task ReadChangedAsync(CancellationToken cancellationToken)
    {
        while (TakeChanged() is { Count: > 0 } slugs)
        {
            try
            {
                await ReadAsync(slugs, cancellationToken);
            }
            catch
            {
                lock (_writing) _changed.UnionWith(slugs);
                throw;
            }
        }
    }

    private List<TenantSlug> TakeChanged()
    {
        lock (_writing)
        {
            List<TenantSlug> slugs = [.. _changed.Take(ITenantRegistry.BatchMax)];
            _changed.ExceptWith(slugs);
            return slugs;
        }
    }

    private async Task ReadAsync(List<TenantSlug> slugs, CancellationToken cancellationToken)
    {
        IReadOnlyList<TenantEntry> entries;
        long askedAt = _time.GetTimestamp();
        try
        {
            using CancellationTokenSource limit = LimitedBy(cancellationToken);
            entries = await _registry.FindTenantsAsync(slugs, limit.Token);
            RegistryAnswered();
        }
        catch (RegistryDataException)
        {
            await ReadSinglyAsync(slugs, cancellationToken);
            return;
        }
        Dictionary<TenantSlug, TenantEntry> found = entries.ToDictionary(entry => entry.Tenant.Slug);
        foreach (TenantSlug slug in slugs)
        {
            TenantEntry? entry = found.GetValueOrDefault(slug);
            LearnIfCached(slug, entry, askedAt);
            if (entry is not null) _shared?.Store(entry);
        }
    }

    // One of a batch cannot be read: the others must not suffer from it.
    private async Task ReadSinglyAsync(List<TenantSlug> slugs, CancellationToken cancellationToken)
    {
        foreach (TenantSlug slug in slugs)
        {
            long askedAt = _time.GetTimestamp();
            try
            {
                using CancellationTokenSource limit = LimitedBy(cancellationToken);
                LearnIfCached(slug, await _registry.FindTenantAsync(slug, limit.Token), askedAt);
            }
            catch (RegistryDataException unreadable)
            {
                Counters.CountFailure();
                _logger.TenantUnreadable(slug, unreadable.Message);
                // It is served as it was known, and tried again when its time to live is over.
                lock (_writing)
                {
                    if (_slots.TryGetValue(slug.Value, out DirectorySlot? slot)) slot.FreshUntil = FreshUntil(slot.Entry);
                }
            }
        }
    }

    /// <summary>Compares the versions of entries whose time to live is about to end; marks those that differ as changed.</summary>
    private async Task CompareDueAsync(CancellationToken cancellationToken)
    {
        foreach (DirectorySlot[] batch in Due().Chunk(ITenantRegistry.BatchMax))
        {
            TenantEntry[] asked = [.. batch.Select(slot => slot.Entry)];
            using CancellationTokenSource limit = LimitedBy(cancellationToken);
            IReadOnlyList<TenantVersions> versions = await _registry.ReadVersionsAsync([.. asked.Select(entry => entry.Tenant.Slug)], limit.Token);
            RegistryAnswered();
            HashSet<TenantVersions> current = [.. versions];
            lock (_writing)
            {
                for (int i = 0; i < batch.Length; i++)
                {
                    if (!current.Contains(TenantVersions.Of(asked[i]))) _changed.Add(asked[i].Tenant.Slug);
                    // Announced as changed since we asked: then it is read in any case.
                    else if (ReferenceEquals(batch[i].Entry, asked[i]) && batch[i].FreshUntil != long.MinValue) Renew(batch[i], asked[i]);
                }
            }
        }
    }

    private List<DirectorySlot> Due()
    {
        // A quarter of the time to live ahead: a tenant in use is refreshed before a login has to wait for it.
        long due = Later(_options.TimeToLive / 4);
        long dueMoving = Later(_options.MovingTimeToLive / 4);
        var slots = new List<DirectorySlot>();
        foreach ((_, DirectorySlot slot) in _slots)
        {
            bool isMoving = slot.Entry.Tenant.Placement.State != PlacementState.Active;
            if (slot.IsUnconfirmed || slot.FreshUntil < (isMoving ? dueMoving : due)) slots.Add(slot);
        }
        return slots;
    }

    // An entry may have been evicted while its refresh was on its way; it is not brought back, nor is its name kept as unknown.
    private void LearnIfCached(TenantSlug slug, TenantEntry? entry, long askedAt)
    {
        lock (_writing)
        {
            if (_slots.ContainsKey(slug.Value)) Learn(slug, entry, askedAt);
        }
    }

    private CancellationTokenSource LimitedBy(CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.LookupTimeout);
        return limit;
    }
}
