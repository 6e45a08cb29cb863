using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Flush (F): asks for what the server has to say so far; there is no answer of its own.</summary>
public static class Flush
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(Flush)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(FrontendMessage.Flush);
}
