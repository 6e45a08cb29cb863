using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>PasswordMessage (F): a password, in the clear or as an md5 hash. The span lies in the body: clear it when done.</summary>
public readonly ref struct PasswordMessage
{
    private PasswordMessage(ReadOnlySpan<byte> password) => Password = password;

    public ReadOnlySpan<byte> Password { get; }

    /// <exception cref="Errors.PgProtocolException">08P01, when the body is not exactly one terminated string.</exception>
    public static PasswordMessage Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(PasswordMessage));
        ReadOnlySpan<byte> password = reader.CString();
        reader.End();
        return new PasswordMessage(password);
    }

    public static void Write(FrameWriter to, ReadOnlySpan<byte> password)
    {
        int mark = to.Begin(FrontendMessage.PasswordMessage);
        to.WriteCString(password);
        to.End(mark);
    }
}
