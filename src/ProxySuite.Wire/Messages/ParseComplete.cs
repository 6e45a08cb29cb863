using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>ParseComplete (B): answers a Parse.</summary>
public static class ParseComplete
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(ParseComplete)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(BackendMessage.ParseComplete);
}
