using System.Buffers.Binary;
using ProxySuite.Wire.Errors;

namespace ProxySuite.Wire.Messages;

/// <summary>
/// Takes one message body apart, field by field, and refuses whatever does not fit: every read checks what is left, and
/// <see cref="End"/> that nothing is. Spans it returns lie in the body.
/// </summary>
internal ref struct BodyReader(ReadOnlySpan<byte> body, string message)
{
    private readonly ReadOnlySpan<byte> _body = body;
    private readonly string _message = message;

    /// <summary>Bytes read so far.</summary>
    public int Position { get; private set; }

    public readonly int Remaining => _body.Length - Position;

    public byte Byte() => Take(1)[0];

    public int Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    /// <summary>A count of fields: an Int16 that the server itself reads as unsigned where it allows 65,535 parameters.</summary>
    public int Count() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    /// <summary>A String without its terminator.</summary>
    public ReadOnlySpan<byte> CString()
    {
        ReadOnlySpan<byte> rest = _body[Position..];
        // Most names are empty.
        int length = rest is [0, ..] ? 0 : rest.IndexOf((byte)0);
        if (length < 0)
        {
            PgProtocolException.ThrowMalformed(_message, "a string has no terminator");
        }

        Position += length + 1;
        return rest[..length];
    }

    public ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > (uint)Remaining)
        {
            PgProtocolException.ThrowMalformed(_message, "it is shorter than its fields");
        }

        ReadOnlySpan<byte> taken = _body.Slice(Position, count);
        Position += count;
        return taken;
    }

    public ReadOnlySpan<byte> Rest() => Take(Remaining);

    /// <summary>A value with its length in front, −1 meaning NULL.</summary>
    /// <returns>True when it is NULL.</returns>
    public bool Value(out ReadOnlySpan<byte> value)
    {
        int length = Int32();
        if (length == -1)
        {
            value = default;
            return true;
        }

        // Take refuses every other negative length.
        value = Take(length);
        return false;
    }

    /// <summary>A list of format codes: how many, then 0 (text) or 1 (binary) each.</summary>
    /// <returns>The codes, two bytes each.</returns>
    public ReadOnlySpan<byte> FormatCodes()
    {
        ReadOnlySpan<byte> codes = Take(2 * Count());
        for (int at = 0; at < codes.Length; at += 2)
        {
            if (codes[at] != 0 || codes[at + 1] > 1)
            {
                PgProtocolException.ThrowMalformed(_message, "a format code is neither 0 nor 1");
            }
        }

        return codes;
    }

    public readonly void End()
    {
        if (Remaining != 0)
        {
            PgProtocolException.ThrowMalformed(_message, "it is longer than its fields");
        }
    }
}
