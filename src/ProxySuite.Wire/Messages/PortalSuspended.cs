using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>PortalSuspended (B): an Execute stopped at its row bound; the portal has more.</summary>
public static class PortalSuspended
{
    /// <exception cref="Errors.PgProtocolException">08P01, when there is a body.</exception>
    public static void Read(ReadOnlySpan<byte> body) => new BodyReader(body, nameof(PortalSuspended)).End();

    public static void Write(FrameWriter to) => to.WriteEmpty(BackendMessage.PortalSuspended);
}
