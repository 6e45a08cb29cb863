namespace ProxySuite.Proxy.Pooling.Scheduling;

/// <summary>How much those who hold connections are asked to give some up.</summary>
internal enum SharePressure
{
    /// <summary>Nobody waits for whom not enough is on its way.</summary>
    None,

    /// <summary>Somebody waits: whoever has held a connection for its time asks whether to go on.</summary>
    Wanted,

    /// <summary>Somebody waits who has less than guaranteed, or more are open than allowed: everybody asks at once.</summary>
    Urgent,
}

/// <summary>
/// Who may hold how many connections to a shard, when they are too few for all. Decides alone: no thread, lock, socket or clock; the time is passed in, and what
/// follows for others is left in <see cref="Granted"/> and <see cref="Asked"/>.
/// </summary>
/// <remarks>
/// One idea: a place serves its tenant for a quantum; then, at a moment at which no transaction is open, it goes to whoever waits and has been served least for
/// its weight, if that is less than its holder. Served time is kept as virtual time (time served / weight, as in start-time fair queueing); who comes or comes back
/// starts at the virtual time of the turn, so nobody saves up rights and nobody pays for what it used while nobody else wanted it, beyond <see cref="DebtQuanta"/>.
/// What a tenant took beyond its share and one more while nobody else wanted it is not protected by the quantum: held for one, it would have to wait for as many turns.
/// Guaranteed minima go before all that; together they are at most the cap less a tenth, so that some places always go round.
/// Behind all who wait comes growth: who would save work by one place more gets a free one, or one that somebody has left idle for a quantum (<see cref="TryGrow"/>).
/// Invariants: Leased = the sum of all accounts' Held; nothing is granted above Limit; while somebody waits and the pace allows it, no place is free.
/// </remarks>
internal sealed class ShardScheduler(int limit, SharePolicy policy, Random random)
{
    /// <summary>Quanta by weight that an account can be ahead of the turn: bounds how long a tenant waits after a long transaction, to as many turns.</summary>
    public const int DebtQuanta = 10;

    /// <summary>Quanta by weight that it can be behind: bounds how long it goes before all others.</summary>
    public const int CreditQuanta = 2;

    private readonly FairLine<ShardAccount> _line = new();
    private readonly List<ShardAccount> _holders = [];
    private readonly OpeningPace _pace = new(policy, random);
    private ShardAccount? _spares; // who was asked for growth, until it has answered or somebody else is asked
    private long _growsAt = long.MinValue;
    private int _pressures;
    private long _virtualNow;
    private long _minima;
    private long _weights;
    private long _openingTime = policy.LingerMin;

    /// <summary>Most connections.</summary>
    public int Limit { get; private set; } = limit;

    /// <summary>Connections open, opening, or reserved.</summary>
    public int Leased { get; private set; }

    /// <summary>Of these, the ones that are on their way out.</summary>
    public int Leaving { get; private set; }

    /// <summary>Those who wait.</summary>
    public int InLine => _line.Count;

    /// <summary>The numbers in force.</summary>
    public SharePolicy Policy => _pace.Policy;

    /// <summary>Accounts that were given a place since this was last emptied.</summary>
    public List<ShardAccount> Granted { get; } = [];

    /// <summary>Accounts that are to look for an idle connection to give up, since this was last emptied.</summary>
    public List<ShardAccount> Asked { get; } = [];

    /// <summary>The sum of the minima of those who hold or want something.</summary>
    public long Minima => _minima;

    /// <summary>Connections that were given over while busy, and given up while idle.</summary>
    public long HandOvers { get; private set; }

    /// <inheritdoc cref="HandOvers"/>
    public long Evictions { get; private set; }

    /// <summary>Requests that stood in line although a place was free: the pace, or a pause after a failure, held them back.</summary>
    public long HeldBack { get; private set; }

    /// <summary>True while connections cannot be opened because the last attempts failed.</summary>
    public bool IsFailing => _pace.IsFailing;

    /// <summary>How long an idle place is kept for its tenant while others wait: what it costs to open one, within bounds. Less would cost more than it gives.</summary>
    public long Linger => Math.Clamp(_openingTime, Policy.LingerMin, Policy.LingerMax);

