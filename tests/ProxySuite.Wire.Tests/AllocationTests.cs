using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using ProxySuite.Wire.Tests.Captures;
using Xunit;

namespace ProxySuite.Wire.Tests;

public sealed class AllocationTests
{
    // These become values that outlive the body, once a connection or once an error.
    private static readonly BackendMessage[] Owned =
        [BackendMessage.ErrorResponse, BackendMessage.NoticeResponse, BackendMessage.NegotiateProtocolVersion];

    [Fact]
    public void Reading_a_message_allocates_nothing()
    {
        foreach (CapturedMessage message in Capture.Framed)
        {
            if (ReaderOf(message) is { } read)
            {
                byte[] body = message.Bytes[FrameHeader.Size..];
                Assert.Equal(0, AllocatedBy(() => read(body)));
            }
        }
    }

    [Fact]
    public void Reading_the_fields_of_an_error_allocates_nothing()
    {
        byte[] body = Capture.Framed.First(m => m.FromBackend && m.Bytes[0] == 'E').Bytes[FrameHeader.Size..];
        Assert.Equal(0, AllocatedBy(() => ErrorResponse.Read(body).TryGet((byte)'C', out _)));
    }

    [Fact]
    public void Scanning_a_stream_allocates_nothing()
    {
        byte[] stream = [.. Capture.Framed.Where(m => m.FromBackend).SelectMany(m => m.Bytes)];
        Assert.Equal(0, AllocatedBy(() =>
        {
            var scanner = new FrameScanner(FrameHeader.BodyLengthLimit);
            int offset = 0;
            while (scanner.TryNext(stream, ref offset, out _))
            {
            }
        }));
    }

    [Fact]
    public void Writing_into_a_writer_that_is_warm_allocates_nothing()
    {
        var writer = new FrameWriter();
        Assert.Equal(0, AllocatedBy(() =>
        {
            writer.Clear();
            Parse.Write(writer, "ps_1"u8, "SELECT $1"u8, [0, 0, 0, 23]);
            Bind.WriteWithoutParameters(writer, ""u8, "ps_1"u8);
            Describe.Write(writer, StatementOrPortal.Statement, "ps_1"u8);
            Execute.Write(writer, ""u8);
            Close.Write(writer, StatementOrPortal.Statement, "ps_1"u8);
            Sync.Write(writer);
            Query.Write(writer, "RESET ALL"u8);
            ReadyForQuery.Write(writer, TransactionStatus.Idle);
            ParameterStatus.Write(writer, "TimeZone", "UTC");
            CommandComplete.Write(writer, "SET"u8);
        }));
    }

    private static ReadBody? ReaderOf(CapturedMessage message)
    {
        byte type = message.Bytes[0];
        if (message.FromBackend)
        {
            return Owned.Contains((BackendMessage)type) ? null : Readers.Backend((BackendMessage)type);
        }

        // Answers to SASL share a type byte with passwords.
        bool isReadable = type != (byte)FrontendMessage.PasswordMessage;
        return isReadable && Readers.Frontend((FrontendMessage)type) is [var reader, ..] ? reader.Read : null;
    }

    private static long AllocatedBy(Action action)
    {
        // Once to compile what it takes.
        action();
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
