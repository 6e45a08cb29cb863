using System.Buffers;

namespace ProxySuite.Proxy.Transport.Tls;

/// <summary>Plaintext received and not consumed, in an array that is rented while there is some.</summary>
internal struct TlsRest
{
    private const int RoomMin = 4 * 1024;

    private byte[]? _array;

    /// <summary>First byte held.</summary>
    public int Start { get; private set; }

    /// <summary>Bytes held.</summary>
    public int Length { get; private set; }

    public readonly ReadOnlySpan<byte> Bytes => _array.AsSpan(Start, Length);

    /// <summary>The bytes as a pipe's reader sees them; positions count from the array's start.</summary>
    public readonly ReadOnlySequence<byte> Sequence => _array is null ? default : new ReadOnlySequence<byte>(_array, Start, Length);

    /// <summary>Holds other bytes, which must not lie in here.</summary>
    public void Keep(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || _array is null || _array.Length < bytes.Length || _array.Length > 4 * Math.Max(bytes.Length, RoomMin)) Return();
        if (bytes.IsEmpty) return;
        _array ??= ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(_array);
        (Start, Length) = (0, bytes.Length);
    }

    /// <summary>Free space behind the bytes, at least one byte as long as <paramref name="lengthMax"/> are not held.</summary>
    public Memory<byte> Room(int lengthMax)
    {
        if (_array is null)
        {
            _array = ArrayPool<byte>.Shared.Rent(RoomMin);
        }
        else if (Start + Length == _array.Length)
        {
            byte[] next = ArrayPool<byte>.Shared.Rent(Length + RoomMin);
            Bytes.CopyTo(next);
            ArrayPool<byte>.Shared.Return(_array);
            (_array, Start) = (next, 0);
        }
        int end = Start + Length;
        return _array.AsMemory(end, Math.Min(_array.Length - end, lengthMax - Length));
    }

    /// <summary>Counts in what was written into the room.</summary>
    public void Advance(int length)
    {
        Length += length;
        if (Length == 0) Return();
    }

    /// <summary>Drops the bytes before a position of <see cref="Sequence"/>.</summary>
    public void ConsumeTo(int start)
    {
        Length -= start - Start;
        Start = start;
        if (Length == 0) Return();
    }

    /// <summary>Drops everything and gives the array back.</summary>
    public void Return()
    {
        if (_array is not null) ArrayPool<byte>.Shared.Return(_array);
        Forget();
    }

    /// <summary>Drops everything; the array is left to the collector, as somebody may still look at it.</summary>
    public void Forget()
    {
        _array = null;
        Start = Length = 0;
    }
}
