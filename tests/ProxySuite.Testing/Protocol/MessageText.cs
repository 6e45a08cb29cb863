using System.Globalization;
using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Testing.Protocol;

/// <summary>One line of text a message: its name in the protocol documentation, then what a test may care about.</summary>
/// <remarks>What differs from run to run (salts, nonces, process ids, keys) is written as <c>*</c>.</remarks>
internal static class MessageText
{
    // Longer values are cut; their length is given instead of the rest.
    private const int ShownMax = 200;

    public static string Of(WireMessage message)
    {
        try
        {
            if (!message.IsTyped) return message.Sender == Side.Frontend ? Packet(message.Body) : $"'{(char)message.Body[0]}'";
            return message.Sender == Side.Frontend ? Frontend((FrontendMessage)message.Type, message.Body) : Backend((BackendMessage)message.Type, message.Body);
        }
        catch (PgProtocolException exception)
        {
            return $"malformed {Convert.ToHexString(message.Frame.Span)} ({exception.Message})";
        }
    }

    private static string Packet(ReadOnlySpan<byte> bytes)
    {
        StartupPacket packet = StartupPacket.Read(bytes);
        return packet.Kind switch
        {
            StartupPacketKind.StartupMessage => $"StartupMessage {packet.Startup!.Version}{string.Concat(packet.Startup.Parameters.Select(p => $" {p.Key}={p.Value}"))}",
            StartupPacketKind.CancelRequest => "CancelRequest *",
            _ => packet.Kind.ToString(),
        };
    }

