namespace ProxySuite.Proxy.Frontend;

/// <summary>Buffers for the batches under way on one reactor; as many are kept as were ever in use at once, up to a bound.</summary>
internal sealed class BatchBuffers
{
    /// <summary>Longest batch that is kept, in bytes; a longer one is not sent again.</summary>
    public const int Size = 4096;

    private const int FreeMax = 256;

    private readonly Stack<byte[]> _free = new();

    public byte[] Rent() => _free.Count > 0 ? _free.Pop() : GC.AllocateUninitializedArray<byte>(Size);

    public void Return(byte[] buffer)
    {
        if (_free.Count < FreeMax) _free.Push(buffer);
    }
}