    /// <summary>What holders are to do.</summary>
    public SharePressure Pressure
        => Leased - Leaving > Limit ? SharePressure.Urgent
        : Wanted <= 0 ? SharePressure.None
        : _line.First!.IsUrgent ? SharePressure.Urgent : SharePressure.Wanted;

    /// <summary>When <see cref="Tick"/> is to be called; null for not at all.</summary>
    public long? WakeAt => _line.Count > 0 && Leased < Limit ? _pace.StartsAt() : null;

    /// <summary>Places that those in line lack even when all that is free or on its way has come.</summary>
    private int Wanted => _line.Count - Leaving - Free;

    private int Free => Math.Max(0, Limit - Leased);

    /// <summary>Asks for a place.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="served">Time for which its connections have served it so far; only differences count.</param>
    /// <param name="now">The time.</param>
    /// <returns>True when it has one; false when it stands in line and will be in <see cref="Granted"/>.</returns>
    public bool Request(ShardAccount account, long served, long now)
    {
        bool isWantedAlready = Pressure != SharePressure.None;
        Settle(account, served);
        if (!account.IsWaiting)
        {
            Rekey(account);
            _line.Add(account);
            Activate(account);
        }
        int before = Granted.Count;
        Serve(now);
        // What it gets at once it is told at once.
        if (Granted.Count > before && Granted.Remove(account)) return true;
        if (Leased < Limit) HeldBack++;
        // Where pressure begins, those who hold places have to see it before they are asked: AskIdle.
        if (isWantedAlready) AskNext(isNewcomer: true);
        return false;
    }

    /// <summary>
    /// Asks for a place that nobody waits for: a free one, at once. Where none is free, whoever has left one idle for a quantum, and for longest, is asked to give it up, so that it is free
    /// for who asks again. So nothing is taken that is in use or guaranteed, and whoever waits goes first.
    /// </summary>
    /// <returns>True when it has one; false for no, and it does not stand in line.</returns>
    public bool TryGrow(ShardAccount account, long served, long now)
    {
        if (_line.Count > 0 || !_pace.CanStart(now, Leaving)) return false;
        if (Leased < Limit) return Request(account, served, now);
        // One that is on its way out already will do. A look goes over all holders, so it is not taken more often than a place can be opened.
        if (Leaving > 0 || now < _growsAt) return false;
        _growsAt = now + Linger;
        _spares = LongestIdle(now - Policy.Quantum, except: account);
        if (_spares is not null) Asked.Add(_spares);
        return false;
    }

    /// <summary>It wants none any more.</summary>
    public void Withdraw(ShardAccount account)
    {
        if (_line.Remove(account)) Activate(account);
    }

    /// <summary>What the owner is.</summary>
    public void Configure(ShardAccount account, int weight, int minimum)
    {
        if (account.Weight == weight && account.Minimum == minimum) return;
        if (account.IsActive)
        {
            _weights += weight - account.Weight;
            _minima += minimum - account.Minimum;
        }
        account.Weight = weight;
        account.Minimum = minimum;
        Rekey(account);
    }

    /// <summary>Asks whether a connection is to be given up. When it is, the holder closes it, and it counts as leaving from now on.</summary>
    /// <param name="holder">Whose it is.</param>
    /// <param name="served">As in <see cref="Request"/>.</param>
    /// <param name="idleFor">How long it has been idle; negative when somebody of its own tenant is about to get it.</param>
    /// <param name="now">The time.</param>
    public bool TryYield(ShardAccount holder, long served, long idleFor, long now)
    {
        Settle(holder, served);
        Rekey(holder);
        if (holder.Held - holder.Leaving <= Guaranteed(holder))
        {
            holder.HoldsTooMany = false;
            return false;
        }
        if (Leased - Leaving <= Limit)
        {
            // What could not be opened in its place, now or when those before it are, would be a place lost.
            if (!_pace.CanStart(now, Leaving + Free) || !(Wanted > 0 ? IsForFirst(holder, idleFor, now) : IsForGrowth(holder, idleFor))) return false;
        }
        if (idleFor < 0) HandOvers++;
        else Evictions++;
        Leave(holder);
        if (holder.HoldsTooMany) holder.HoldsTooMany = Wanted > 0 && IsBeyondShare(holder);
        return true;
    }

    /// <summary>A connection is on its way out for a reason of its holder's.</summary>
    public void Leave(ShardAccount holder)
    {
        holder.Leaving++;
        Leaving++;
        Rekey(holder);
    }

