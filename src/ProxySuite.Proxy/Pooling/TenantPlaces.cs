using System.Diagnostics;
using System.Net;
using ProxySuite.Tenancy.Model;

namespace ProxySuite.Proxy.Pooling;

/// <summary>Whoever takes places of a tenant's limit on one reactor. Called on any thread.</summary>
internal interface IPlaceUser
{
    /// <summary>Idle server connections, as of a moment ago.</summary>
    int IdleHint { get; }

    /// <summary>Queries that wait for a server, as of a moment ago.</summary>
    int WaitingHint { get; }

    /// <summary>A place may be free.</summary>
    void OnPlaceFree();

    /// <summary>Another reactor lacks a place: idle connections may have to go.</summary>
    void OnPlaceWanted();
}

/// <summary>
/// A tenant's limit of server connections on one shard, over all reactors that serve it: one count, so that the sum is never above it, however the clients are spread.
/// The lock is taken when a connection is opened or closed and while one is lacking, never for a query otherwise.
/// </summary>
/// <remarks>
/// A free place goes to the reactor that lacks one and has fewest connections at work; who has more stands back. A connection moves over (it is closed here and opened there) only
/// where that evens out, where the other has none at all, or where it has been idle for the quantum of the shard's sharing: two reactors in equal want keep what they have.
/// </remarks>
internal sealed class TenantPlaces
{
    private static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private TenantBudget[] _members = []; // a fresh array at each change: it is walked without the lock
    private int _total = 1;
    private int _leased;
    private int _wanting; // members that lack places
    private int _listeners;
    private Dictionary<(int ProcessId, EndPoint Origin), bool>? _processes; // most tenants have no server most of the time
    private Queue<(int ProcessId, EndPoint Origin, long At)>? _ended;

    /// <summary>The limit, from 1; may be lowered below what is leased, which then drains.</summary>
    public int Total
    {
        get => Volatile.Read(ref _total);
        set
        {
            lock (_gate) Volatile.Write(ref _total, value);
            Wake(null);
        }
    }

    /// <summary>Permits out, on all reactors.</summary>
    public int Leased => Volatile.Read(ref _leased);

    /// <summary>Permits left.</summary>
    public int Free => Math.Max(0, Most - Leased);

    /// <summary>Reactors that take part.</summary>
    public int Members => Volatile.Read(ref _members).Length;

    /// <summary>Clients that keep a server beyond their transactions, on all reactors.</summary>
    public int Pinned
    {
        get
        {
            int pinned = 0;
            foreach (TenantBudget member in Volatile.Read(ref _members)) pinned += member.Pinned;
            return pinned;
        }
    }

    /// <summary>Reactors that hold or lack connections: the parts that the tenant's weight and minimum are divided into; from 1.</summary>
    public int Parts
    {
        get
        {
            int parts = 0;
            foreach (TenantBudget member in Volatile.Read(ref _members)) if (member.IsActive) parts++;
            return Math.Max(1, parts);
        }
    }

    // One listener of a tenant stands outside its limit, wherever its clients are; one more on another reactor takes a place.
    private int Most => Math.Max(1, Total - Math.Max(0, Volatile.Read(ref _listeners) - 1));

    /// <summary>More connections than allowed, even when those on their way out are gone.</summary>
    public bool IsOverdrawn => Leased > Most && Leased - Leaving > Most;

    /// <summary>No more servers than there are places beside the listeners.</summary>
    public bool HasRoom => Leased <= Most;

    private int Leaving
    {
        get
        {
            int leaving = 0;
            foreach (TenantBudget member in Volatile.Read(ref _members)) leaving += member.Leaving;
            return leaving;
        }
    }

    /// <summary>Queries that wait on the other reactors.</summary>
    public int WaitingBeside(TenantBudget member)
    {
        int waiting = 0;
        foreach (TenantBudget other in Volatile.Read(ref _members)) if (!ReferenceEquals(other, member)) waiting += other.User.WaitingHint;
        return waiting;
    }

    /// <summary>Another member lacks a place.</summary>
    public bool IsWantedBeside(TenantBudget member) => Volatile.Read(ref _wanting) > (member.Wanted > 0 ? 1 : 0);

