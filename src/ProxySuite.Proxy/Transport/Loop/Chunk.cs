namespace ProxySuite.Proxy.Transport.Loop;

/// <summary>A rented array and the part of it that holds bytes. Whoever holds a chunk returns it to the pool of its present reactor.</summary>
internal sealed class Chunk(byte[] array, int sizeClass)
{
    /// <summary>The memory; its length is the class's size, or what was asked for when that is more than the largest class.</summary>
    public readonly byte[] Array = array;

    /// <summary>Index into the pool's classes; -1 when the pool does not keep it.</summary>
    public readonly int SizeClass = sizeClass;

    /// <summary>First byte that is held.</summary>
    public int Start;

    /// <summary>Behind the last byte that is held.</summary>
    public int End;

    /// <summary>The next chunk of the list this one is in.</summary>
    public Chunk? Next;

    /// <summary>Bytes held.</summary>
    public int Length => End - Start;

    /// <summary>The bytes held.</summary>
    public Span<byte> Bytes => Array.AsSpan(Start, End - Start);

    /// <summary>The free space behind them.</summary>
    public Span<byte> Room => Array.AsSpan(End);
}
