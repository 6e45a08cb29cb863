using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>EmptyQueryResponse (B): stands in place of CommandComplete where the query text holds no statement.</summary>
public static class EmptyQueryResponse
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(EmptyQueryResponse)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(BackendMessage.EmptyQueryResponse);
}
