using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>CopyData (F and B): a piece of a COPY stream. Any bytes are legal, so that there is nothing to check.</summary>
public static class CopyData
{
    public static void Write(FrameWriter to, ReadOnlySpan<byte> data)
    {
        int mark = to.Begin(FrontendMessage.CopyData);
        to.WriteBytes(data);
        to.End(mark);
    }
}
