using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Proxy.Backend;

/// <summary>
/// A statement that the proxy refuses though its client holds a server. The server is sent a text in its place that must fail, and the client gets our error for
/// the server's: so transaction, batch and pipeline stand on both sides as they would had PostgreSQL itself refused it.
/// </summary>
/// <param name="error">What the client is told.</param>
internal sealed class RefusedStatement(PgError error)
{
    /// <summary>What the server gets: no statement of any version, and plain to read in its log.</summary>
    public static ReadOnlySpan<byte> Text => "refused by the proxy"u8;

    /// <summary>The ErrorResponse for the client.</summary>
    public byte[] Frame { get; } = FrameOf(error);

    private static byte[] FrameOf(PgError error)
    {
        var frame = new FrameWriter();
        ErrorResponse.Write(frame, error);
        return frame.WrittenSpan.ToArray();
    }
}
