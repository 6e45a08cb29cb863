namespace ProxySuite.Proxy.Pooling.Scheduling;

/// <summary>Who shares something by weight: what it has had so far, and its place in a <see cref="FairLine{T}"/>.</summary>
internal abstract class FairEntry
{
    /// <summary>Service received, divided by weight, on a scale that only differences count on; any unit of time.</summary>
    internal long VirtualTime;

    /// <summary>Goes before all who are not: it has less than what it was guaranteed.</summary>
    internal bool IsUrgent;

    /// <summary>What the line is ordered by: <see cref="VirtualTime"/>, and what it is having now.</summary>
    internal long Key;

    internal long Ticket;
    internal int Position = -1;

    /// <summary>True while it stands in a line.</summary>
    internal bool IsWaiting => Position >= 0;
}

/// <summary>A line in which whoever has had least for its weight is first; among equals, who came first. A binary heap: all in O(log n).</summary>
internal sealed class FairLine<T> where T : FairEntry
{
    private T[] _heap = new T[16];
    private long _tickets;

    /// <summary>How many stand in line.</summary>
    public int Count { get; private set; }

    /// <summary>Whose turn it is.</summary>
    public T? First => Count > 0 ? _heap[0] : null;

    /// <summary>All who wait, in no order.</summary>
    public ReadOnlySpan<T> All => _heap.AsSpan(0, Count);

    public void Add(T entry)
    {
        if (entry.IsWaiting) throw new InvalidOperationException("stands in line twice");
        if (Count == _heap.Length) Array.Resize(ref _heap, Count * 2);
        entry.Ticket = ++_tickets;
        entry.Position = Count++;
        Up(entry);
    }

    /// <returns>False when it does not stand in line.</returns>
    public bool Remove(T entry)
    {
        if (!entry.IsWaiting) return false;
        int at = entry.Position;
        entry.Position = -1;
        T last = _heap[--Count];
        _heap[Count] = null!;
        if (ReferenceEquals(last, entry)) return true;
        last.Position = at;
        Up(last);
        Down(last);
        return true;
    }

    /// <summary>Its key has changed.</summary>
    public void Moved(T entry)
    {
        if (!entry.IsWaiting) return;
        Up(entry);
        Down(entry);
    }

    private void Up(T entry)
    {
        int at = entry.Position;
        while (at > 0 && IsBefore(entry, _heap[(at - 1) / 2]))
        {
            Put(_heap[(at - 1) / 2], at);
            at = (at - 1) / 2;
        }
        Put(entry, at);
    }

    private void Down(T entry)
    {
        int at = entry.Position;
        while (true)
        {
            int child = (2 * at) + 1;
            if (child >= Count) break;
            if (child + 1 < Count && IsBefore(_heap[child + 1], _heap[child])) child++;
            if (!IsBefore(_heap[child], entry)) break;
            Put(_heap[child], at);
            at = child;
        }
        Put(entry, at);
    }

    private void Put(T entry, int at)
    {
        _heap[at] = entry;
        entry.Position = at;
    }

    private static bool IsBefore(T left, T right)
        => left.IsUrgent != right.IsUrgent ? left.IsUrgent : left.Key != right.Key ? left.Key < right.Key : left.Ticket < right.Ticket;
}
