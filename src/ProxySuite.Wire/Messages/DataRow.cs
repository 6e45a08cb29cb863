using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>DataRow (B): the values of one row. Spans lie in the body.</summary>
public readonly ref struct DataRow
{
    private readonly ReadOnlySpan<byte> _values;

    private DataRow(int count, ReadOnlySpan<byte> values)
    {
        Count = count;
        _values = values;
    }

    /// <summary>Values, 0 to 65,535.</summary>
    public int Count { get; }

    /// <summary>The values in order: <c>foreach (DataRow.Value value in row)</c>.</summary>
    public Enumerator GetEnumerator() => new(Count, _values);

    /// <exception cref="Errors.PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static DataRow Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(DataRow));
        int count = reader.Count();
        int start = reader.Position;
        for (int i = 0; i < count; i++)
        {
            reader.Value(out _);
        }

        reader.End();
        return new DataRow(count, body[start..]);
    }

    /// <summary>A row in text format; null stands for NULL.</summary>
    public static void Write(FrameWriter to, ReadOnlySpan<string?> values)
    {
        int mark = to.Begin(BackendMessage.DataRow);
        to.WriteInt16(checked((ushort)values.Length));
        foreach (string? value in values)
        {
            if (value is null)
            {
                to.WriteInt32(-1);
                continue;
            }

            to.WriteInt32(System.Text.Encoding.UTF8.GetByteCount(value));
            to.WriteUtf8(value);
        }

        to.End(mark);
    }

    /// <summary>One value.</summary>
    public readonly ref struct Value
    {
        internal Value(bool isNull, ReadOnlySpan<byte> bytes)
        {
            IsNull = isNull;
            Bytes = bytes;
        }

        public bool IsNull { get; }

        /// <summary>Text or binary, as the row description says; empty for NULL.</summary>
        public ReadOnlySpan<byte> Bytes { get; }
    }

    /// <summary>Walks the values of a message that was checked when it was read.</summary>
    public ref struct Enumerator
    {
        private BodyReader _reader;
        private int _left;

        internal Enumerator(int count, ReadOnlySpan<byte> values)
        {
            _reader = new BodyReader(values, nameof(DataRow));
            _left = count;
        }

        public Value Current { get; private set; }

        public bool MoveNext()
        {
            if (_left == 0)
            {
                return false;
            }

            _left--;
            bool isNull = _reader.Value(out ReadOnlySpan<byte> bytes);
            Current = new Value(isNull, bytes);
            return true;
        }
    }
}
