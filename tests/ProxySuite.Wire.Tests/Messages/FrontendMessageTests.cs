using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Wire.Tests.Messages;

public sealed class FrontendMessageTests
{
    [Fact]
    public void A_Query_is_one_string() => Assert.Equal("SELECT 1"u8, Query.Read("SELECT 1\0"u8).Sql);

    [Fact]
    public void A_Parse_has_a_name_a_text_and_types()
    {
        Parse parse = Parse.Read(Splits.Bytes("s1\0SELECT $1\0\0\u0002\0\0\0\u0017\u00ff\u00ff\u00ff\u00ff"));
        Assert.Equal("s1"u8, parse.StatementName);
        Assert.Equal("SELECT $1"u8, parse.Sql);
        Assert.Equal(2, parse.ParameterTypeCount);
        Assert.Equal(23u, parse.ParameterType(0));
        Assert.Equal(uint.MaxValue, parse.ParameterType(1));
    }

    [Fact]
    public void A_Parse_may_have_as_many_types_as_the_count_can_say()
    {
        var writer = new FrameWriter();
        Parse.Write(writer, ""u8, "x"u8, new byte[4 * ushort.MaxValue]);
        Assert.Equal(ushort.MaxValue, Parse.Read(writer.WrittenSpan[FrameHeader.Size..]).ParameterTypeCount);
        Assert.Throws<OverflowException>(() => Parse.Write(writer, ""u8, "x"u8, new byte[4 * (ushort.MaxValue + 1)]));
    }

    [Fact]
    public void A_Bind_has_two_names_and_a_rest_that_stays_when_they_change()
    {
        byte[] body = Splits.Bytes("p1\0s1\0\0\u0001\0\u0001\0\u0002\0\0\0\u0002ab\u00ff\u00ff\u00ff\u00ff\0\0");
        Bind bind = Bind.Read(body);
        Assert.Equal("p1"u8, bind.PortalName);
        Assert.Equal("s1"u8, bind.StatementName);
        Assert.Equal(6, bind.NamesEnd);
        Assert.Equal(2, bind.ParameterCount);
        Assert.Equal(body.AsSpan(6), bind.Rest);

        var renamed = new FrameWriter();
        Bind.Write(renamed, bind.PortalName, "other"u8, bind.Rest);
        Bind again = Bind.Read(renamed.WrittenSpan[FrameHeader.Size..]);
        Assert.Equal("other"u8, again.StatementName);
        Assert.Equal(bind.Rest, again.Rest);

        var inParts = new FrameWriter();
        Bind.WriteStart(inParts, bind.PortalName, "other"u8, bind.Rest.Length);
        inParts.WriteBytes(bind.Rest);
        Assert.Equal(renamed.WrittenSpan, inParts.WrittenSpan);
    }

    [Fact]
    public void The_names_of_a_Bind_are_read_before_its_rest_has_come()
    {
        byte[] body = Splits.Bytes("p\0s1\0\0\0\0\0\0\0");
        for (int length = 0; length < 5; length++)
        {
            Assert.False(Bind.TryReadNames(body.AsSpan(0, length), out _));
        }

        Assert.True(Bind.TryReadNames(body.AsSpan(0, 5), out Bind bind));
        Assert.Equal("p"u8, bind.PortalName);
        Assert.Equal("s1"u8, bind.StatementName);
        Assert.Equal(5, bind.NamesEnd);
    }

    [Fact]
    public void A_Bind_without_parameters_is_a_whole_message()
    {
        var writer = new FrameWriter();
        Bind.WriteWithoutParameters(writer, ""u8, "s"u8);
        Assert.Equal(0, Bind.Read(writer.WrittenSpan[FrameHeader.Size..]).ParameterCount);
    }

    [Theory]
    [InlineData('S', StatementOrPortal.Statement)]
    [InlineData('P', StatementOrPortal.Portal)]
    public void Describe_and_Close_name_a_statement_or_a_portal(char target, StatementOrPortal expected)
    {
        byte[] body = Splits.Bytes(target + "x\0");
        Assert.Equal(expected, Describe.Read(body).Target);
        Assert.Equal("x"u8, Describe.Read(body).Name);
        Assert.Equal(expected, Close.Read(body).Target);
        Assert.Equal("x"u8, Close.Read(body).Name);
    }

    [Fact]
    public void An_Execute_names_a_portal_and_a_bound()
    {
        Execute execute = Execute.Read(Splits.Bytes("p\0\0\0\u0001\0"));
        Assert.Equal("p"u8, execute.PortalName);
        Assert.Equal(256, execute.RowsMax);
    }

    [Fact]
    public void A_FunctionCall_names_a_function_and_its_arguments()
    {
        FunctionCall call = FunctionCall.Read(Splits.Bytes("\0\0\u0008\u001e\0\u0001\0\u0001\0\u0001\0\0\0\u0001x\0\u0001"));
        Assert.Equal(2078u, call.FunctionOid);
        Assert.Equal(1, call.ArgumentCount);
    }