    /// <summary>A place was used: the connection is open.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="took">How long it took since the place was given.</param>
    /// <param name="now">The time.</param>
    public void Opened(ShardAccount account, long took, long now)
    {
        _pace.End(isConnected: true);
        _openingTime += (took - _openingTime) / 8;
        // A login is served time as well: who makes many pays for many.
        account.VirtualTime += took / account.Weight;
        Rekey(account);
        Serve(now);
    }

    /// <summary>A place was used in vain; it comes back by <see cref="Return"/> as one that is not opening.</summary>
    public void OpenFailed(ShardAccount account, long took, bool isShardsFault, long now)
    {
        _pace.Fail(now, isShardsFault);
        account.VirtualTime += took / account.Weight;
    }

    /// <summary>Gives a place back.</summary>
    /// <param name="account">Whose it was.</param>
    /// <param name="isUnused">Nothing was opened with it.</param>
    /// <param name="wasLeaving">It was counted by <see cref="Leave"/> or <see cref="TryYield"/>.</param>
    /// <param name="now">The time.</param>
    public void Return(ShardAccount account, bool isUnused, bool wasLeaving, long now)
    {
        if (isUnused) _pace.End(isConnected: false);
        if (wasLeaving)
        {
            account.Leaving--;
            Leaving--;
        }
        Leased--;
        if (--account.Held < 0 || account.Leaving < 0) throw new InvalidOperationException("more places came back than were given");
        if (account.Held == 0)
        {
            ShardAccount last = _holders[^1];
            _holders[account.HolderIndex] = last;
            last.HolderIndex = account.HolderIndex;
            _holders.RemoveAt(_holders.Count - 1);
            account.HolderIndex = -1;
            Activate(account);
        }
        Rekey(account);
        Serve(now);
    }

    /// <summary>Sets the most connections; those above it go as they come free.</summary>
    public void SetLimit(int value, long now)
    {
        Limit = value;
        Rekey();
        Serve(now);
    }

    /// <summary>Numbers that apply from now on.</summary>
    public void SetPolicy(SharePolicy policy) => _pace.Policy = policy;

    /// <summary>The time has come that <see cref="WakeAt"/> said.</summary>
    public void Tick(long now) => Serve(now);

    /// <summary>
    /// Asks as many of those who may have idle connections as there are places wanted. To be called when pressure begins, after whoever has made a connection idle
    /// without seeing the pressure has been made to see it.
    /// </summary>
    public void AskIdle()
    {
        _pressures++;
        bool isNewcomer = true;
        for (int wanted = Math.Max(Wanted, Leased - Leaving - Limit); wanted > 0 && AskNext(isNewcomer); wanted--) isNewcomer = false;
    }

    /// <summary>Asks the one that has had idle connections for longest, and each one once while the pressure lasts: somebody more waits, or whoever was asked had nothing.</summary>
    /// <param name="isNewcomer">Somebody more waits: what others have beyond their share is not protected from it.</param>
    /// <returns>False when nobody is left.</returns>
    public bool AskNext(bool isNewcomer = false)
    {
        if (Pressure == SharePressure.None || LongestIdle(ShardAccount.NoneIdle, isOnce: true, isMarking: isNewcomer) is not { } candidate) return false;
        candidate.AskedIn = _pressures;
        Asked.Add(candidate);
        return true;
    }

    /// <summary>Connections that nobody takes from it: its minimum, or its part of what there is where minima promise more.</summary>
    public int Guaranteed(ShardAccount account)
    {
        if (account.Minimum == 0) return 0;
        long most = Limit - Math.Max(1, Limit / 10);
        return _minima <= most ? account.Minimum : (int)(account.Minimum * Math.Max(0, most) / _minima);
    }

    private bool HasLess(ShardAccount first, ShardAccount holder)
        => first.IsUrgent || first.Key < holder.VirtualTime + ((holder.Held - holder.Leaving - 1) * Stride(holder));

    // More than one above: shares are seldom whole, and whoever is at its turn has one more for a while.
    private bool IsBeyondShare(ShardAccount holder) => (holder.Held - holder.Leaving - 1L) * _weights > (long)Limit * holder.Weight;

