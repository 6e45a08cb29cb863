using System.Buffers.Binary;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Parse (F): prepares one statement under a name. All spans lie in the body.</summary>
public readonly ref struct Parse
{
    private Parse(ReadOnlySpan<byte> statementName, ReadOnlySpan<byte> sql, ReadOnlySpan<byte> parameterTypes)
    {
        StatementName = statementName;
        Sql = sql;
        ParameterTypes = parameterTypes;
    }

    /// <summary>Empty for the unnamed statement.</summary>
    public ReadOnlySpan<byte> StatementName { get; }

    public ReadOnlySpan<byte> Sql { get; }

    /// <summary>Type OIDs as they came, four big-endian bytes each; 0 leaves a type to the server. May be fewer than the parameters.</summary>
    public ReadOnlySpan<byte> ParameterTypes { get; }

    public int ParameterTypeCount => ParameterTypes.Length / 4;

    /// <summary>OID of the type of one parameter, 0 when the client left it open.</summary>
    /// <param name="index">0 to <see cref="ParameterTypeCount"/> − 1.</param>
    public uint ParameterType(int index) => BinaryPrimitives.ReadUInt32BigEndian(ParameterTypes.Slice(4 * index, 4));

    /// <exception cref="Errors.PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static Parse Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(Parse));
        ReadOnlySpan<byte> statementName = reader.CString();
        ReadOnlySpan<byte> sql = reader.CString();
        ReadOnlySpan<byte> parameterTypes = reader.Take(4 * reader.Count());
        reader.End();
        return new Parse(statementName, sql, parameterTypes);
    }

    /// <param name="to">Where the message goes.</param>
    /// <param name="statementName">Empty for the unnamed statement.</param>
    /// <param name="sql">One statement.</param>
    /// <param name="parameterTypes">Type OIDs, four big-endian bytes each, at most 65,535.</param>
    public static void Write(FrameWriter to, ReadOnlySpan<byte> statementName, ReadOnlySpan<byte> sql, ReadOnlySpan<byte> parameterTypes = default)
    {
        int mark = to.Begin(FrontendMessage.Parse);
        to.WriteCString(statementName);
        to.WriteCString(sql);
        to.WriteInt16(checked((ushort)(parameterTypes.Length / 4)));
        to.WriteBytes(parameterTypes);
        to.End(mark);
    }
}
