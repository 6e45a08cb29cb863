using System.Buffers.Binary;

namespace ProxySuite.Wire.Messages;

/// <summary>ParameterDescription (B): the parameter types of a prepared statement. The span lies in the body.</summary>
public readonly ref struct ParameterDescription
{
    private ParameterDescription(ReadOnlySpan<byte> types) => Types = types;

    /// <summary>Type OIDs, four big-endian bytes each.</summary>
    public ReadOnlySpan<byte> Types { get; }

    public int Count => Types.Length / 4;

    public uint Type(int index) => BinaryPrimitives.ReadUInt32BigEndian(Types.Slice(4 * index, 4));

    /// <exception cref="Errors.PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static ParameterDescription Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(ParameterDescription));
        ReadOnlySpan<byte> types = reader.Take(4 * reader.Count());
        reader.End();
        return new ParameterDescription(types);
    }
}
