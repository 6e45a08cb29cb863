using ProxySuite.Wire.Errors;

namespace ProxySuite.Wire.Messages;

/// <summary>FunctionCall (F): calls one function by OID, without SQL.</summary>
public readonly ref struct FunctionCall
{
    private FunctionCall(uint functionOid, int argumentCount)
    {
        FunctionOid = functionOid;
        ArgumentCount = argumentCount;
    }

    public uint FunctionOid { get; }

    /// <summary>0 to 65,535; the server itself allows 100.</summary>
    public int ArgumentCount { get; }

    /// <exception cref="PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static FunctionCall Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(FunctionCall));
        uint oid = (uint)reader.Int32();
        int formats = reader.FormatCodes().Length / 2;
        int arguments = reader.Count();
        if (formats > 1 && formats != arguments)
        {
            PgProtocolException.ThrowMalformed(nameof(FunctionCall), "it has neither one format code, none, nor one for each argument");
        }

        for (int i = 0; i < arguments; i++)
        {
            reader.Value(out _);
        }

        if (reader.Int16() is not (0 or 1))
        {
            PgProtocolException.ThrowMalformed(nameof(FunctionCall), "a format code is neither 0 nor 1");
        }

        reader.End();
        return new FunctionCall(oid, arguments);
    }
}
