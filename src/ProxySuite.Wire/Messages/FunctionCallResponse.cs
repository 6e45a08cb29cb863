namespace ProxySuite.Wire.Messages;

/// <summary>FunctionCallResponse (B): the result of a FunctionCall. The span lies in the body.</summary>
public readonly ref struct FunctionCallResponse
{
    private FunctionCallResponse(bool isNull, ReadOnlySpan<byte> value)
    {
        IsNull = isNull;
        Value = value;
    }

    public bool IsNull { get; }

    public ReadOnlySpan<byte> Value { get; }

    /// <exception cref="Errors.PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static FunctionCallResponse Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(FunctionCallResponse));
        bool isNull = reader.Value(out ReadOnlySpan<byte> value);
        reader.End();
        return new FunctionCallResponse(isNull, value);
    }
}
