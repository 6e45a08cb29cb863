using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Sync (F): ends a pipeline of extended-query messages; each one is answered by one ReadyForQuery.</summary>
public static class Sync
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(Sync)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(FrontendMessage.Sync);
}
