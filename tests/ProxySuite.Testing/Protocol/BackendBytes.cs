using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Testing.Protocol;

/// <summary>What a PostgreSQL server sends, as bytes: one method a message. Meant for <c>using static</c>.</summary>
public static class BackendBytes
{
    public static byte[] AuthenticationOk { get; } = FrontendBytes.Make(Authentication.WriteOk);

    public static byte[] ParseComplete { get; } = Empty(BackendMessage.ParseComplete);

    public static byte[] BindComplete { get; } = Empty(BackendMessage.BindComplete);

    public static byte[] CloseComplete { get; } = Empty(BackendMessage.CloseComplete);

    public static byte[] NoData { get; } = Empty(BackendMessage.NoData);

    public static byte[] EmptyQueryResponse { get; } = Empty(BackendMessage.EmptyQueryResponse);

    public static byte[] PortalSuspended { get; } = Empty(BackendMessage.PortalSuspended);

    public static byte[] CopyDone { get; } = Empty(BackendMessage.CopyDone);

    /// <param name="status">I (idle), T (in a transaction) or E (in a failed one).</param>
    public static byte[] ReadyForQuery(char status) => FrontendBytes.Make(to => ProxySuite.Wire.Messages.ReadyForQuery.Write(to, (TransactionStatus)status));

    public static byte[] RowDescription(params string[] columns) => FrontendBytes.Make(to => ProxySuite.Wire.Messages.RowDescription.Write(to, columns));

    /// <summary>Values in text form; null is NULL.</summary>
    public static byte[] DataRow(params string?[] values) => FrontendBytes.Make(to => ProxySuite.Wire.Messages.DataRow.Write(to, values));

    public static byte[] CommandComplete(string tag) => FrontendBytes.Make(to => ProxySuite.Wire.Messages.CommandComplete.Write(to, tag));

    public static byte[] Error(string sqlState, string message, string severity = "ERROR")
        => FrontendBytes.Make(to => ErrorResponse.Write(to, new PgError(sqlState, message, Severity: severity)));

    public static byte[] ParameterStatus(string name, string value) => FrontendBytes.Make(to => ProxySuite.Wire.Messages.ParameterStatus.Write(to, name, value));

    public static byte[] BackendKeyData(int processId, byte[] key) => FrontendBytes.Make(to => ProxySuite.Wire.Messages.BackendKeyData.Write(to, processId, key));

    public static byte[] Notification(int processId, string channel, string payload)
        => FrontendBytes.Make(to => NotificationResponse.Write(to, processId, FrontendBytes.Utf8(channel), FrontendBytes.Utf8(payload)));

    public static byte[] ParameterDescription(params uint[] types) => FrontendBytes.Make(to =>
    {
        int mark = to.Begin(BackendMessage.ParameterDescription);
        to.WriteInt16(types.Length);
        foreach (uint type in types) to.WriteInt32((int)type);
        to.End(mark);
    });

    /// <summary>CopyInResponse for so many columns in text form.</summary>
    public static byte[] CopyIn(int columns = 1) => Copy(BackendMessage.CopyInResponse, columns);

    /// <summary>CopyOutResponse for so many columns in text form.</summary>
    public static byte[] CopyOut(int columns = 1) => Copy(BackendMessage.CopyOutResponse, columns);

    public static byte[] CopyData(string text) => FrontendBytes.CopyData(text);

    /// <summary>All a simple query of one column and one row is answered with.</summary>
    public static byte[] OneRow(string column, string? value, char status = 'I')
        => FrontendBytes.Join(RowDescription(column), DataRow(value), CommandComplete("SELECT 1"), ReadyForQuery(status));

    private static byte[] Empty(BackendMessage type) => FrontendBytes.Make(to => to.WriteEmpty(type));

    /// <remarks>protocol-message-formats, "CopyInResponse": overall format, then one a column.</remarks>
    private static byte[] Copy(BackendMessage type, int columns) => FrontendBytes.Make(to =>
    {
        int mark = to.Begin(type);
        to.WriteByte(0);
        to.WriteInt16(columns);
        for (int i = 0; i < columns; i++) to.WriteInt16(0);
        to.End(mark);
    });
}
