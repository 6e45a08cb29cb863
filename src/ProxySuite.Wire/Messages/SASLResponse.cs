using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>SASLResponse (F): the next message of the mechanism. The whole body is its data; the mechanism checks it.</summary>
public static class SASLResponse
{
    public static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> body) => body;

    public static void Write(FrameWriter to, ReadOnlySpan<byte> data)
    {
        int mark = to.Begin(FrontendMessage.PasswordMessage);
        to.WriteBytes(data);
        to.End(mark);
    }
}
