using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>BackendKeyData (B): what a CancelRequest must name. The span lies in the body.</summary>
public readonly ref struct BackendKeyData
{
    /// <summary>Shortest key, in bytes, and the only length in protocol 3.0.</summary>
    public const int KeyLengthMin = 4;

    /// <summary>Longest key, in bytes, from protocol 3.2 on.</summary>
    public const int KeyLengthMax = 256;

    private BackendKeyData(int processId, ReadOnlySpan<byte> key)
    {
        ProcessId = processId;
        Key = key;
    }

    public int ProcessId { get; }

    /// <summary><see cref="KeyLengthMin"/> to <see cref="KeyLengthMax"/> bytes.</summary>
    public ReadOnlySpan<byte> Key { get; }

    /// <exception cref="PgProtocolException">08P01, when the key is shorter or longer than the protocol allows.</exception>
    public static BackendKeyData Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(BackendKeyData));
        int processId = reader.Int32();
        ReadOnlySpan<byte> key = reader.Rest();
        if (key.Length is < KeyLengthMin or > KeyLengthMax)
        {
            PgProtocolException.ThrowMalformed(nameof(BackendKeyData), "its key is not 4 to 256 bytes long");
        }

        return new BackendKeyData(processId, key);
    }

    /// <param name="to">Where the message goes.</param>
    /// <param name="processId">Any number but 0.</param>
    /// <param name="key">4 bytes in protocol 3.0, 4 to 256 in 3.2.</param>
    public static void Write(FrameWriter to, int processId, ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(key.Length, KeyLengthMin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, KeyLengthMax);
        int mark = to.Begin(BackendMessage.BackendKeyData);
        to.WriteInt32(processId);
        to.WriteBytes(key);
        to.End(mark);
    }
}
