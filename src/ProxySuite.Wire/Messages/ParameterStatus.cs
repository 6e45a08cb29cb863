using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>ParameterStatus (B): a setting the server reports, at login and whenever it changes. All spans lie in the body.</summary>
public readonly ref struct ParameterStatus
{
    private ParameterStatus(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Name = name;
        Value = value;
    }

    public ReadOnlySpan<byte> Name { get; }

    public ReadOnlySpan<byte> Value { get; }

    /// <exception cref="Errors.PgProtocolException">08P01, when the body is not exactly two terminated strings.</exception>
    public static ParameterStatus Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(ParameterStatus));
        ReadOnlySpan<byte> name = reader.CString();
        ReadOnlySpan<byte> value = reader.CString();
        reader.End();
        return new ParameterStatus(name, value);
    }

    public static void Write(FrameWriter to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int mark = to.Begin(BackendMessage.ParameterStatus);
        to.WriteCString(name);
        to.WriteCString(value);
        to.End(mark);
    }

    public static void Write(FrameWriter to, string name, string value)
    {
        int mark = to.Begin(BackendMessage.ParameterStatus);
        to.WriteCString(name);
        to.WriteCString(value);
        to.End(mark);
    }
}
