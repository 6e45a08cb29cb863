using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>CloseComplete (B): answers a Close.</summary>
public static class CloseComplete
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(CloseComplete)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(BackendMessage.CloseComplete);
}