    /// <summary>Whether a holder gives one up for the first in line.</summary>
    private bool IsForFirst(ShardAccount holder, long idleFor, long now)
    {
        ShardAccount first = _line.First!;
        bool hasLess = HasLess(first, holder);
        if (!hasLess) holder.HoldsTooMany = false;
        // An idle one goes to whoever waits. But to take it from who has less, for who has more, only to open it again in a moment, helps neither.
        if (idleFor < 0 ? !hasLess : idleFor < (hasLess || ReferenceEquals(first, holder) ? Linger : Policy.Quantum)) return false;
        if (LongestIdle(idleFor < 0 ? now - Policy.LingerMax : holder.IdleSince, except: holder, first: first) is not { } other) return true;
        // Whoever has used none for longest misses one least: what is busy again in a moment would only be opened once more.
        Asked.Add(other);
        return false;
    }

    /// <summary>Whether a holder gives one up that nobody waits for: once for each time that it was asked.</summary>
    private bool IsForGrowth(ShardAccount holder, long idleFor)
    {
        if (!ReferenceEquals(holder, _spares)) return false;
        _spares = null;
        return idleFor >= Policy.Quantum;
    }

    /// <summary>Who has had a connection idle for longest and may be asked for it; by the hints, as of a moment ago.</summary>
    /// <param name="before">A time since before which it has to have been idle.</param>
    /// <param name="except">Who is not meant.</param>
    /// <param name="first">Who would get it, and has to have had less than the one who gives it; null for any.</param>
    /// <param name="isOnce">Those are not meant who have been asked since the pressure began.</param>
    /// <param name="isMarking">Says on the way who has more than its share.</param>
    private ShardAccount? LongestIdle(long before, ShardAccount? except = null, ShardAccount? first = null, bool isOnce = false, bool isMarking = false)
    {
        ShardAccount? longest = null;
        foreach (ShardAccount candidate in _holders)
        {
            if (isMarking) candidate.HoldsTooMany = IsBeyondShare(candidate);
            long since = candidate.IdleSince;
            if (since >= before || candidate.Held - candidate.Leaving <= Guaranteed(candidate) || ReferenceEquals(candidate, except)) continue;
            if ((isOnce && candidate.AskedIn == _pressures) || (first is not null && !HasLess(first, candidate))) continue;
            longest = candidate;
            before = since;
        }
        return longest;
    }

    private void Serve(long now)
    {
        while (_line.First is { } first && Leased < Limit && _pace.CanStart(now))
        {
            _pace.Start(now);
            _line.Remove(first);
            if (!first.IsUrgent) _virtualNow = Math.Max(_virtualNow, first.VirtualTime);
            Leased++;
            if (first.Held++ == 0)
            {
                first.HolderIndex = _holders.Count;
                _holders.Add(first);
            }
            Granted.Add(first);
        }
    }

    private void Settle(ShardAccount account, long served)
    {
        long charge = (served - account.ServedSeen) / account.Weight;
        account.VirtualTime += charge;
        // What the division leaves is charged the next time: many short transactions are not free.
        account.ServedSeen += charge * account.Weight;
        long stride = Stride(account);
        account.VirtualTime = Math.Clamp(account.VirtualTime, _virtualNow - (CreditQuanta * stride), _virtualNow + (DebtQuanta * stride));
    }

    private long Stride(ShardAccount account) => Policy.Quantum / account.Weight;

    private void Rekey(ShardAccount account)
    {
        int stays = account.Held - account.Leaving;
        account.Key = account.VirtualTime + (stays * Stride(account));
        account.IsUrgent = stays < Guaranteed(account);
        _line.Moved(account);
    }

    /// <summary>The minima add up to something else now: where they promise too much, that changes who is below.</summary>
    private void Rekey()
    {
        foreach (ShardAccount account in _line.All.ToArray()) Rekey(account);
    }

    private void Activate(ShardAccount account)
    {
        bool isActive = account.IsWaiting || account.Held > 0;
        if (isActive == account.IsActive) return;
        account.IsActive = isActive;
        _weights += isActive ? account.Weight : -account.Weight;
        if (account.Minimum == 0) return;
        long most = Limit - Math.Max(1, Limit / 10), before = _minima;
        _minima += isActive ? account.Minimum : -account.Minimum;
        if (before > most || _minima > most) Rekey();
        else Rekey(account);
    }
}
