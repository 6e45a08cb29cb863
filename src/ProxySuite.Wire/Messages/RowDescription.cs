using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>RowDescription (B): names and types of the columns of the rows that follow. Spans lie in the body.</summary>
public readonly ref struct RowDescription
{
    private const uint TextOid = 25;
    private readonly ReadOnlySpan<byte> _fields;

    private RowDescription(int count, ReadOnlySpan<byte> fields)
    {
        Count = count;
        _fields = fields;
    }

    /// <summary>Columns, 0 to 65,535; the server itself allows 1,664.</summary>
    public int Count { get; }

    /// <summary>The columns in order: <c>foreach (RowDescription.Column column in description)</c>.</summary>
    public Enumerator GetEnumerator() => new(Count, _fields);

    /// <exception cref="PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static RowDescription Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(RowDescription));
        int count = reader.Count();
        int start = reader.Position;
        for (int i = 0; i < count; i++)
        {
            Column.Read(ref reader);
        }

        reader.End();
        return new RowDescription(count, body[start..]);
    }

    /// <summary>Describes columns of type text, which is how the console answers.</summary>
    public static void Write(FrameWriter to, ReadOnlySpan<string> columnNames)
    {
        int mark = to.Begin(BackendMessage.RowDescription);
        to.WriteInt16(checked((ushort)columnNames.Length));
        foreach (string name in columnNames)
        {
            to.WriteCString(name);
            to.WriteInt32(0);             // no table
            to.WriteInt16(0);             // no column of a table
            to.WriteInt32((int)TextOid);
            to.WriteInt16(-1);            // of varying length
            to.WriteInt32(-1);            // no type modifier
            to.WriteInt16(0);             // text format
        }

        to.End(mark);
    }

    /// <summary>One column.</summary>
    public readonly ref struct Column
    {
        private Column(ReadOnlySpan<byte> name, uint tableOid, int columnNumber, uint typeOid, int typeSize, int typeModifier, int format)
        {
            Name = name;
            TableOid = tableOid;
            ColumnNumber = columnNumber;
            TypeOid = typeOid;
            TypeSize = typeSize;
            TypeModifier = typeModifier;
            Format = format;
        }

        public ReadOnlySpan<byte> Name { get; }

        /// <summary>0 when the column is not one of a table.</summary>
        public uint TableOid { get; }

        /// <summary>0 when the column is not one of a table.</summary>
        public int ColumnNumber { get; }

        public uint TypeOid { get; }

        /// <summary>In bytes; negative for types of varying length.</summary>
        public int TypeSize { get; }

        public int TypeModifier { get; }

        /// <summary>0 text, 1 binary; 0 too where it is not yet known (Describe of a statement).</summary>
        public int Format { get; }

        internal static Column Read(scoped ref BodyReader reader)
            => new(reader.CString(), (uint)reader.Int32(), reader.Int16(), (uint)reader.Int32(), reader.Int16(), reader.Int32(), reader.Int16());
    }

    /// <summary>Walks the columns of a message that was checked when it was read.</summary>
    public ref struct Enumerator
    {
        private BodyReader _reader;
        private int _left;

        internal Enumerator(int count, ReadOnlySpan<byte> fields)
        {
            _reader = new BodyReader(fields, nameof(RowDescription));
            _left = count;
        }

        public Column Current { get; private set; }

        public bool MoveNext()
        {
            if (_left == 0)
            {
                return false;
            }

            _left--;
            Current = Column.Read(ref _reader);
            return true;
        }
    }
}
