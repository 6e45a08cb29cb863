using System.Buffers.Binary;

namespace ProxySuite.Testing.Protocol;

/// <summary>Cuts one direction of a connection into messages, however the bytes come in.</summary>
/// <param name="sender">Whose bytes they are.</param>
/// <param name="startsUp">True for a frontend's stream from its first byte on: packets without type byte come first.</param>
internal sealed class MessageSplitter(Side sender, bool startsUp)
{
    private const int TypedHeader = 5;
    private const int UntypedHeader = 4;

    private readonly List<byte> _pending = [];
    private bool _startsUp = startsUp;
    private int _singleBytes;

    /// <summary>Bytes that are not yet a whole message.</summary>
    public int PendingBytes => _pending.Count;

    /// <summary>The next byte is the backend's answer to an SSLRequest or GSSENCRequest.</summary>
    public void ExpectSingleByte() => _singleBytes++;

    public void Add(ReadOnlySpan<byte> bytes) => _pending.AddRange(bytes);

    /// <summary>The next whole message; null when none is whole.</summary>
    /// <exception cref="InvalidDataException">A length word below 4: the stream cannot be cut any further.</exception>
    public WireMessage? Next()
    {
        if (_singleBytes > 0 && _pending.Count > 0)
        {
            _singleBytes--;
            return Take(1, isTyped: false);
        }
        int header = _startsUp ? UntypedHeader : TypedHeader;
        if (_pending.Count < header) return null;
        ReadOnlySpan<byte> bytes = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pending);
        int length = BinaryPrimitives.ReadInt32BigEndian(bytes[(header - UntypedHeader)..]);
        if (length < UntypedHeader) throw new InvalidDataException($"a message of length {length}: {Convert.ToHexString(bytes[..header])}");
        long total = (long)length + header - UntypedHeader;
        if (_pending.Count < total) return null;
        WireMessage message = Take((int)total, isTyped: !_startsUp);
        // Packets of the start-up phase begin with a code; SSLRequest and GSSENCRequest are followed by another packet.
        if (_startsUp && message.ToString() is not ("SSLRequest" or "GSSENCRequest")) _startsUp = false;
        return message;
    }

    private WireMessage Take(int count, bool isTyped)
    {
        byte[] frame = [.. _pending.Take(count)];
        _pending.RemoveRange(0, count);
        return new WireMessage(sender, frame, isTyped);
    }
}