    [Fact]
    public void A_SASLInitialResponse_may_bear_no_data()
    {
        SASLInitialResponse response = SASLInitialResponse.Read(Splits.Bytes("SCRAM-SHA-256\0\u00ff\u00ff\u00ff\u00ff"));
        Assert.Equal("SCRAM-SHA-256"u8, response.Mechanism);
        Assert.True(response.Data.IsEmpty);
    }

    [Theory]
    [InlineData(FrontendMessage.Query, "")]
    [InlineData(FrontendMessage.Query, "SELECT 1")]
    [InlineData(FrontendMessage.Query, "SELECT 1\0x")]
    [InlineData(FrontendMessage.Query, "SELECT\0SELECT 2\0")]
    [InlineData(FrontendMessage.Parse, "\0\0")]
    [InlineData(FrontendMessage.Parse, "s\0SELECT 1\0\0")]
    [InlineData(FrontendMessage.Parse, "s\0SELECT 1\0\0\u0001\0\0\0")]
    [InlineData(FrontendMessage.Parse, "s\0SELECT 1\0\0\0x")]
    [InlineData(FrontendMessage.Parse, "s\0SELECT 1\0\u00ff\u00ff")]
    [InlineData(FrontendMessage.Bind, "p\0s\0\0\0\0\0")]
    [InlineData(FrontendMessage.Bind, "p\0s\0\0\u0001\0\u0002\0\0\0\0")]                       // a format that is neither text nor binary
    [InlineData(FrontendMessage.Bind, "p\0s\0\0\u0002\0\0\0\0\0\u0001\0\0\0\0\0\0")]           // two formats, one value
    [InlineData(FrontendMessage.Bind, "p\0s\0\0\0\0\u0001\u00ff\u00ff\u00ff\u00fe\0\0")]       // a length of -2
    [InlineData(FrontendMessage.Bind, "p\0s\0\0\0\0\u0001\u007f\u00ff\u00ff\u00ff\0\0")]       // a length far beyond the body
    [InlineData(FrontendMessage.Bind, "p\0s\0\0\0\0\u0001\0\0\0\u0001a\0\u0001\0\u0003")]
    [InlineData(FrontendMessage.Bind, "p\0s\0\0\0\0\0\0\0x")]
    [InlineData(FrontendMessage.Describe, "")]
    [InlineData(FrontendMessage.Describe, "Xname\0")]
    [InlineData(FrontendMessage.Describe, "Sname")]
    [InlineData(FrontendMessage.Describe, "Sname\0\0")]
    [InlineData(FrontendMessage.Close, "")]
    [InlineData(FrontendMessage.Close, "sname\0")]
    [InlineData(FrontendMessage.Close, "Pname")]
    [InlineData(FrontendMessage.Execute, "p\0\0\0\0")]
    [InlineData(FrontendMessage.Execute, "p")]
    [InlineData(FrontendMessage.Execute, "p\0\0\0\0\0\0")]
    [InlineData(FrontendMessage.Sync, "x")]
    [InlineData(FrontendMessage.Flush, "\0")]
    [InlineData(FrontendMessage.Terminate, "\0")]
    [InlineData(FrontendMessage.CopyDone, "\0")]
    [InlineData(FrontendMessage.CopyFail, "no")]
    [InlineData(FrontendMessage.CopyFail, "no\0no\0")]
    [InlineData(FrontendMessage.PasswordMessage, "")]
    [InlineData(FrontendMessage.PasswordMessage, "pw")]
    [InlineData(FrontendMessage.FunctionCall, "\0\0\0\u0001\0\0\0\0")]
    [InlineData(FrontendMessage.FunctionCall, "\0\0\0\u0001\0\0\0\0\0\u0002")]
    [InlineData(FrontendMessage.FunctionCall, "\0\0\0\u0001\0\u0002\0\0\0\0\0\u0001\u00ff\u00ff\u00ff\u00ff\0\0")]
    [InlineData(FrontendMessage.FunctionCall, "\0\0\0\u0001\0\0\0\0\0\0x")]
    public void A_malformed_body_is_a_protocol_error(FrontendMessage type, string body)
    {
        ReadBody read = Readers.Frontend(type)[0].Read;
        Assert.Equal(SqlState.ProtocolViolation, Assert.Throws<PgProtocolException>(() => read(Splits.Bytes(body))).Error.SqlState);
    }

    [Theory]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("SCRAM-SHA-256\0")]
    [InlineData("SCRAM-SHA-256\0\0\0\0\u0002a")]
    [InlineData("SCRAM-SHA-256\0\0\0\0\u0002abc")]
    [InlineData("SCRAM-SHA-256\0\u00ff\u00ff\u00ff\u00feabc")]
    public void A_malformed_SASLInitialResponse_is_a_protocol_error(string body)
        => Assert.Throws<PgProtocolException>(() => _ = SASLInitialResponse.Read(Splits.Bytes(body)));
}
