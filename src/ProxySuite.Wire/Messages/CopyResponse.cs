using ProxySuite.Wire.Errors;

namespace ProxySuite.Wire.Messages;

/// <summary>CopyInResponse, CopyOutResponse, CopyBothResponse (B): a COPY begins. The three look the same.</summary>
public readonly ref struct CopyResponse
{
    private CopyResponse(bool isBinary, ReadOnlySpan<byte> columnFormats)
    {
        IsBinary = isBinary;
        ColumnFormats = columnFormats;
    }

    public bool IsBinary { get; }

    /// <summary>Format codes of the columns, two big-endian bytes each, in the body.</summary>
    public ReadOnlySpan<byte> ColumnFormats { get; }

    public int ColumnCount => ColumnFormats.Length / 2;

    /// <exception cref="PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static CopyResponse Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(CopyResponse));
        byte format = reader.Byte();
        if (format > 1)
        {
            PgProtocolException.ThrowMalformed(nameof(CopyResponse), "a format code is neither 0 nor 1");
        }

        ReadOnlySpan<byte> columnFormats = reader.FormatCodes();
        reader.End();
        return new CopyResponse(format == 1, columnFormats);
    }
}
