using System.Net;

namespace ProxySuite.Proxy.Pooling;

/// <summary>
/// The server connections of a tenant on one reactor, within its limit: one of its own, or one that it shares with the tenant's pools on other reactors
/// (<see cref="TenantPlaces"/>). Changed by its reactor's thread alone; the others read.
/// </summary>
internal sealed class TenantBudget
{
    private readonly TenantPlaces? _places;
    private int _total = 1, _leaving, _pinned, _wanted;

    /// <summary>A limit of its own.</summary>
    public TenantBudget() => User = NoPlaceUser.Instance;

    /// <summary>A part in a shared limit.</summary>
    public TenantBudget(TenantPlaces places, IPlaceUser user)
    {
        _places = places;
        User = user;
        places.Join(this);
    }

    /// <summary>Who takes the places.</summary>
    public IPlaceUser User { get; }

    /// <summary>The limit over all reactors, from 1; may be lowered below what is leased, which then drains.</summary>
    public int Total
    {
        get => _places?.Total ?? _total;
        set
        {
            if (_places is null) _total = value;
            else if (_places.Total != value) _places.Total = value;
        }
    }

    /// <summary>Permits out on this reactor.</summary>
    public int Leased { get; internal set; }

    /// <summary>Permits left; 0 while more are out than the limit allows.</summary>
    public int Free => _places?.Free ?? Math.Max(0, Total - Leased);

    /// <summary>Connections that are on their way out.</summary>
    public int Leaving { get => Volatile.Read(ref _leaving); set => Volatile.Write(ref _leaving, value); }

    /// <summary>Clients here that keep a server beyond their transactions.</summary>
    public int Pinned { get => Volatile.Read(ref _pinned); set => Volatile.Write(ref _pinned, value); }

    /// <summary>The same over all reactors.</summary>
    public int PinnedInAll => _places?.Pinned ?? Pinned;

    /// <summary>Connections that are lacking here.</summary>
    public int Wanted { get => Volatile.Read(ref _wanted); internal set => Volatile.Write(ref _wanted, value); }

    /// <summary>Since when without a break, in Stopwatch ticks.</summary>
    internal long WantedSince { get; set; }

    /// <summary>Connections that serve whoever comes.</summary>
    public int AtWork => Leased - Leaving - Pinned;

    /// <summary>It holds or lacks connections.</summary>
    public bool IsActive => Leased > 0 || Wanted > 0;

    /// <summary>How many reactors hold or lack connections of the tenant; from 1.</summary>
    public int Parts => _places is { Members: > 1 } places ? places.Parts : 1;

    /// <summary>More connections than the limit allows, even when those on their way out are gone.</summary>
    public bool IsOverdrawn => _places?.IsOverdrawn ?? Leased - Leaving > Total;

    /// <summary>Another reactor lacks a connection; two reads, for every server that comes back.</summary>
    public bool IsWantedElsewhere => _places is not null && _places.IsWantedBeside(this);

    /// <summary>This reactor's part of what is guaranteed to the tenant.</summary>
    public int PartOf(int minimum)
    {
        int parts = Parts;
        return parts == 1 ? minimum : (minimum / parts) + (_places!.RankOf(this) < minimum % parts ? 1 : 0);
    }

    /// <inheritdoc cref="TenantPlaces.WaitingBeside"/>
    public int WaitingElsewhere => _places is { Members: > 1 } places ? places.WaitingBeside(this) : 0;

    /// <inheritdoc cref="TenantPlaces.NoteOpened"/>
    public void NoteOpened(int processId, EndPoint origin) => _places?.NoteOpened(processId, origin);

    /// <inheritdoc cref="TenantPlaces.NoteEnded"/>
    public void NoteEnded(int processId, EndPoint origin) => _places?.NoteEnded(processId, origin);

    /// <inheritdoc cref="TenantPlaces.OwnsProcess"/>
    public bool OwnsProcess(int processId, EndPoint origin) => _places?.OwnsProcess(processId, origin) == true;

    /// <inheritdoc cref="TenantPlaces.TryTake"/>
    public bool TryTake()
    {
        if (_places is not null) return _places.TryTake(this);
        if (Free == 0) return false;
        Leased++;
        return true;
    }

    /// <inheritdoc cref="TenantPlaces.Want"/>
    public void Want(int wanted) => _places?.Want(this, wanted);

    /// <inheritdoc cref="TenantPlaces.AskAgain"/>
    public void AskAgain() => _places?.AskAgain(this);

    /// <inheritdoc cref="TenantPlaces.TryYield"/>
    public bool TryYield(bool hasServed, TimeSpan? idleFor, TimeSpan keep) => _places is not null && _places.TryYield(this, hasServed, idleFor, keep);

    /// <inheritdoc cref="TenantPlaces.HasRoom"/>
    public bool HasRoom => _places?.HasRoom ?? true;

    /// <inheritdoc cref="TenantPlaces.AddListener"/>
    public void AddListener() => _places?.AddListener();

    /// <inheritdoc cref="TenantPlaces.RemoveListener"/>
    public void RemoveListener() => _places?.RemoveListener();

    /// <summary>It takes part no more: all permits are back.</summary>
    public void End() => _places?.Leave(this);

    internal void Take()
    {
        if (_places is not null) _places.Take(this);
        else Leased++;
    }

    internal void Return()
    {
        if (_places is not null)
        {
            _places.Return(this);
            return;
        }
        Leased--;
        if (Leased < 0) throw new InvalidOperationException("more server permits came back than were given");
    }

    private sealed class NoPlaceUser : IPlaceUser
    {
        public static readonly NoPlaceUser Instance = new();

        public int IdleHint => 0;

        public int WaitingHint => 0;

        public void OnPlaceFree()
        {
        }

        public void OnPlaceWanted()
        {
        }
    }
}
