namespace ProxySuite.Testing.Protocol;

/// <summary>Which side sent a message; the letters of the protocol documentation.</summary>
public enum Side
{
    Frontend = 'F',
    Backend = 'B',
}

/// <summary>One whole message as it came over the wire.</summary>
/// <param name="Sender">Tells what its type byte means.</param>
/// <param name="Frame">All its bytes, header included; packets of the start-up phase have no type byte.</param>
/// <param name="IsTyped">False for StartupMessage, SSLRequest, GSSENCRequest, CancelRequest and the one-byte answers to the requests.</param>
public sealed record WireMessage(Side Sender, ReadOnlyMemory<byte> Frame, bool IsTyped = true)
{
    private const int HeaderSize = 5;

    /// <summary>The type byte as a letter; NUL for a packet without one.</summary>
    public char Type => IsTyped ? (char)Frame.Span[0] : '\0';

    /// <summary>What follows the header; of a packet without type byte, all of it.</summary>
    public ReadOnlySpan<byte> Body => IsTyped ? Frame.Span[HeaderSize..] : Frame.Span;

    /// <summary>As in a transcript, without the side: <c>Query "SELECT 1"</c>.</summary>
    public override string ToString() => MessageText.Of(this);
}