    /// <summary>Which of <see cref="Parts"/> a member is, from 0.</summary>
    public int RankOf(TenantBudget member)
    {
        int rank = 0;
        foreach (TenantBudget other in Volatile.Read(ref _members))
        {
            if (ReferenceEquals(other, member)) break;
            if (other.IsActive) rank++;
        }
        return rank;
    }

    public void Join(TenantBudget member)
    {
        lock (_gate) Volatile.Write(ref _members, [.. _members, member]);
    }

    public void Leave(TenantBudget member)
    {
        Want(member, 0);
        lock (_gate) Volatile.Write(ref _members, [.. _members.Where(other => !ReferenceEquals(other, member))]);
    }

    /// <summary>Takes a place; where there is none, or it is another's turn, the member is noted as lacking one and hears of it when it may try again.</summary>
    public bool TryTake(TenantBudget member)
    {
        // Noted already, and still nothing to be had: a queue that grows takes no lock.
        if (member.Wanted > 0 && Leased >= Most) return false;
        lock (_gate)
        {
            if (_leased < Most && !StandsBack(member))
            {
                Volatile.Write(ref _leased, _leased + 1);
                member.Leased++;
                return true;
            }
            if (member.Wanted > 0) return false;
            Note(member, 1);
        }
        Ask(member, isSure: true);
        return false;
    }

    /// <summary>Takes a place whatever the limit says: for a connection that is there already.</summary>
    public void Take(TenantBudget member)
    {
        lock (_gate)
        {
            Volatile.Write(ref _leased, _leased + 1);
            member.Leased++;
        }
    }

    public void Return(TenantBudget member)
    {
        lock (_gate)
        {
            if (--member.Leased < 0) throw new InvalidOperationException("more server permits came back than were given");
            Volatile.Write(ref _leased, _leased - 1);
        }
        Wake(member);
    }

    /// <summary>How many connections a member lacks now, 0 for none.</summary>
    public void Want(TenantBudget member, int wanted)
    {
        int before = member.Wanted;
        if (wanted == before) return;
        if (wanted > 0 && before > 0)
        {
            member.Wanted = wanted;
            if (wanted > before) Ask(member, isSure: false);
            return;
        }
        lock (_gate) Note(member, wanted);
        if (wanted > 0) Ask(member, isSure: true);
        else Wake(member); // what it stood in the way of
    }

    /// <summary>Asks the others once more for what is idle there: hints may have missed it.</summary>
    public void AskAgain(TenantBudget member)
    {
        if (member.Wanted > 0) Ask(member, isSure: true);
    }

    /// <summary>Whether a connection at rest is to be closed for another reactor. The caller closes it, which <see cref="TenantBudget.Leaving"/> then says.</summary>
    /// <param name="member">Whose it is.</param>
    /// <param name="hasServed">It has served this reactor for its time.</param>
    /// <param name="idleFor">How long it has been idle; null when it is about to be lent.</param>
    /// <param name="keep">How long an idle one is kept where giving it away would not even things out: whoever uses it now and then is not to log in each time.</param>
    public bool TryYield(TenantBudget member, bool hasServed, TimeSpan? idleFor, TimeSpan keep)
    {
        lock (_gate)
        {
            int lacking = 0, fewest = int.MaxValue, coming = Math.Max(0, Most - _leased) + Leaving;
            foreach (TenantBudget other in _members)
            {
                if (other.Wanted == 0 || ReferenceEquals(other, member)) continue;
                lacking += other.Wanted;
                fewest = Math.Min(fewest, other.AtWork);
            }
            if (lacking <= coming) return false;
            fewest += coming;
            if (member.AtWork > fewest + 1) return true;
            return idleFor is { } idle ? fewest == 0 || idle >= keep : fewest == 0 && hasServed;
        }
    }

    /// <summary>Counts a reactor's listener. Beyond the first one it takes a server's place, which is free once <see cref="HasRoom"/>.</summary>
    public void AddListener()
    {
        lock (_gate) Volatile.Write(ref _listeners, _listeners + 1);
        if (HasRoom) return;
        foreach (TenantBudget member in Volatile.Read(ref _members)) member.User.OnPlaceWanted();
    }

    /// <summary>Gives a listener's place back.</summary>
    public void RemoveListener()
    {
        lock (_gate) Volatile.Write(ref _listeners, _listeners - 1);
        Wake(null);
    }

