using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Execute (F): runs a portal. The span lies in the body.</summary>
public readonly ref struct Execute
{
    private Execute(ReadOnlySpan<byte> portalName, int rowsMax)
    {
        PortalName = portalName;
        RowsMax = rowsMax;
    }

    /// <summary>Empty for the unnamed portal.</summary>
    public ReadOnlySpan<byte> PortalName { get; }

    /// <summary>Rows after which the server answers PortalSuspended; 0 or less means no bound, as the server reads it.</summary>
    public int RowsMax { get; }

    /// <exception cref="Errors.PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static Execute Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(Execute));
        ReadOnlySpan<byte> portalName = reader.CString();
        int rowsMax = reader.Int32();
        reader.End();
        return new Execute(portalName, rowsMax);
    }

    public static void Write(FrameWriter to, ReadOnlySpan<byte> portalName, int rowsMax = 0)
    {
        int mark = to.Begin(FrontendMessage.Execute);
        to.WriteCString(portalName);
        to.WriteInt32(rowsMax);
        to.End(mark);
    }
}
