using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>CopyDone (F and B): COPY data is complete. Both sides send it, and it looks the same.</summary>
public static class CopyDone
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(CopyDone)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(FrontendMessage.CopyDone);
}
