using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Describe (F): asks for parameters and columns of a prepared statement, or columns of a portal. The span lies in the body.</summary>
public readonly ref struct Describe
{
    private Describe(StatementOrPortal target, ReadOnlySpan<byte> name)
    {
        Target = target;
        Name = name;
    }

    public StatementOrPortal Target { get; }

    /// <summary>Empty for the unnamed one.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <exception cref="PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static Describe Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(Describe));
        var target = (StatementOrPortal)reader.Byte();
        if (target is not (StatementOrPortal.Statement or StatementOrPortal.Portal))
        {
            PgProtocolException.ThrowMalformed(nameof(Describe), "its target is neither 'S' nor 'P'");
        }

        ReadOnlySpan<byte> name = reader.CString();
        reader.End();
        return new Describe(target, name);
    }

    public static void Write(FrameWriter to, StatementOrPortal target, ReadOnlySpan<byte> name)
    {
        int mark = to.Begin(FrontendMessage.Describe);
        to.WriteByte((byte)target);
        to.WriteCString(name);
        to.End(mark);
    }
}
