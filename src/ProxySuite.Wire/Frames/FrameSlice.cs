namespace ProxySuite.Wire.Frames;

/// <summary>The part of one message that lies in one span of received bytes.</summary>
/// <param name="Header">The header of the message, also when it came in an earlier span.</param>
/// <param name="Start">Where the part begins in the span: at the header when <see cref="IsFirst"/>, else in the body.</param>
/// <param name="BodyStart">Where its body bytes begin in the span.</param>
/// <param name="End">Where the part ends in the span, exclusive.</param>
/// <param name="IsFirst">True when the header lies in this span.</param>
/// <param name="IsLast">True when the message ends in this span.</param>
public readonly record struct FrameSlice(FrameHeader Header, int Start, int BodyStart, int End, bool IsFirst, bool IsLast)
{
    /// <summary>True when header and body lie whole in this span, so that a reader of the body can be called.</summary>
    public bool IsWhole => IsFirst && IsLast;

    /// <summary>The body bytes of this part.</summary>
    /// <param name="bytes">The span the scanner was given.</param>
    public ReadOnlySpan<byte> Body(ReadOnlySpan<byte> bytes) => bytes[BodyStart..End];
}
