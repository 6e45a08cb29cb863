using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Proxy.Admin;

/// <summary>Writes columns and values, as text or in the binary form that drivers ask for.</summary>
internal static class AdminRows
{
    /// <summary>RowDescription.</summary>
    /// <param name="to">Where it goes.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="formats">Format codes, two bytes each: none (text), one for all, or one a column.</param>
    /// <exception cref="PgErrorException">08P01: another number of format codes.</exception>
    public static void Describe(FrameWriter to, IReadOnlyList<AdminColumn> columns, ReadOnlySpan<byte> formats)
    {
        CheckFormats(columns, formats);
        int mark = to.Begin(BackendMessage.RowDescription);
        to.WriteInt16(columns.Count);
        for (int at = 0; at < columns.Count; at++)
        {
            to.WriteCString(columns[at].Name);
            to.WriteInt32(0);             // no table
            to.WriteInt16(0);             // no column of a table
            to.WriteInt32((int)columns[at].Type);
            to.WriteInt16(columns[at].Size);
            to.WriteInt32(-1);            // no type modifier
            to.WriteInt16(IsBinary(formats, at) ? 1 : 0);
        }
        to.End(mark);
    }

    /// <summary>DataRow.</summary>
    /// <inheritdoc cref="Describe"/>
    public static void Write(FrameWriter to, IReadOnlyList<AdminColumn> columns, object?[] values, ReadOnlySpan<byte> formats)
    {
        CheckFormats(columns, formats);
        int mark = to.Begin(BackendMessage.DataRow);
        to.WriteInt16(values.Length);
        for (int at = 0; at < values.Length; at++)
        {
            if (values[at] is not { } value) to.WriteInt32(-1);
            else if (IsBinary(formats, at)) WriteBinary(to, columns[at].Type, value);
            else WriteText(to, value);
        }
        to.End(mark);
    }

    private static void CheckFormats(IReadOnlyList<AdminColumn> columns, ReadOnlySpan<byte> formats)
    {
        if (formats.Length > 2 && formats.Length != 2 * columns.Count) PgProtocolException.Throw($"bind message has {formats.Length / 2} result formats but query has {columns.Count} columns");
    }

    private static bool IsBinary(ReadOnlySpan<byte> formats, int column) => formats.Length switch
    {
        0 => false,
        2 => formats[1] == 1,
        _ => formats[(2 * column) + 1] == 1,
    };

    private static void WriteText(FrameWriter to, object value)
    {
        string text = value switch
        {
            string given => given,
            double number => number.ToString("0.######", CultureInfo.InvariantCulture),
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => throw new InvalidOperationException($"no text form of {value.GetType()}"),
        };
        to.WriteInt32(Encoding.UTF8.GetByteCount(text));
        to.WriteUtf8(text);
    }

    private static void WriteBinary(FrameWriter to, AdminType type, object value)
    {
        switch (type)
        {
            case AdminType.Text:
                WriteText(to, value);
                break;
            case AdminType.Int4:
                to.WriteInt32(4);
                to.WriteInt32((int)value);
                break;
            case AdminType.Int8:
                to.WriteInt32(8);
                WriteInt64(to, (long)value);
                break;
            case AdminType.Float8:
                to.WriteInt32(8);
                WriteInt64(to, BitConverter.DoubleToInt64Bits((double)value));
                break;
            default:
                WriteNumeric(to, (long)value);
                break;
        }
    }

    // numeric_send: digits of base 10000, the weight of the first, the sign, and how many decimals are shown.
    private static void WriteNumeric(FrameWriter to, long value)
    {
        const int Base = 10_000;
        Span<int> digits = stackalloc int[5];
        int count = 0;
        for (ulong rest = (ulong)Math.Abs((decimal)value); rest > 0; rest /= Base) digits[count++] = (int)(rest % Base);
        to.WriteInt32(8 + (2 * count));
        to.WriteInt16(count);
        to.WriteInt16(Math.Max(0, count - 1));
        to.WriteInt16(value < 0 ? 0x4000 : 0);
        to.WriteInt16(0);
        for (int at = count - 1; at >= 0; at--) to.WriteInt16(digits[at]);
    }

    private static void WriteInt64(FrameWriter to, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        to.WriteBytes(bytes);
    }
}
