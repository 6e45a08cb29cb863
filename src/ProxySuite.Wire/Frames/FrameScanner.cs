using ProxySuite.Wire.Errors;

namespace ProxySuite.Wire.Frames;

/// <summary>
/// Walks a stream of messages that the network cut anywhere, and says where each message and each part of one lies. It looks at
/// headers only, copies nothing and allocates nothing: a body of a gigabyte passes through it in the slices it came in.
/// </summary>
/// <remarks>
/// Up to four bytes of a header that is not whole are left to the caller, who shows them again in front of what comes next:
/// <code>
/// int offset = 0;
/// while (_scanner.TryNext(received, ref offset, out FrameSlice slice)) { ... }
/// return offset;   // consumed; received[offset..] is the beginning of a header, 0 to 4 bytes
/// </code>
/// The scanner is a mutable value: keep it in a field that is not readonly. A copy taken before <see cref="TryNext"/> undoes the step.
/// </remarks>
public struct FrameScanner
{
    private readonly int _bodyLengthMax;
    private FrameHeader _header;
    private int _bodyRemaining;

    /// <param name="bodyLengthMax">Largest body accepted, in bytes, 0 to <see cref="FrameHeader.BodyLengthLimit"/>.</param>
    public FrameScanner(int bodyLengthMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bodyLengthMax);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bodyLengthMax, FrameHeader.BodyLengthLimit);
        _bodyLengthMax = bodyLengthMax;
    }

    /// <summary>Bytes of the current message that have not come yet; 0 between two messages.</summary>
    public readonly int BodyRemaining => _bodyRemaining;

    /// <summary>The message begun last; <c>default</c> before the first.</summary>
    public readonly FrameHeader Current => _header;

    /// <summary>Takes the next message, or the next part of one.</summary>
    /// <param name="bytes">Received bytes: the rest that the last round left, followed by what came since.</param>
    /// <param name="offset">Where to go on; moved behind the part taken.</param>
    /// <param name="slice">The part taken; never empty.</param>
    /// <returns>False when the bytes are used up but for a header that is not whole.</returns>
    /// <exception cref="PgProtocolException">08P01, when a length cannot be true; the connection ends.</exception>
    public bool TryNext(ReadOnlySpan<byte> bytes, ref int offset, out FrameSlice slice)
    {
        int start = offset;
        int bodyStart = start;
        bool isFirst = _bodyRemaining == 0;
        if (isFirst)
        {
            if (!FrameHeader.TryRead(bytes[start..], _bodyLengthMax, out FrameHeader header))
            {
                slice = default;
                return false;
            }

            _header = header;
            _bodyRemaining = header.BodyLength;
            bodyStart = start + FrameHeader.Size;
        }
        else if (start == bytes.Length)
        {
            slice = default;
            return false;
        }

        int taken = Math.Min(_bodyRemaining, bytes.Length - bodyStart);
        _bodyRemaining -= taken;
        offset = bodyStart + taken;
        slice = new FrameSlice(_header, start, bodyStart, offset, isFirst, IsLast: _bodyRemaining == 0);
        return true;
    }
}
