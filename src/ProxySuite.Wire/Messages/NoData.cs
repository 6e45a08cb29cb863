using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>NoData (B): answers a Describe of what returns no rows.</summary>
public static class NoData
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(NoData)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(BackendMessage.NoData);
}
