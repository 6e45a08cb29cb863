using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Query (F): one or more statements to run at once.</summary>
public readonly ref struct Query
{
    private Query(ReadOnlySpan<byte> sql) => Sql = sql;

    /// <summary>The text, without terminator, in the client's encoding; lies in the body.</summary>
    public ReadOnlySpan<byte> Sql { get; }

    /// <exception cref="Errors.PgProtocolException">08P01, when the body is not exactly one terminated string.</exception>
    public static Query Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(Query));
        ReadOnlySpan<byte> sql = reader.CString();
        reader.End();
        return new Query(sql);
    }

    public static void Write(FrameWriter to, ReadOnlySpan<byte> sql)
    {
        int mark = to.Begin(FrontendMessage.Query);
        to.WriteCString(sql);
        to.End(mark);
    }

    public static void Write(FrameWriter to, string sql)
    {
        int mark = to.Begin(FrontendMessage.Query);
        to.WriteCString(sql);
        to.End(mark);
    }
}
