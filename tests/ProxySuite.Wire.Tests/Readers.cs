using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;

namespace ProxySuite.Wire.Tests;

/// <summary>Reads a body, and all that can be asked of what was read.</summary>
public delegate void ReadBody(ReadOnlySpan<byte> body);

/// <summary>Every reader of the library, by direction and type byte.</summary>
public static class Readers
{
    public static IReadOnlyList<(string Name, ReadBody Read)> Frontend(FrontendMessage type) => type switch
    {
        FrontendMessage.Bind => [("Bind", b => _ = Bind.Read(b)), ("Bind names", b => Bind.TryReadNames(b, out _))],
        FrontendMessage.Close => [("Close", b => _ = Close.Read(b))],
        FrontendMessage.CopyData => [],
        FrontendMessage.CopyDone => [("CopyDone", CopyDone.Read)],
        FrontendMessage.CopyFail => [("CopyFail", b => _ = CopyFail.Read(b))],
        FrontendMessage.Describe => [("Describe", b => _ = Describe.Read(b))],
        FrontendMessage.Execute => [("Execute", b => _ = Execute.Read(b))],
        FrontendMessage.Flush => [("Flush", Flush.Read)],
        FrontendMessage.FunctionCall => [("FunctionCall", b => _ = FunctionCall.Read(b))],
        FrontendMessage.Parse => [("Parse", ReadParse)],

        // One type byte: which of the three it is depends on what was asked.
        FrontendMessage.PasswordMessage =>
            [("PasswordMessage", b => _ = PasswordMessage.Read(b)), ("SASLInitialResponse", b => _ = SASLInitialResponse.Read(b))],
        FrontendMessage.Query => [("Query", b => _ = Query.Read(b))],
        FrontendMessage.Sync => [("Sync", Sync.Read)],
        FrontendMessage.Terminate => [("Terminate", Terminate.Read)],
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    public static ReadBody? Backend(BackendMessage type) => type switch
    {
        BackendMessage.Authentication => ReadAuthentication,
        BackendMessage.BackendKeyData => b => _ = BackendKeyData.Read(b),
        BackendMessage.BindComplete => BindComplete.Read,
        BackendMessage.CloseComplete => CloseComplete.Read,
        BackendMessage.CommandComplete => b => _ = CommandComplete.Read(b),
        BackendMessage.CopyBothResponse or BackendMessage.CopyInResponse or BackendMessage.CopyOutResponse => b => _ = CopyResponse.Read(b),
        BackendMessage.CopyData => null,
        BackendMessage.CopyDone => CopyDone.Read,
        BackendMessage.DataRow => ReadDataRow,
        BackendMessage.EmptyQueryResponse => EmptyQueryResponse.Read,
        BackendMessage.ErrorResponse => b => ReadFields(ErrorResponse.Read(b)),
        BackendMessage.NoticeResponse => b => ReadFields(NoticeResponse.Read(b)),
        BackendMessage.FunctionCallResponse => b => _ = FunctionCallResponse.Read(b),
        BackendMessage.NegotiateProtocolVersion => b => NegotiateProtocolVersion.Read(b),
        BackendMessage.NoData => NoData.Read,
        BackendMessage.NotificationResponse => b => _ = NotificationResponse.Read(b),
        BackendMessage.ParameterDescription => ReadParameterDescription,
        BackendMessage.ParameterStatus => b => _ = ParameterStatus.Read(b),
        BackendMessage.ParseComplete => ParseComplete.Read,
        BackendMessage.PortalSuspended => PortalSuspended.Read,
        BackendMessage.ReadyForQuery => b => ReadyForQuery.Read(b),
        BackendMessage.RowDescription => ReadRowDescription,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static void ReadParse(ReadOnlySpan<byte> body)
    {
        Parse parse = Parse.Read(body);
        for (int i = 0; i < parse.ParameterTypeCount; i++)
        {
            parse.ParameterType(i);
        }
    }

    private static void ReadAuthentication(ReadOnlySpan<byte> body) => Authentication.Read(body).Offers(Authentication.ScramSha256);

    private static void ReadParameterDescription(ReadOnlySpan<byte> body)
    {
        ParameterDescription description = ParameterDescription.Read(body);
        for (int i = 0; i < description.Count; i++)
        {
            description.Type(i);
        }
    }

    private static void ReadRowDescription(ReadOnlySpan<byte> body)
    {
        int count = 0;
        RowDescription description = RowDescription.Read(body);
        foreach (RowDescription.Column column in description)
        {
            count += column.Name.Length >= 0 ? 1 : 0;
        }

        if (count != description.Count)
        {
            throw new InvalidOperationException("a checked RowDescription lost a column");
        }
    }

    private static void ReadDataRow(ReadOnlySpan<byte> body)
    {
        int count = 0;
        DataRow row = DataRow.Read(body);
        foreach (DataRow.Value value in row)
        {
            count += value.Bytes.Length >= 0 ? 1 : 0;
        }

        if (count != row.Count)
        {
            throw new InvalidOperationException("a checked DataRow lost a value");
        }
    }

    private static void ReadFields(ErrorFields fields)
    {
        if (fields.Message.Length < 4096)
        {
            PgError error = fields.ToPgError();
            ArgumentNullException.ThrowIfNull(error.Message);
        }
    }
}
