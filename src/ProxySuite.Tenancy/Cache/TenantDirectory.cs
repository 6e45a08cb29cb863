using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;

namespace ProxySuite.Tenancy.Cache;

/// <summary>
/// The tenants this proxy knows: in memory, refreshed from the registry, told of changes (B2). The front door asks it for every client, so
/// a known tenant is found without waiting, allocating or locking; what the registry must be asked for is asked once, however many wait.
/// </summary>
/// <remarks>
/// <see cref="RunAsync"/> must run beside it: it refreshes entries before they expire and hears of changes. Without it entries merely expire.
/// All members may be called from any thread.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim owns nothing unless its wait handle is asked for.")]
public sealed partial class TenantDirectory : IInvalidationSink
{
    private readonly ITenantRegistry _registry;
    private readonly ISharedTenantCache? _shared;
    private readonly TenantDirectoryOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    // Keyed by text with the runtime's randomised hash: names come from clients, who must not be able to make them collide.
    private readonly ConcurrentDictionary<string, DirectorySlot> _slots = new();
    private readonly ConcurrentDictionary<string, DirectorySlot>.AlternateLookup<ReadOnlySpan<char>> _slotsByText;

    // Unknown names, each with the timestamp until which it stays unknown.
    private readonly ConcurrentDictionary<string, long> _unknown = new();
    private readonly ConcurrentDictionary<string, PendingLookup> _pending = new();
    private readonly SemaphoreSlim _lookups;

    // 0 while the registry answers; else the timestamp from which one caller may try it again.
    private long _downUntil;

    /// <param name="registry">Where the truth is.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Hears of lost registries, not of look-ups.</param>
    /// <param name="shared">What proxies share; null for nothing.</param>
    public TenantDirectory(
        ITenantRegistry registry, TenantDirectoryOptions? options = null, TimeProvider? time = null, ILogger<TenantDirectory>? logger = null,
        ISharedTenantCache? shared = null)
    {
        _registry = registry;
        _shared = shared;
        _options = options ?? new TenantDirectoryOptions();
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<TenantDirectory>.Instance;
        _slotsByText = _slots.GetAlternateLookup<ReadOnlySpan<char>>();
        _lookups = new SemaphoreSlim(_options.LookupsMax);
    }

    /// <summary>
    /// A cached tenant is not what it was, or is gone. Raised in the order of the changes, one at a time, on a thread of the pool; a
    /// subscriber passes the news on and returns, and does not call the directory.
    /// </summary>
    public event Action<TenantChange>? Changed;

    public DirectoryCounters Counters { get; } = new();

    /// <summary>How many tenants are cached.</summary>
    public int Count => Volatile.Read(ref _slotCount);

    /// <summary>How many unknown names are remembered.</summary>
    public int UnknownCount => Volatile.Read(ref _unknownCount);

    /// <summary>Whether the registry answered when it was last asked.</summary>
    public bool IsRegistryUp => Volatile.Read(ref _downUntil) == 0;

    /// <summary>Finds a tenant by the bytes that a client sent for it.</summary>
    /// <returns>False when it must be asked for with <see cref="GetAsync"/>, or the bytes are no slug.</returns>
    public bool TryGet(ReadOnlySpan<byte> slug, [NotNullWhen(true)] out TenantEntry? entry)
    {
        if (!TenantSlug.IsWellFormed(slug))
        {
            entry = null;
            return false;
        }
        Span<char> text = stackalloc char[TenantSlug.LengthMax];
        return TryGet(TenantSlug.Widen(slug, text), out entry);
    }

    /// <inheritdoc cref="TryGet(ReadOnlySpan{byte}, out TenantEntry?)"/>
    public bool TryGet(TenantSlug slug, [NotNullWhen(true)] out TenantEntry? entry) => TryGet(slug.Value.AsSpan(), out entry);

    /// <summary>Finds a tenant, asking the registry where memory does not know it.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up; others who wait for the same look-up go on waiting.</exception>
    public ValueTask<TenantLookup> GetAsync(TenantSlug slug, CancellationToken cancellationToken = default)
    {
        if (slug.Value.Length == 0) return ValueTask.FromResult(TenantLookup.Unknown);
        if (TryRemember(slug, out TenantLookup answer)) return ValueTask.FromResult(answer);
        if (_shared is null && !MayAsk()) return ValueTask.FromResult(WithoutRegistry(slug.Value));
        return new ValueTask<TenantLookup>(JoinLookup(slug).WaitAsync(cancellationToken));
    }

    /// <summary>Asks the registry about a tenant that is known, because its shard does not let it in as the entry says; at most once a second for one tenant.</summary>
    /// <returns>What counts now. A change is announced by <see cref="Changed"/> before this completes.</returns>
    public ValueTask<TenantLookup> RecheckAsync(TenantSlug slug, CancellationToken cancellationToken = default)
    {
        lock (_writing)
        {
            // Asked for this reason this very second: then the shard refuses what the registry says.
            long now = _time.GetTimestamp();
            if (_slots.TryGetValue(slug.Value, out DirectorySlot? slot) && now >= slot.RecheckableAt)
            {
                slot.RecheckableAt = now + _time.TimestampFrequency;
                slot.FreshUntil = long.MinValue;
            }
        }
        return GetAsync(slug, cancellationToken);
    }

    private bool TryRemember(TenantSlug slug, out TenantLookup answer)
    {
        if (TryGet(slug, out TenantEntry? entry))
        {
            answer = TenantLookup.Found(entry);
            return true;
        }
        answer = TenantLookup.Unknown;
        if (!_unknown.TryGetValue(slug.Value, out long unknownUntil) || _time.GetTimestamp() >= unknownUntil) return false;
        Counters.CountNegative();
        return true;
    }

