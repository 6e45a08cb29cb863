using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>NoticeResponse (B): a warning or a remark that ends nothing.</summary>
public static class NoticeResponse
{
    /// <exception cref="PgProtocolException">08P01, when the body is not a list of terminated fields with a zero byte behind the last.</exception>
    public static ErrorFields Read(ReadOnlySpan<byte> body) => ErrorFields.Read(body, nameof(NoticeResponse));

    public static void Write(FrameWriter to, PgError error) => ErrorFields.Write(to, BackendMessage.NoticeResponse, error);
}
