using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>SASLInitialResponse (F): the mechanism a client chose and its first message. All spans lie in the body.</summary>
public readonly ref struct SASLInitialResponse
{
    private SASLInitialResponse(ReadOnlySpan<byte> mechanism, ReadOnlySpan<byte> data)
    {
        Mechanism = mechanism;
        Data = data;
    }

    public ReadOnlySpan<byte> Mechanism { get; }

    /// <summary>The mechanism's first message; empty too when the client sent none (length −1).</summary>
    public ReadOnlySpan<byte> Data { get; }

    /// <exception cref="PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static SASLInitialResponse Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(SASLInitialResponse));
        ReadOnlySpan<byte> mechanism = reader.CString();
        reader.Value(out ReadOnlySpan<byte> data);
        reader.End();
        return new SASLInitialResponse(mechanism, data);
    }

    public static void Write(FrameWriter to, ReadOnlySpan<byte> mechanism, ReadOnlySpan<byte> data)
    {
        int mark = to.Begin(FrontendMessage.PasswordMessage);
        to.WriteCString(mechanism);
        to.WriteInt32(data.Length);
        to.WriteBytes(data);
        to.End(mark);
    }
}
