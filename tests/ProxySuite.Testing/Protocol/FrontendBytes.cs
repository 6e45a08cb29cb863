using System.Text;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Testing.Protocol;

/// <summary>What a client sends, as bytes: one method a message. Meant for <c>using static</c>.</summary>
public static class FrontendBytes
{
    public static byte[] SslRequest { get; } = Make(StartupPacket.WriteSSLRequest);

    public static byte[] GssEncRequest { get; } = Make(StartupPacket.WriteGSSENCRequest);

    public static byte[] Sync { get; } = Make(to => to.WriteEmpty(FrontendMessage.Sync));

    public static byte[] Flush { get; } = Make(to => to.WriteEmpty(FrontendMessage.Flush));

    public static byte[] Terminate { get; } = Make(to => to.WriteEmpty(FrontendMessage.Terminate));

    public static byte[] CopyDone { get; } = Make(to => to.WriteEmpty(FrontendMessage.CopyDone));

    /// <summary>StartupMessage of protocol 3.0, or of the version given.</summary>
    public static byte[] Startup(string user, string? database = null, IEnumerable<KeyValuePair<string, string>>? parameters = null, ProtocolVersion? version = null)
    {
        List<KeyValuePair<string, string>> all = [new("user", user)];
        if (database is not null) all.Add(new("database", database));
        all.AddRange(parameters ?? []);
        return Make(to => StartupMessage.Write(to, version ?? ProtocolVersion.V30, all.ToArray()));
    }

    public static byte[] CancelRequest(int processId, byte[] key) => Make(to => StartupPacket.WriteCancelRequest(to, processId, key));

    public static byte[] Password(string password) => Make(to => PasswordMessage.Write(to, Utf8(password)));

    public static byte[] Query(string sql) => Make(to => ProxySuite.Wire.Messages.Query.Write(to, sql));

    /// <param name="name">Empty for the unnamed statement.</param>
    /// <param name="types">Type OIDs in network order, as in the message; none leaves them to the server.</param>
    public static byte[] Parse(string name, string sql, params uint[] types) => Make(to =>
    {
        int mark = to.Begin(FrontendMessage.Parse);
        to.WriteCString(name);
        to.WriteCString(sql);
        to.WriteInt16(types.Length);
        foreach (uint type in types) to.WriteInt32((int)type);
        to.End(mark);
    });

    /// <summary>Bind with parameters in text form; null is NULL.</summary>
    public static byte[] Bind(string portal, string statement, params string?[] parameters) => Make(to =>
    {
        int mark = to.Begin(FrontendMessage.Bind);
        to.WriteCString(portal);
        to.WriteCString(statement);
        to.WriteInt16(0);
        to.WriteInt16(parameters.Length);
        foreach (string? parameter in parameters)
        {
            byte[]? value = parameter is null ? null : Utf8(parameter);
            to.WriteInt32(value?.Length ?? -1);
            to.WriteBytes(value);
        }
        to.WriteInt16(0);
        to.End(mark);
    });

    public static byte[] DescribeStatement(string name) => Make(to => Describe.Write(to, StatementOrPortal.Statement, Utf8(name)));

    public static byte[] DescribePortal(string name) => Make(to => Describe.Write(to, StatementOrPortal.Portal, Utf8(name)));

    /// <param name="rowsMax">0 for all.</param>
    public static byte[] Execute(string portal = "", int rowsMax = 0) => Make(to => ProxySuite.Wire.Messages.Execute.Write(to, Utf8(portal), rowsMax));

    public static byte[] CloseStatement(string name) => Make(to => Close.Write(to, StatementOrPortal.Statement, Utf8(name)));

    public static byte[] ClosePortal(string name) => Make(to => Close.Write(to, StatementOrPortal.Portal, Utf8(name)));

    public static byte[] CopyData(string text) => Make(to => ProxySuite.Wire.Messages.CopyData.Write(to, Utf8(text)));

    public static byte[] CopyFail(string reason) => Make(to => ProxySuite.Wire.Messages.CopyFail.Write(to, Utf8(reason)));

    /// <summary>The messages one behind the other, for one send.</summary>
    public static byte[] Join(params byte[][] messages) => [.. messages.SelectMany(message => message)];

    /// <summary>The bytes that a writer is given.</summary>
    public static byte[] Make(Action<FrameWriter> write)
    {
        FrameWriter writer = new();
        write(writer);
        return writer.WrittenSpan.ToArray();
    }

    internal static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
