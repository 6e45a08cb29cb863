namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>Bytes in order of sending, in rented chunks.</summary>
internal struct ChunkQueue
{
    private Chunk? _tail;

    /// <summary>The chunk to send next; null when the queue is empty.</summary>
    public Chunk? Head { get; private set; }

    /// <summary>Bytes held in all chunks.</summary>
    public int Bytes { get; private set; }

    /// <summary>The free space behind the last byte, at least <paramref name="length"/> bytes of it; <see cref="Advance"/> says how much was filled.</summary>
    public Memory<byte> Reserve(ChunkPool pool, int length, int chunkLength)
    {
        if (_tail is null || _tail.Array.Length - _tail.End < length)
            Append(pool.Rent(Math.Max(length, chunkLength)));
        return _tail!.Array.AsMemory(_tail.End);
    }

    /// <summary>Counts in what was written into the reserved space.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than was reserved.</exception>
    public void Advance(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _tail is null ? 0 : _tail.Array.Length - _tail.End);
        if (_tail is not null)
            _tail.End += length;
        Bytes += length;
    }

    /// <summary>Copies bytes behind what is held.</summary>
    public void Append(ChunkPool pool, ReadOnlySpan<byte> bytes)
    {
        Bytes += bytes.Length;
        while (true)
        {
            if (_tail is { } tail)
            {
                int fits = Math.Min(tail.Room.Length, bytes.Length);
                bytes[..fits].CopyTo(tail.Room);
                tail.End += fits;
                bytes = bytes[fits..];
            }
            if (bytes.IsEmpty)
                return;
            Append(pool.Rent(Math.Min(bytes.Length, ChunkPool.SizeMax)));
        }
    }

    /// <summary>Moves all chunks of <paramref name="other"/> behind what is held.</summary>
    public void Append(ref ChunkQueue other)
    {
        if (other.Head is null)
            return;
        if (_tail is null)
            Head = other.Head;
        else
            _tail.Next = other.Head;
        _tail = other._tail;
        Bytes += other.Bytes;
        other = default;
    }

    /// <summary>Drops bytes of the head chunk that were sent, and the chunk with its last byte.</summary>
    public void Drop(ChunkPool pool, int length)
    {
        Chunk head = Head!;
        head.Start += length;
        Bytes -= length;
        if (head.Length == 0)
            pool.Return(Detach());
    }

    /// <summary>Takes the head chunk out, with what it holds; its new owner returns it.</summary>
    public Chunk Detach()
    {
        Chunk head = Head!;
        Bytes -= head.Length;
        Head = head.Next;
        head.Next = null;
        if (Head is null)
            _tail = null;
        return head;
    }

    /// <summary>Drops everything.</summary>
    public void Clear(ChunkPool pool)
    {
        while (Head is not null)
            pool.Return(Detach());
    }

    private void Append(Chunk chunk)
    {
        if (_tail is null)
            Head = chunk;
        else
            _tail.Next = chunk;
        _tail = chunk;
    }
}
