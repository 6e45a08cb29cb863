using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>CommandComplete (B): one statement is done. The span lies in the body.</summary>
public readonly ref struct CommandComplete
{
    private CommandComplete(ReadOnlySpan<byte> tag) => Tag = tag;

    /// <summary>As in <c>SELECT 1</c> or <c>SET</c>.</summary>
    public ReadOnlySpan<byte> Tag { get; }

    /// <exception cref="Errors.PgProtocolException">08P01, when the body is not exactly one terminated string.</exception>
    public static CommandComplete Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(CommandComplete));
        ReadOnlySpan<byte> tag = reader.CString();
        reader.End();
        return new CommandComplete(tag);
    }

    public static void Write(FrameWriter to, ReadOnlySpan<byte> tag)
    {
        int mark = to.Begin(BackendMessage.CommandComplete);
        to.WriteCString(tag);
        to.End(mark);
    }

    public static void Write(FrameWriter to, string tag)
    {
        int mark = to.Begin(BackendMessage.CommandComplete);
        to.WriteCString(tag);
        to.End(mark);
    }
}
