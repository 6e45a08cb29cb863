using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.Wire.Tests.Frames;

public sealed class FrameScannerTests
{
    private static readonly byte[] ThreeMessages = Splits.Bytes("1\0\0\0\u0004C\0\0\0\u0009SET\0\0Z\0\0\0\u0005I");

    [Fact]
    public void Messages_are_found_however_the_network_cuts_the_stream()
    {
        foreach (ReadOnlySequence<byte> cut in Splits.Every(ThreeMessages))
        {
            List<(byte Type, byte[] Body)> frames = StreamReceiver.Receive(cut);
            Assert.Equal("1CZ"u8.ToArray(), frames.Select(frame => frame.Type));
            Assert.Equal([0, 5, 1], frames.Select(frame => frame.Body.Length));
            Assert.Equal("SET\0\0"u8.ToArray(), frames[1].Body);
        }
    }

    [Fact]
    public void Any_messages_are_found_however_often_the_network_cuts_the_stream()
        => Prop.ForAll(
            ArbMap.Default.ArbFor<byte[][]>(),
            ArbMap.Default.ArbFor<NonNegativeInt[]>(),
            (bodies, cuts) =>
            {
                var writer = new FrameWriter();
                foreach (byte[] body in bodies)
                {
                    int mark = writer.Begin(BackendMessage.CopyData);
                    writer.WriteBytes(body);
                    writer.End(mark);
                }

                byte[] stream = writer.WrittenSpan.ToArray();
                int[] at = [0, .. cuts.Select(cut => cut.Get % (stream.Length + 1)).Order(), stream.Length];
                byte[][] pieces = [.. at.Zip(at.Skip(1), (from, to) => stream[from..to])];
                return bodies.SequenceEqual(ReceivePieces(pieces), BodyComparer.Instance);
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_slice_tells_where_its_part_of_the_message_lies()
    {
        var scanner = new FrameScanner(100);
        int offset = 0;
        Assert.True(scanner.TryNext(ThreeMessages.AsSpan(0, 12), ref offset, out FrameSlice first));
        Assert.Equal(new FrameSlice(new FrameHeader((byte)'1', 0), Start: 0, BodyStart: 5, End: 5, IsFirst: true, IsLast: true), first);
        Assert.True(first.IsWhole);

        Assert.True(scanner.TryNext(ThreeMessages.AsSpan(0, 12), ref offset, out FrameSlice second));
        Assert.Equal(new FrameSlice(new FrameHeader((byte)'C', 5), Start: 5, BodyStart: 10, End: 12, IsFirst: true, IsLast: false), second);
        Assert.Equal(3, scanner.BodyRemaining);
        Assert.Equal((byte)'C', scanner.Current.Type);
        Assert.False(scanner.TryNext(ThreeMessages.AsSpan(0, 12), ref offset, out _));

        ReadOnlySpan<byte> next = ThreeMessages.AsSpan(12);
        offset = 0;
        Assert.True(scanner.TryNext(next, ref offset, out FrameSlice rest));
        Assert.Equal(new FrameSlice(new FrameHeader((byte)'C', 5), Start: 0, BodyStart: 0, End: 3, IsFirst: false, IsLast: true), rest);
        Assert.Equal("T\0\0"u8, rest.Body(next));
        Assert.False(rest.IsWhole);
    }

    [Fact]
    public void A_step_is_undone_by_going_back_to_a_copy()
    {
        var scanner = new FrameScanner(100);
        FrameScanner before = scanner;
        int offset = 0;
        Assert.True(scanner.TryNext(ThreeMessages.AsSpan(5, 7), ref offset, out FrameSlice part));
        Assert.False(part.IsWhole);
        scanner = before;
        offset = 0;
        Assert.True(scanner.TryNext(ThreeMessages.AsSpan(5), ref offset, out FrameSlice whole));
        Assert.True(whole.IsWhole);
    }

    [Fact]
    public void A_body_of_a_gigabyte_passes_in_slices()
    {
        byte[] start = [(byte)'d', 0x3f, 0xff, 0xff, 0xfe];
        var scanner = new FrameScanner(FrameHeader.BodyLengthLimit);
        int offset = 0;
        Assert.True(scanner.TryNext(start, ref offset, out FrameSlice slice));
        long bytes = slice.End - slice.BodyStart;
        byte[] more = new byte[1 << 20];
        while (!slice.IsLast)
        {
            offset = 0;
            Assert.True(scanner.TryNext(more, ref offset, out slice));
            bytes += slice.End - slice.BodyStart;
        }

        Assert.Equal(FrameHeader.BodyLengthLimit, bytes);
    }

    [Fact]
    public void A_length_that_cannot_be_true_is_a_protocol_error()
    {
        var scanner = new FrameScanner(100);
        int offset = 0;
        Assert.True(scanner.TryNext("1\0\0\0\u0004D\0\0\0\u0069"u8, ref offset, out _));
        Assert.Throws<PgProtocolException>(() => scanner.TryNext("1\0\0\0\u0004D\0\0\0\u0069"u8, ref offset, out _));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(FrameHeader.BodyLengthLimit + 1)]
    public void A_bound_that_no_message_can_have_is_refused(int bodyLengthMax)
        => Assert.Throws<ArgumentOutOfRangeException>(() => new FrameScanner(bodyLengthMax));

    private static List<byte[]> ReceivePieces(byte[][] pieces)
    {
        var scanner = new FrameScanner(FrameHeader.BodyLengthLimit);
        var bodies = new List<byte[]>();
        byte[] body = [];
        byte[] rest = [];
        foreach (byte[] piece in pieces)
        {
            byte[] bytes = [.. rest, .. piece];
            int offset = 0;
            while (scanner.TryNext(bytes, ref offset, out FrameSlice slice))
            {
                body = [.. body, .. slice.Body(bytes)];
                if (slice.IsLast)
                {
                    bodies.Add(body);
                    body = [];
                }
            }

            rest = bytes[offset..];
        }

        return bodies;
    }

    private sealed class BodyComparer : IEqualityComparer<byte[]>
    {
        public static readonly BodyComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => obj.Length;
    }
}
