using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Tests.Captures;
using Xunit;

namespace ProxySuite.Wire.Tests.Messages;

public sealed class BackendMessageTests
{
    [Theory]
    [InlineData("I", TransactionStatus.Idle)]
    [InlineData("T", TransactionStatus.InTransaction)]
    [InlineData("E", TransactionStatus.Failed)]
    public void ReadyForQuery_tells_where_the_session_stands(string body, TransactionStatus status)
        => Assert.Equal(status, ReadyForQuery.Read(Splits.Bytes(body)));

    [Fact]
    public void A_SASL_request_names_its_mechanisms()
    {
        Authentication request = Authentication.Read("\0\0\0\nSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"u8);
        Assert.Equal(AuthenticationKind.SASL, request.Kind);
        Assert.True(request.Offers(Authentication.ScramSha256));
        Assert.True(request.Offers(Authentication.ScramSha256Plus));
        Assert.False(request.Offers("SCRAM-SHA-1"u8));
        Assert.False(Authentication.Read("\0\0\0\nSCRAM-SHA-256\0\0"u8).Offers(Authentication.ScramSha256Plus));
        Assert.False(Authentication.Read("\0\0\0\0"u8).Offers(Authentication.ScramSha256));
    }

    [Fact]
    public void What_is_written_for_a_login_is_what_a_client_reads()
    {
        var writer = new FrameWriter();
        Authentication.WriteSASL(writer, withChannelBinding: true);
        Assert.True(Authentication.Read(writer.WrittenSpan[FrameHeader.Size..]).Offers(Authentication.ScramSha256Plus));
        writer.Clear();
        Authentication.WriteMD5Password(writer, 0x01020304);
        Assert.Equal([1, 2, 3, 4], Authentication.Read(writer.WrittenSpan[FrameHeader.Size..]).Data.ToArray());
        writer.Clear();
        ParameterStatus.Write(writer, "TimeZone", "UTC");
        Assert.Equal("TimeZone"u8, ParameterStatus.Read(writer.WrittenSpan[FrameHeader.Size..]).Name);
        Assert.Equal("UTC"u8, ParameterStatus.Read(writer.WrittenSpan[FrameHeader.Size..]).Value);
    }

