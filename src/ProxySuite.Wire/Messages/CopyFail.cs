using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>CopyFail (F): the client gives up its COPY. The span lies in the body.</summary>
public readonly ref struct CopyFail
{
    private CopyFail(ReadOnlySpan<byte> reason) => Reason = reason;

    public ReadOnlySpan<byte> Reason { get; }

    /// <exception cref="Errors.PgProtocolException">08P01, when the body is not exactly one terminated string.</exception>
    public static CopyFail Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(CopyFail));
        ReadOnlySpan<byte> reason = reader.CString();
        reader.End();
        return new CopyFail(reason);
    }

    public static void Write(FrameWriter to, ReadOnlySpan<byte> reason)
    {
        int mark = to.Begin(FrontendMessage.CopyFail);
        to.WriteCString(reason);
        to.End(mark);
    }
}
