using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>The fields of an ErrorResponse or NoticeResponse (protocol-error-fields). All spans lie in the body.</summary>
public readonly ref struct ErrorFields
{
    private readonly ReadOnlySpan<byte> _fields;

    private ErrorFields(ReadOnlySpan<byte> fields) => _fields = fields;

    /// <summary>Severity that is never translated; the translated one from servers before 9.6.</summary>
    public ReadOnlySpan<byte> Severity => TryGet((byte)'V', out ReadOnlySpan<byte> severity) ? severity : this[(byte)'S'];

    /// <summary>Five characters, or empty when the peer sent none.</summary>
    public ReadOnlySpan<byte> SqlState => this[(byte)'C'];

    /// <summary>Empty when the peer sent none.</summary>
    public ReadOnlySpan<byte> Message => this[(byte)'M'];

    /// <summary>A field, or an empty span when the peer sent none.</summary>
    /// <param name="code">The field's letter, as in protocol-error-fields.</param>
    public ReadOnlySpan<byte> this[byte code] => TryGet(code, out ReadOnlySpan<byte> value) ? value : default;

    public bool TryGet(byte code, out ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> rest = _fields;
        while (rest.Length > 0)
        {
            int length = rest[1..].IndexOf((byte)0);
            if (rest[0] == code)
            {
                value = rest.Slice(1, length);
                return true;
            }

            rest = rest[(length + 2)..];
        }

        value = default;
        return false;
    }

    /// <summary>The fields as a value that outlives the body; bytes that are not UTF-8 become U+FFFD.</summary>
    public PgError ToPgError() => new(
        Encoding.UTF8.GetString(SqlState),
        Encoding.UTF8.GetString(Message),
        TryGet((byte)'H', out ReadOnlySpan<byte> hint) ? Encoding.UTF8.GetString(hint) : null,
        TryGet((byte)'D', out ReadOnlySpan<byte> detail) ? Encoding.UTF8.GetString(detail) : null,
        Encoding.UTF8.GetString(Severity));

    internal static ErrorFields Read(ReadOnlySpan<byte> body, string message)
    {
        var reader = new BodyReader(body, message);
        while (reader.Byte() != 0)
        {
            reader.CString();
        }

        reader.End();
        return new ErrorFields(body[..^1]);
    }

    internal static void Write(FrameWriter to, BackendMessage type, PgError error)
    {
        int mark = to.Begin(type);
        WriteField(to, 'S', error.Severity);
        WriteField(to, 'V', error.Severity);
        WriteField(to, 'C', error.SqlState);
        WriteField(to, 'M', error.Message);
        WriteField(to, 'D', error.Detail);
        WriteField(to, 'H', error.Hint);
        to.WriteByte(0);
        to.End(mark);
    }

    private static void WriteField(FrameWriter to, char code, string? value)
    {
        if (value is null)
        {
            return;
        }

        // A text that quotes what a peer sent may hold a zero byte; an error must still reach the client, so it is cut there.
        int end = value.IndexOf('\0', StringComparison.Ordinal);
        to.WriteByte((byte)code);
        to.WriteCString(end < 0 ? value : value.AsSpan(0, end));
    }
}
