using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;

namespace ProxySuite.Wire.Messages;

/// <summary>Bind (F): makes a portal of a prepared statement and its parameter values. All spans lie in the body.</summary>
public readonly ref struct Bind
{
    private Bind(ReadOnlySpan<byte> portalName, ReadOnlySpan<byte> statementName, int namesEnd, ReadOnlySpan<byte> rest, int parameterCount)
    {
        PortalName = portalName;
        StatementName = statementName;
        NamesEnd = namesEnd;
        Rest = rest;
        ParameterCount = parameterCount;
    }

    /// <summary>Empty for the unnamed portal.</summary>
    public ReadOnlySpan<byte> PortalName { get; }

    /// <summary>Empty for the unnamed statement.</summary>
    public ReadOnlySpan<byte> StatementName { get; }

    /// <summary>Offset in the body behind the terminator of the statement name.</summary>
    public int NamesEnd { get; }

    /// <summary>Formats and values, from <see cref="NamesEnd"/> to the end of what was read: what stays when the statement is renamed.</summary>
    public ReadOnlySpan<byte> Rest { get; }

    /// <summary>How many parameter values follow, 0 to 65,535; 0 too when only the names were read.</summary>
    public int ParameterCount { get; }

    /// <summary>Reads the whole message.</summary>
    /// <exception cref="PgProtocolException">08P01, when the body does not have the form of the message.</exception>
    public static Bind Read(ReadOnlySpan<byte> body)
    {
        var reader = new BodyReader(body, nameof(Bind));
        ReadOnlySpan<byte> portalName = reader.CString();
        ReadOnlySpan<byte> statementName = reader.CString();
        int namesEnd = reader.Position;
        int formats = reader.FormatCodes().Length / 2;
        int parameters = reader.Count();
        if (formats > 1 && formats != parameters)
        {
            PgProtocolException.ThrowMalformed(nameof(Bind), "it has neither one format code, none, nor one for each parameter");
        }

        for (int i = 0; i < parameters; i++)
        {
            reader.Value(out _);
        }

        reader.FormatCodes();
        reader.End();
        return new Bind(portalName, statementName, namesEnd, body[namesEnd..], parameters);
    }

    /// <summary>Reads the two names from the beginning of a body whose rest may still be on its way.</summary>
    /// <param name="start">The first bytes of the body.</param>
    /// <param name="bind">The names; its <see cref="Rest"/> is what lies behind them in these bytes, and is not checked.</param>
    /// <returns>False while the names are not whole: show more. A caller that has the whole body uses <see cref="Read"/>.</returns>
    public static bool TryReadNames(ReadOnlySpan<byte> start, out Bind bind)
    {
        bind = default;
        // Most names are empty.
        int portalEnd = start is [0, ..] ? 0 : start.IndexOf((byte)0);
        if (portalEnd < 0)
        {
            return false;
        }

        ReadOnlySpan<byte> behind = start[(portalEnd + 1)..];
        int statementLength = behind is [0, ..] ? 0 : behind.IndexOf((byte)0);
        if (statementLength < 0)
        {
            return false;
        }

        int namesEnd = portalEnd + 1 + statementLength + 1;
        bind = new Bind(start[..portalEnd], start.Slice(portalEnd + 1, statementLength), namesEnd, start[namesEnd..], parameterCount: 0);
        return true;
    }

    /// <param name="to">Where the message goes.</param>
    /// <param name="portalName">Empty for the unnamed portal.</param>
    /// <param name="statementName">Empty for the unnamed statement.</param>
    /// <param name="rest">Formats and values in wire form, as in <see cref="Rest"/> of a message that was read whole.</param>
    public static void Write(FrameWriter to, ReadOnlySpan<byte> portalName, ReadOnlySpan<byte> statementName, ReadOnlySpan<byte> rest)
    {
        int mark = to.Begin(FrontendMessage.Bind);
        to.WriteCString(portalName);
        to.WriteCString(statementName);
        to.WriteBytes(rest);
        to.End(mark);
    }

    /// <summary>The beginning of a Bind whose rest the caller relays as it comes: header and names.</summary>
    /// <param name="to">Where the bytes go.</param>
    /// <param name="portalName">Empty for the unnamed portal.</param>
    /// <param name="statementName">Empty for the unnamed statement.</param>
    /// <param name="restLength">Bytes that the caller will send behind, from 0.</param>
    public static void WriteStart(FrameWriter to, ReadOnlySpan<byte> portalName, ReadOnlySpan<byte> statementName, int restLength)
    {
        to.WriteByte((byte)FrontendMessage.Bind);
        to.WriteInt32(checked(4 + portalName.Length + 1 + statementName.Length + 1 + restLength));
        to.WriteCString(portalName);
        to.WriteCString(statementName);
    }

    /// <summary>A Bind without parameters whose results come as text.</summary>
    public static void WriteWithoutParameters(FrameWriter to, ReadOnlySpan<byte> portalName, ReadOnlySpan<byte> statementName)
        => Write(to, portalName, statementName, "\0\0\0\0\0\0"u8);
}
