using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Tests.Captures;
using Xunit;

namespace ProxySuite.Wire.Tests.Messages;

public sealed class ErrorResponseTests
{
    [Fact]
    public void An_error_is_written_with_all_it_has_to_say()
    {
        var error = new PgError(SqlState.ConfigurationLimitExceeded, "query rate limit exceeded", Hint: "Wait.", Detail: "100 per second.");
        Assert.Equal(error, Read(error));
        Assert.Equal(error.AsFatal(), Read(error.AsFatal()));
        Assert.Equal(new PgError("57014", "canceled"), Read(new PgError("57014", "canceled")));
    }

    [Fact]
    public void A_text_is_cut_at_a_zero_character_so_that_the_frame_holds()
        => Assert.Equal(new PgError("08P01", "bad name a"), Read(new PgError("08P01", "bad name a\0Hnot a hint")));

    [Fact]
    public void The_error_of_a_real_server_is_understood()
    {
        byte[] body = Capture.Read("pg15-simple").First(m => m.FromBackend && m.Bytes[0] == 'E').Bytes[FrameHeader.Size..];
        ErrorFields fields = ErrorResponse.Read(body);
        Assert.Equal("22012"u8, fields.SqlState);
        Assert.Equal("division by zero"u8, fields.Message);
        Assert.Equal("ERROR"u8, fields.Severity);
        Assert.True(fields.TryGet((byte)'R', out ReadOnlySpan<byte> routine));
        Assert.Equal("int4div"u8, routine);
        Assert.False(fields.TryGet((byte)'H', out _));
    }

    [Fact]
    public void The_notice_of_a_real_server_is_understood()
    {
        byte[] body = Capture.Read("pg18-simple").First(m => m.FromBackend && m.Bytes[0] == 'N').Bytes[FrameHeader.Size..];
        Assert.Equal(new PgError("00000", "note", Hint: "h", Detail: "d", Severity: "NOTICE"), NoticeResponse.Read(body).ToPgError());
    }

    [Fact]
    public void A_notice_bears_the_notice_type()
    {
        var writer = new FrameWriter();
        NoticeResponse.Write(writer, new PgError("01000", "limited to the plan", Severity: "NOTICE"));
        Assert.Equal((byte)'N', writer.WrittenSpan[0]);
    }

    [Fact]
    public void An_error_without_fields_has_empty_ones()
    {
        ErrorFields fields = ErrorResponse.Read("\0"u8);
        Assert.True(fields.SqlState.IsEmpty && fields.Message.IsEmpty && fields.Severity.IsEmpty);
    }

    private static PgError Read(PgError error)
    {
        var writer = new FrameWriter();
        ErrorResponse.Write(writer, error);
        Assert.Equal((byte)'E', writer.WrittenSpan[0]);
        Assert.True(FrameHeader.TryRead(writer.WrittenSpan, 1000, out FrameHeader header));
        Assert.Equal(writer.WrittenCount, header.FrameLength);
        return ErrorResponse.Read(writer.WrittenSpan[FrameHeader.Size..]).ToPgError();
    }
}