    private static string Frontend(FrontendMessage type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case FrontendMessage.Query:
                return $"Query {Quote(Query.Read(body).Sql)}";
            case FrontendMessage.Parse:
                Parse parse = Parse.Read(body);
                List<uint> types = [];
                for (int i = 0; i < parse.ParameterTypeCount; i++) types.Add(parse.ParameterType(i));
                return $"Parse {Quote(parse.StatementName)} {Quote(parse.Sql)}{(types.Count == 0 ? "" : $" [{string.Join(", ", types)}]")}";
            case FrontendMessage.Bind:
                Bind bind = Bind.Read(body);
                return $"Bind {Quote(bind.PortalName)} {Quote(bind.StatementName)}{Parameters(bind)}";
            case FrontendMessage.Describe:
                Describe describe = Describe.Read(body);
                return $"Describe {describe.Target} {Quote(describe.Name)}";
            case FrontendMessage.Close:
                Close close = Close.Read(body);
                return $"Close {close.Target} {Quote(close.Name)}";
            case FrontendMessage.Execute:
                Execute execute = Execute.Read(body);
                return $"Execute {Quote(execute.PortalName)}{(execute.RowsMax == 0 ? "" : $" {execute.RowsMax}")}";
            case FrontendMessage.CopyData:
                return $"CopyData {Quote(body)}";
            case FrontendMessage.CopyFail:
                return $"CopyFail {Quote(CopyFail.Read(body).Reason)}";
            case FrontendMessage.FunctionCall:
                return $"FunctionCall {FunctionCall.Read(body).FunctionOid}";
            case FrontendMessage.PasswordMessage:
                return "PasswordMessage *";
            default:
                return WithoutBody(type, body);
        }
    }

    private static string Backend(BackendMessage type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case BackendMessage.Authentication:
                AuthenticationKind kind = Authentication.Read(body).Kind;
                return kind is AuthenticationKind.Ok or AuthenticationKind.CleartextPassword ? $"Authentication{kind}" : $"Authentication{kind} *";
            case BackendMessage.BackendKeyData:
                return "BackendKeyData *";
            case BackendMessage.ParameterStatus:
                ParameterStatus status = ParameterStatus.Read(body);
                return $"ParameterStatus {Text(status.Name)}={Text(status.Value)}";
            case BackendMessage.ReadyForQuery:
                return $"ReadyForQuery {(char)ReadyForQuery.Read(body)}";
            case BackendMessage.RowDescription:
                List<string> columns = [];
                foreach (RowDescription.Column column in RowDescription.Read(body)) columns.Add(Text(column.Name));
                return $"RowDescription [{string.Join(", ", columns)}]";
            case BackendMessage.DataRow:
                List<string> values = [];
                foreach (DataRow.Value value in DataRow.Read(body)) values.Add(value.IsNull ? "NULL" : Quote(value.Bytes));
                return $"DataRow [{string.Join(", ", values)}]";
            case BackendMessage.CommandComplete:
                return $"CommandComplete {Quote(CommandComplete.Read(body).Tag)}";
            case BackendMessage.ErrorResponse:
                return $"ErrorResponse {Error(ErrorResponse.Read(body))}";
            case BackendMessage.NoticeResponse:
                return $"NoticeResponse {Error(NoticeResponse.Read(body))}";
            case BackendMessage.NotificationResponse:
                NotificationResponse notification = NotificationResponse.Read(body);
                return $"NotificationResponse * {Quote(notification.Channel)} {Quote(notification.Payload)}";
            case BackendMessage.ParameterDescription:
                ParameterDescription description = ParameterDescription.Read(body);
                List<uint> types = [];
                for (int i = 0; i < description.Count; i++) types.Add(description.Type(i));
                return $"ParameterDescription [{string.Join(", ", types)}]";
            case BackendMessage.CopyInResponse or BackendMessage.CopyOutResponse or BackendMessage.CopyBothResponse:
                CopyResponse copy = CopyResponse.Read(body);
                return $"{type} {(copy.IsBinary ? "binary" : "text")} {copy.ColumnCount}";
            case BackendMessage.CopyData:
                return $"CopyData {Quote(body)}";
            case BackendMessage.NegotiateProtocolVersion:
                NegotiateProtocolVersion negotiate = NegotiateProtocolVersion.Read(body);
                return $"NegotiateProtocolVersion {negotiate.Version} [{string.Join(", ", negotiate.UnsupportedOptions)}]";
            case BackendMessage.FunctionCallResponse:
                return $"FunctionCallResponse {Quote(body)}";
            default:
                return WithoutBody(type, body);
        }
    }

    private static string WithoutBody<T>(T type, ReadOnlySpan<byte> body)
        where T : struct, Enum
    {
        string name = Enum.IsDefined(type) ? type.ToString() : string.Create(CultureInfo.InvariantCulture, $"unknown type {type:X}");
        return body.IsEmpty ? name : $"{name} {Quote(body)}";
    }

    /// <remarks>protocol-message-formats, "Bind": formats of the parameters, the parameters, formats of the results.</remarks>
    private static string Parameters(Bind bind)
    {
        SpanReader reader = new(bind.Rest);
        for (int formats = reader.UInt16(); formats > 0; formats--) reader.UInt16();
        List<string> values = [];
        for (int count = reader.UInt16(); count > 0; count--)
        {
            int length = reader.Int32();
            values.Add(length < 0 ? "NULL" : Quote(reader.Bytes(length)));
        }
        return values.Count == 0 ? "" : $" [{string.Join(", ", values)}]";
    }

    private static string Error(ErrorFields fields)
    {
        StringBuilder text = new($"{Text(fields.Severity)} {Text(fields.SqlState)} {Quote(fields.Message)}");
        if (fields.TryGet((byte)'D', out ReadOnlySpan<byte> detail)) text.Append(CultureInfo.InvariantCulture, $" detail {Quote(detail)}");
        if (fields.TryGet((byte)'H', out ReadOnlySpan<byte> hint)) text.Append(CultureInfo.InvariantCulture, $" hint {Quote(hint)}");
        return text.ToString();
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private static string Quote(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new("\"");
        foreach (char c in Text(bytes.Length > ShownMax ? bytes[..ShownMax] : bytes))
        {
            text.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' or '\uFFFD' => string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:X2}"),
                _ => c.ToString(),
            });
        }
        text.Append('"');
        if (bytes.Length > ShownMax) text.Append(CultureInfo.InvariantCulture, $"... {bytes.Length} bytes");
        return text.ToString();
    }
}
