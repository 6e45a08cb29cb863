using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Close (F): forgets a prepared statement or a portal; one that does not exist is no error. The span lies in the body.</summary>
public readonly ref struct Close
{
    private Close(StatementOrPortal target, ReadOnlySpan<byte> name)
    {
        Target = target;
        Name = name;
    }

    public StatementOrPortal Target { get; }

    /// <summary>Empty for the unnamed one.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <exception cref="PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static Close Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(Close));
        var target = (StatementOrPortal)reader.Byte();
        if (target is not (StatementOrPortal.Statement or StatementOrPortal.Portal))
        {
            PgProtocolException.ThrowMalformed(nameof(Close), "its target is neither 'S' nor 'P'");
        }

        ReadOnlySpan<byte> name = reader.CString();
        reader.End();
        return new Close(target, name);
    }

    public static void Write(FrameWriter to, StatementOrPortal target, ReadOnlySpan<byte> name)
    {
        int mark = to.Begin(FrontendMessage.Close);
        to.WriteByte((byte)target);
        to.WriteCString(name);
        to.End(mark);
    }
}
