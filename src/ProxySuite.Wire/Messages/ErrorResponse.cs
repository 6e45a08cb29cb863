using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>ErrorResponse (B): a statement, or the connection, failed.</summary>
public static class ErrorResponse
{
    /// <exception cref="PgProtocolException">08P01, when the body is not a list of terminated fields with a zero byte behind the last.</exception>
    public static ErrorFields Read(ReadOnlySpan<byte> body) => ErrorFields.Read(body, nameof(ErrorResponse));

    public static void Write(FrameWriter to, PgError error) => ErrorFields.Write(to, BackendMessage.ErrorResponse, error);
}