    /// <summary>A server process of the tenant: notifications that it sends are the tenant's, whichever reactor hears of them.</summary>
    public void NoteOpened(int processId, EndPoint origin)
    {
        lock (_gate) (_processes ??= [])[(processId, origin)] = true;
    }

    /// <summary>It has ended. It is remembered for as long as what it sent may be on its way, and less than its id can come round to another process.</summary>
    public void NoteEnded(int processId, EndPoint origin)
    {
        lock (_gate)
        {
            (_processes ??= [])[(processId, origin)] = false;
            (_ended ??= []).Enqueue((processId, origin, Stopwatch.GetTimestamp()));
            Forget();
        }
    }

    /// <summary>True for a server process of the tenant, on any reactor, now or until a moment ago.</summary>
    public bool OwnsProcess(int processId, EndPoint origin)
    {
        lock (_gate)
        {
            Forget();
            return _processes?.ContainsKey((processId, origin)) == true;
        }
    }

    private void Forget()
    {
        if (_ended is null) return;
        while (_ended.TryPeek(out (int ProcessId, EndPoint Origin, long At) first) && Stopwatch.GetElapsedTime(first.At) > RememberedFor)
        {
            _ended.Dequeue();
            if (_processes!.TryGetValue((first.ProcessId, first.Origin), out bool isOpen) && !isOpen) _processes.Remove((first.ProcessId, first.Origin));
        }
    }

    private void Note(TenantBudget member, int wanted)
    {
        if (member.Wanted == 0 && wanted > 0) member.WantedSince = Stopwatch.GetTimestamp();
        Volatile.Write(ref _wanting, _wanting + (wanted > 0 ? 1 : 0) - (member.Wanted > 0 ? 1 : 0));
        member.Wanted = wanted;
    }

    /// <summary>Another member has fewer at work and lacks one, or as many and has lacked one for longer.</summary>
    private bool StandsBack(TenantBudget member)
    {
        if (!IsWantedBeside(member)) return false;
        foreach (TenantBudget other in _members)
        {
            if (other.Wanted == 0 || ReferenceEquals(other, member)) continue;
            int more = member.AtWork - other.AtWork;
            if (more > 0 || (more == 0 && (member.Wanted == 0 || other.WantedSince < member.WantedSince))) return true;
        }
        return false;
    }

    private void Wake(TenantBudget? beside)
    {
        if (Volatile.Read(ref _wanting) == 0 || Free == 0) return;
        foreach (TenantBudget member in Volatile.Read(ref _members))
        {
            if (member.Wanted > 0 && !ReferenceEquals(member, beside)) member.User.OnPlaceFree();
        }
    }

    private void Ask(TenantBudget asking, bool isSure)
    {
        foreach (TenantBudget member in Volatile.Read(ref _members))
        {
            if (!ReferenceEquals(member, asking) && (isSure || member.User.IdleHint > 0)) member.User.OnPlaceWanted();
        }
    }
}

/// <summary>The limits of all tenants that have pools now, by shard: a tenant that moves has one on either until the old one is empty. Any thread.</summary>
internal sealed class TenantPlacesTable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(TenantId Tenant, ShardBudget Shard), (TenantPlaces Places, int Users)> _all = [];

    /// <summary>Limits now.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _all.Count;
        }
    }

    /// <summary>A tenant's; to be given back by <see cref="Leave"/>.</summary>
    public TenantPlaces Join(TenantId tenant, ShardBudget shard)
    {
        lock (_gate)
        {
            (TenantPlaces places, int users) = _all.TryGetValue((tenant, shard), out (TenantPlaces, int) known) ? known : (new TenantPlaces(), 0);
            _all[(tenant, shard)] = (places, users + 1);
            return places;
        }
    }

    /// <summary>A pool of the tenant's is gone.</summary>
    public void Leave(TenantId tenant, ShardBudget shard)
    {
        lock (_gate)
        {
            if (!_all.TryGetValue((tenant, shard), out (TenantPlaces Places, int Users) known)) return;
            if (known.Users == 1) _all.Remove((tenant, shard));
            else _all[(tenant, shard)] = known with { Users = known.Users - 1 };
        }
    }
}
