using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Terminate (F): the client leaves; there is no answer.</summary>
public static class Terminate
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(Terminate)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(FrontendMessage.Terminate);
}