    [Fact]
    public void A_cancel_key_is_written_in_the_lengths_the_protocol_allows()
    {
        var writer = new FrameWriter();
        BackendKeyData.Write(writer, 5, new byte[256]);
        Assert.Equal(256, BackendKeyData.Read(writer.WrittenSpan[FrameHeader.Size..]).Key.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => BackendKeyData.Write(writer, 5, new byte[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => BackendKeyData.Write(writer, 5, new byte[257]));
    }

    [Fact]
    public void A_table_of_text_is_written_as_a_client_reads_it()
    {
        var writer = new FrameWriter();
        RowDescription.Write(writer, ["name", "größe"]);
        RowDescription description = RowDescription.Read(writer.WrittenSpan[FrameHeader.Size..]);
        var names = new List<string>();
        foreach (RowDescription.Column column in description)
        {
            names.Add(System.Text.Encoding.UTF8.GetString(column.Name));
            Assert.Equal((25u, -1, -1, 0), (column.TypeOid, column.TypeSize, column.TypeModifier, column.Format));
        }

        Assert.Equal(["name", "größe"], names);
        writer.Clear();
        DataRow.Write(writer, ["acme", null]);
        Assert.Equal(Splits.Bytes("D\0\0\0\u0012\0\u0002\0\0\0\u0004acme\u00ff\u00ff\u00ff\u00ff"), writer.WrittenSpan.ToArray());
    }

    [Fact]
    public void The_columns_of_a_real_table_are_told_with_their_types()
    {
        byte[] body = Capture.Read("pg18-simple").First(m => m.FromBackend && m.Bytes[0] == 'T').Bytes[FrameHeader.Size..];
        var columns = new List<(string, uint, int)>();
        foreach (RowDescription.Column column in RowDescription.Read(body))
        {
            columns.Add((System.Text.Encoding.UTF8.GetString(column.Name), column.TypeOid, column.TypeSize));
        }

        Assert.Equal([("one", 23u, 4), ("nothing", 25u, -1), ("text", 25u, -1)], columns);
    }

    [Fact]
    public void A_COPY_response_tells_its_formats()
    {
        CopyResponse response = CopyResponse.Read(Splits.Bytes("\u0001\0\u0002\0\u0001\0\0"));
        Assert.True(response.IsBinary);
        Assert.Equal(2, response.ColumnCount);
    }

    [Theory]
    [InlineData(BackendMessage.Authentication, "")]
    [InlineData(BackendMessage.Authentication, "\0\0\0\u0001")]
    [InlineData(BackendMessage.Authentication, "\0\0\0\0x")]
    [InlineData(BackendMessage.Authentication, "\0\0\0\u0005abc")]
    [InlineData(BackendMessage.Authentication, "\0\0\0\u0005abcde")]
    [InlineData(BackendMessage.Authentication, "\0\0\0\nSCRAM-SHA-256\0")]
    [InlineData(BackendMessage.Authentication, "\0\0\0\nSCRAM-SHA-256\0\0x")]
    [InlineData(BackendMessage.Authentication, "\u0080\0\0\0")]
    [InlineData(BackendMessage.BackendKeyData, "\0\0\0\u0001abc")]
    [InlineData(BackendMessage.BackendKeyData, "\0\0")]
    [InlineData(BackendMessage.BindComplete, "x")]
    [InlineData(BackendMessage.CloseComplete, "x")]
    [InlineData(BackendMessage.ParseComplete, "x")]
    [InlineData(BackendMessage.NoData, "x")]
    [InlineData(BackendMessage.PortalSuspended, "x")]
    [InlineData(BackendMessage.EmptyQueryResponse, "x")]
    [InlineData(BackendMessage.CommandComplete, "SELECT 1")]
    [InlineData(BackendMessage.CommandComplete, "SELECT 1\0\0")]
    [InlineData(BackendMessage.CopyInResponse, "\u0002\0\0")]
    [InlineData(BackendMessage.CopyOutResponse, "\0\0\u0001")]
    [InlineData(BackendMessage.CopyBothResponse, "\0\0\u0001\u0001\0")]
    [InlineData(BackendMessage.DataRow, "\0")]
    [InlineData(BackendMessage.DataRow, "\0\u0001")]
    [InlineData(BackendMessage.DataRow, "\0\u0001\0\0\0\u0002a")]
    [InlineData(BackendMessage.DataRow, "\0\u0001\u00ff\u00ff\u00ff\u00f0")]
    [InlineData(BackendMessage.DataRow, "\0\0x")]
    [InlineData(BackendMessage.RowDescription, "\0\u0001name\0\0\0\0\0\0\0\0\0\0\u0017\0\u0004\u00ff\u00ff\u00ff\u00ff\0")]
    [InlineData(BackendMessage.RowDescription, "\0\u0001name")]
    [InlineData(BackendMessage.ParameterDescription, "\0\u0001\0\0\0")]
    [InlineData(BackendMessage.ParameterStatus, "TimeZone\0")]
    [InlineData(BackendMessage.ParameterStatus, "TimeZone\0UTC\0\0")]
    [InlineData(BackendMessage.NotificationResponse, "\0\0\0\u0001c\0")]
    [InlineData(BackendMessage.NegotiateProtocolVersion, "\0\u0003\0\u0002\u007f\u00ff\u00ff\u00ff")]
    [InlineData(BackendMessage.NegotiateProtocolVersion, "\0\u0003\0\u0002\u00ff\u00ff\u00ff\u00ff")]
    [InlineData(BackendMessage.NegotiateProtocolVersion, "\0\u0003\0\u0002\0\0\0\u0001abc")]
    [InlineData(BackendMessage.FunctionCallResponse, "\0\0\0\u0004abc")]
    [InlineData(BackendMessage.ReadyForQuery, "")]
    [InlineData(BackendMessage.ReadyForQuery, "X")]
    [InlineData(BackendMessage.ReadyForQuery, "II")]
    [InlineData(BackendMessage.ErrorResponse, "")]
    [InlineData(BackendMessage.ErrorResponse, "SERROR\0")]
    [InlineData(BackendMessage.ErrorResponse, "SERROR\0\0\0")]
    [InlineData(BackendMessage.NoticeResponse, "SERROR")]
    public void A_malformed_body_is_a_protocol_error(BackendMessage type, string body)
    {
        ReadBody read = Readers.Backend(type)!;
        Assert.Equal(SqlState.ProtocolViolation, Assert.Throws<PgProtocolException>(() => read(Splits.Bytes(body))).Error.SqlState);
    }

    [Fact]
    public void A_message_of_a_real_session_is_refused_when_its_end_is_missing_or_something_follows()
    {
        foreach (CapturedMessage message in Capture.Framed)
        {
            ReadBody? read = message.FromBackend
                ? Readers.Backend((BackendMessage)message.Bytes[0])
                : Readers.Frontend((FrontendMessage)message.Bytes[0]) is [var reader, ..] ? reader.Read : null;
            byte[] body = message.Bytes[FrameHeader.Size..];
            if (read is null || HasFreeEnd(message))
            {
                continue;
            }

            for (int length = 0; length < body.Length; length++)
            {
                Assert.Throws<PgProtocolException>(() => read(body.AsSpan(0, length)));
            }

            Assert.Throws<PgProtocolException>(() => read([.. body, 0]));
        }
    }

    // Keys and SASL data go on to the end of the body, however long; answers to SASL share a type byte with passwords.
    private static bool HasFreeEnd(CapturedMessage message) => message.FromBackend
        ? message.Bytes[0] == (byte)BackendMessage.BackendKeyData
            || (message.Bytes[0] == (byte)BackendMessage.Authentication && message.Bytes[8] > (byte)AuthenticationKind.SASL)
        : message.Bytes[0] == (byte)FrontendMessage.PasswordMessage;
}
