using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>NotificationResponse (B): somebody sent NOTIFY on a channel this session listens to. All spans lie in the body.</summary>
public readonly ref struct NotificationResponse
{
    private NotificationResponse(int processId, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> payload)
    {
        ProcessId = processId;
        Channel = channel;
        Payload = payload;
    }

    /// <summary>Process id of the session that sent it.</summary>
    public int ProcessId { get; }

    public ReadOnlySpan<byte> Channel { get; }

    public ReadOnlySpan<byte> Payload { get; }

    /// <exception cref="Errors.PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static NotificationResponse Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(NotificationResponse));
        int processId = reader.Int32();
        ReadOnlySpan<byte> channel = reader.CString();
        ReadOnlySpan<byte> payload = reader.CString();
        reader.End();
        return new NotificationResponse(processId, channel, payload);
    }

    public static void Write(FrameWriter to, int processId, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> payload)
    {
        int mark = to.Begin(BackendMessage.NotificationResponse);
        to.WriteInt32(processId);
        to.WriteCString(channel);
        to.WriteCString(payload);
        to.End(mark);
    }
}
