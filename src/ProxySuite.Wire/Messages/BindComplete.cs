using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>BindComplete (B): answers a Bind.</summary>
public static class BindComplete
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(BindComplete)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(BackendMessage.BindComplete);
}
