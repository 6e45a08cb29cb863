using System.Buffers;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.Wire.Tests.Frames;

public sealed class FrameHeaderTests
{
    [Fact]
    public void A_header_is_seen_however_the_network_cuts_it()
    {
        byte[] bytes = Splits.Bytes("Q\0\0\0\rSELECT 1\0");
        foreach (ReadOnlySequence<byte> cut in Splits.Every(bytes))
        {
            var reader = new SequenceReader<byte>(cut);
            Assert.True(FrameHeader.TryRead(ref reader, bodyLengthMax: 9, out FrameHeader header));
            Assert.Equal(new FrameHeader((byte)'Q', 9), header);
            Assert.Equal(14, header.FrameLength);
            Assert.Equal(FrameHeader.Size, reader.Consumed);
        }
    }

    [Fact]
    public void Nothing_is_consumed_while_a_header_is_not_whole()
    {
        byte[] bytes = Splits.Bytes("Z\0\0\0\u0005");
        for (int length = 0; length < FrameHeader.Size; length++)
        {
            var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(bytes, 0, length));
            Assert.False(FrameHeader.TryRead(ref reader, FrameHeader.BodyLengthLimit, out _));
            Assert.Equal(0, reader.Consumed);
            Assert.False(FrameHeader.TryRead(bytes.AsSpan(0, length), FrameHeader.BodyLengthLimit, out _));
        }
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("C\0\0\0\u0004", 0)]                                                  // another type
    [InlineData("D\0\0\0\u0004D\0\0\0\u0006abC\0\0\0\u0004D\0\0\0\u0004", 12)]          // up to another type, and not on behind it
    [InlineData("D\0\0\0\u0004D\0\0\0\u0006a", 5)]                                     // up to one of which the last byte is missing
    [InlineData("D\0\0\0\u0004D\0\0\0", 5)]                                            // or the header's
    [InlineData("D\0\0\0\u0003", 0)]                                                  // lengths that cannot be true are left to TryRead
    [InlineData("D\0\0\0\0", 0)]
    [InlineData("D\u007f\u007f\u007f\u007f", 0)]
    public void A_run_ends_where_a_message_has_another_type_or_is_not_whole(string bytes, int end)
        => Assert.Equal(end, FrameHeader.EndOfRun(Splits.Bytes(bytes), 0, (byte)'D'));

    [Fact]
    public void A_run_ends_at_a_negative_length()
        => Assert.Equal(5, FrameHeader.EndOfRun([.. Splits.Bytes("D\0\0\0\u0004D"), 0xff, 0xff, 0xff, 0xff, 0, 0], 0, (byte)'D'));

    [Theory]
    [InlineData(4, 0, true)]
    [InlineData(1004, 1000, true)]
    [InlineData(0x3fffffff - 1, FrameHeader.BodyLengthLimit, true)]
    [InlineData(3, 1000, false)]
    [InlineData(0, 1000, false)]
    [InlineData(-1, 1000, false)]
    [InlineData(int.MinValue, 1000, false)]
    [InlineData(int.MaxValue, FrameHeader.BodyLengthLimit, false)]
    [InlineData(0x3fffffff, FrameHeader.BodyLengthLimit, false)]
    [InlineData(1005, 1000, false)]
    [InlineData(5, 0, false)]
    public void A_length_below_four_or_above_the_bound_is_a_protocol_error(int length, int bodyLengthMax, bool isAccepted)
    {
        byte[] bytes = [(byte)'Q', (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length];
        if (isAccepted)
        {
            Assert.True(FrameHeader.TryRead(bytes, bodyLengthMax, out FrameHeader header));
            Assert.Equal(length - 4, header.BodyLength);
            return;
        }

        PgProtocolException refusal = Assert.Throws<PgProtocolException>(() => FrameHeader.TryRead(bytes, bodyLengthMax, out _));
        Assert.Equal($"invalid message length {length} in a message of type 'Q'", refusal.Message);
        Assert.Equal("08P01", refusal.Error.SqlState);
        Assert.Equal("FATAL", refusal.Error.Severity);
        Assert.NotNull(refusal.Error.Hint);
        Assert.Throws<PgProtocolException>(() =>
        {
            var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(bytes));
            FrameHeader.TryRead(ref reader, bodyLengthMax, out _);
        });
    }
}
