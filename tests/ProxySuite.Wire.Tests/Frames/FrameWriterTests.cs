using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.Wire.Tests.Frames;

public sealed class FrameWriterTests
{
    [Fact]
    public void A_message_gets_its_length_when_it_ends()
    {
        var writer = new FrameWriter();
        int mark = writer.Begin(BackendMessage.DataRow);
        writer.WriteInt16(1);
        writer.WriteInt32(2);
        writer.WriteByte((byte)'x');
        writer.WriteBytes("y\0"u8);
        writer.WriteCString("z"u8);
        writer.WriteCString("é");
        writer.End(mark);
        Assert.Equal(Splits.Bytes("D\0\0\0\u0012\0\u0001\0\0\0\u0002xy\0z\0\u00c3\u00a9\0"), writer.WrittenSpan.ToArray());
    }

    [Fact]
    public void Messages_follow_each_other_and_packets_without_a_type_count_their_length_alone()
    {
        var writer = new FrameWriter();
        writer.WriteEmpty(FrontendMessage.Sync);
        writer.WriteEmpty(BackendMessage.ParseComplete);
        int mark = writer.BeginUntyped();
        writer.WriteInt32(7);
        writer.End(mark);
        Assert.Equal(Splits.Bytes("S\0\0\0\u00041\0\0\0\u0004\0\0\0\u0008\0\0\0\u0007"), writer.WrittenMemory.ToArray());
    }

    [Theory]
    [InlineData("a\0b")]
    [InlineData("\0")]
    public void A_string_with_a_zero_byte_is_refused_since_its_rest_would_become_the_next_field(string text)
    {
        var writer = new FrameWriter();
        Assert.Throws<ArgumentException>(() => writer.WriteCString(text));
        Assert.Throws<ArgumentException>(() => writer.WriteCString(Splits.Bytes(text)));
        Assert.Equal(0, writer.WrittenCount);
    }

    [Fact]
    public void Memory_that_one_large_use_needed_is_given_back()
    {
        var writer = new FrameWriter(retainedBytes: 1024);
        writer.WriteBytes(new byte[512]);
        writer.Clear();
        Assert.InRange(writer.Capacity, 512, 1024);
        writer.WriteBytes(new byte[1 << 20]);
        Assert.InRange(writer.Capacity, 1 << 20, 1 << 21);
        writer.Clear();
        Assert.Equal(0, writer.Capacity);
        Assert.True(writer.WrittenSpan.IsEmpty);
    }

    [Fact]
    public void It_serves_as_a_buffer_writer()
    {
        var writer = new FrameWriter();
        "abc"u8.CopyTo(writer.GetSpan(3));
        writer.Advance(3);
        "def"u8.CopyTo(writer.GetMemory().Span);
        writer.Advance(3);
        Assert.Equal("abcdef"u8, writer.WrittenSpan);
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(writer.Capacity));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Advance(-1));
    }

    [Fact]
    public void What_was_written_survives_growth()
    {
        var writer = new FrameWriter();
        byte[] expected = [.. Enumerable.Range(0, 5000).Select(i => (byte)i)];
        foreach (byte b in expected)
        {
            writer.WriteByte(b);
        }

        Assert.Equal(expected, writer.WrittenSpan.ToArray());
    }
}