    private bool TryGet(ReadOnlySpan<char> slug, [NotNullWhen(true)] out TenantEntry? entry)
    {
        entry = null;
        if (!_slotsByText.TryGetValue(slug, out DirectorySlot? slot)) return false;
        long now = _time.GetTimestamp();
        if (now < slot.FreshUntil)
        {
            Counters.CountMemory();
        }
        else
        {
            // While the registry is down nobody waits for it: the refresher finds out when it is back.
            if (IsRegistryUp || now >= slot.StaleUntil) return false;
            Counters.CountStale();
        }
        slot.Touch();
        entry = slot.Entry;
        return true;
    }

    private Task<TenantLookup> JoinLookup(TenantSlug slug)
    {
        while (true)
        {
            if (_pending.TryGetValue(slug.Value, out PendingLookup? running)) return running.Answer;
            var own = new PendingLookup();
            if (!_pending.TryAdd(slug.Value, own)) continue;
            // A look-up that ended between our miss and here has left its answer in memory.
            if (TryRemember(slug, out TenantLookup answer))
            {
                Complete(slug, own, answer);
                return own.Answer;
            }
            // On a thread of the pool from its first step: the caller may be a reactor.
            _ = Task.Run(() => LookUpAsync(slug, own));
            return own.Answer;
        }
    }

    private async Task LookUpAsync(TenantSlug slug, PendingLookup pending)
    {
        TenantLookup answer = TenantLookup.Unavailable;
        try
        {
            using var limit = new CancellationTokenSource(_options.LookupTimeout, _time);
            if (_shared is not null && await FindSharedAsync(_shared, slug, pending, limit.Token) is { } shared)
            {
                answer = TenantLookup.Found(shared);
                return;
            }
            if (_shared is not null && !MayAsk())
            {
                answer = WithoutRegistry(slug.Value);
                return;
            }
            answer = await AskAsync(slug, pending, limit.Token);
            Counters.CountRegistry();
        }
        catch (RegistryDataException unreadable)
        {
            Counters.CountFailure();
            _logger.TenantUnreadable(slug, unreadable.Message);
            answer = WithoutRegistry(slug.Value);
        }
        catch (Exception failed) when (failed is RegistryUnavailableException or OperationCanceledException)
        {
            RegistryFailed(failed);
            answer = WithoutRegistry(slug.Value);
        }
        finally
        {
            Complete(slug, pending, answer);
        }
    }

    private void Complete(TenantSlug slug, PendingLookup pending, TenantLookup answer)
    {
        // Out of the table first: whoever comes from now on starts anew, and whoever waits is answered.
        _pending.TryRemove(new KeyValuePair<string, PendingLookup>(slug.Value, pending));
        pending.Complete(answer);
    }

    private async Task<TenantLookup> AskAsync(TenantSlug slug, PendingLookup pending, CancellationToken cancellationToken)
    {
        await _lookups.WaitAsync(cancellationToken);
        try
        {
            while (true)
            {
                pending.IsOvertaken = false;
                long askedAt = _time.GetTimestamp();
                TenantEntry? entry = await _registry.FindTenantAsync(slug, cancellationToken);
                RegistryAnswered();
                // A change that was announced while we asked may be older or newer than the answer: ask again.
                if (pending.IsOvertaken) continue;
                if (entry is not null) _shared?.Store(entry);
                return Learn(slug, entry, askedAt) is { } current ? TenantLookup.Found(current) : TenantLookup.Unknown;
            }
        }
        finally
        {
            _lookups.Release();
        }
    }

    /// <summary>What can be said without asking: the last known state within its bound, else nothing.</summary>
    private TenantLookup WithoutRegistry(string slug)
    {
        if (!_slots.TryGetValue(slug, out DirectorySlot? slot) || _time.GetTimestamp() >= slot.StaleUntil) return TenantLookup.Unavailable;
        Counters.CountStale();
        slot.Touch();
        return TenantLookup.Found(slot.Entry);
    }

    /// <summary>Whether the caller may send a question: while the registry is down one caller at a time tries it, all others go without.</summary>
    private bool MayAsk()
    {
        long retryAt = Volatile.Read(ref _downUntil);
        if (retryAt == 0) return true;
        return _time.GetTimestamp() >= retryAt && Interlocked.CompareExchange(ref _downUntil, Later(_options.LookupTimeout), retryAt) == retryAt;
    }

    private void RegistryFailed(Exception reason)
    {
        Counters.CountFailure();
        if (Interlocked.Exchange(ref _downUntil, Later(_options.RetryInterval)) == 0) _logger.RegistryLost(reason.Message);
    }

    private void RegistryAnswered()
    {
        if (Volatile.Read(ref _downUntil) != 0 && Interlocked.Exchange(ref _downUntil, 0) != 0) _logger.RegistryBack();
    }

    private long Later(TimeSpan delay) => _time.GetTimestamp() + (long)(delay.TotalSeconds * _time.TimestampFrequency);

    /// <summary>A question to the registry that any number of callers wait for.</summary>
    private sealed class PendingLookup
    {
        private readonly TaskCompletionSource<TenantLookup> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _overtaken;

        public Task<TenantLookup> Answer => _answer.Task;

        /// <summary>Whether a change of this tenant was announced since the question was sent.</summary>
        public bool IsOvertaken
        {
            get => _overtaken;
            set => _overtaken = value;
        }

        public void Complete(TenantLookup answer) => _answer.SetResult(answer);
    }
}
