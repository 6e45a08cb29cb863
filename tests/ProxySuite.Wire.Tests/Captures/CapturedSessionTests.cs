using System.Buffers;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Wire.Tests.Captures;

public sealed class CapturedSessionTests
{
    public static TheoryData<string> Conversations => [.. Capture.Names];

    [Theory, MemberData(nameof(Conversations))]
    public void Every_message_of_a_real_session_can_be_read(string conversation)
    {
        foreach (CapturedMessage message in Capture.Read(conversation).Where(m => m.IsFramed))
        {
            Assert.True(FrameHeader.TryRead(message.Bytes, FrameHeader.BodyLengthLimit, out FrameHeader header));
            ReadOnlySpan<byte> body = message.Bytes.AsSpan(FrameHeader.Size);
            Assert.Equal(header.BodyLength, body.Length);
            if (message.FromBackend)
            {
                Readers.Backend((BackendMessage)header.Type)?.Invoke(body);
            }
            else
            {
                ReadOneOf(Readers.Frontend((FrontendMessage)header.Type), message.Bytes);
            }
        }
    }

    [Theory, MemberData(nameof(Conversations))]
    public void Both_streams_of_a_real_session_are_scanned_alike_however_they_are_cut(string conversation)
    {
        foreach (bool fromBackend in (bool[])[false, true])
        {
            CapturedMessage[] messages = [.. Capture.Read(conversation).Where(m => m.IsFramed && m.FromBackend == fromBackend)];
            byte[] stream = [.. messages.SelectMany(m => m.Bytes)];
            List<(byte, int)> expected = [.. messages.Select(m => (m.Bytes[0], m.Bytes.Length - FrameHeader.Size))];
            foreach (ReadOnlySequence<byte> cut in Splits.Every(stream))
            {
                Assert.True(expected.SequenceEqual(StreamReceiver.Receive(cut).Select(frame => (frame.Type, frame.Body.Length))));
            }
        }
    }

    [Fact]
    public void The_captures_hold_every_kind_of_message_there_is()
    {
        IEnumerable<byte> backend = Capture.Framed.Where(m => m.FromBackend).Select(m => m.Bytes[0]);
        IEnumerable<byte> frontend = Capture.Framed.Where(m => !m.FromBackend).Select(m => m.Bytes[0]);
        Assert.Empty(Enum.GetValues<BackendMessage>().Except(backend.Select(type => (BackendMessage)type)));
        Assert.Empty(Enum.GetValues<FrontendMessage>().Except(frontend.Select(type => (FrontendMessage)type)));
    }

    [Theory, MemberData(nameof(Conversations))]
    public void What_is_read_from_a_real_session_is_written_back_byte_for_byte(string conversation)
    {
        var writer = new FrameWriter();
        foreach (CapturedMessage message in Capture.Read(conversation).Where(m => m.IsFramed))
        {
            writer.Clear();
            bool canWrite = message.FromBackend
                ? RoundTrip.Backend(writer, (BackendMessage)message.Bytes[0], message.Bytes.AsSpan(FrameHeader.Size))
                : RoundTrip.Frontend(writer, (FrontendMessage)message.Bytes[0], message.Bytes.AsSpan(FrameHeader.Size));
            if (canWrite)
            {
                Assert.Equal(Convert.ToHexString(message.Bytes), Convert.ToHexString(writer.WrittenSpan));
            }
        }
    }

    [Fact]
    public void Start_up_packets_of_real_clients_are_written_back_byte_for_byte()
    {
        var writer = new FrameWriter();
        foreach (byte[] bytes in Capture.StartupPackets)
        {
            writer.Clear();
            RoundTrip.Startup(writer, StartupPacket.Read(bytes));
            Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(writer.WrittenSpan));
        }
    }

    [Fact]
    public void A_version_3_2_server_sends_a_long_cancel_key_and_an_older_one_four_bytes()
    {
        Assert.Equal(32, KeyOf("pg18-login-protocol-32").Length);
        Assert.Equal(4, KeyOf("pg18-simple").Length);
        Assert.Equal(4, KeyOf("pg15-simple").Length);
    }

    [Theory]
    [InlineData("pg15-login-newer-protocol", 0)]
    [InlineData("pg18-login-newer-protocol", 2)]
    public void A_server_negotiates_down_to_the_version_it_speaks(string conversation, int minor)
    {
        NegotiateProtocolVersion answer = NegotiateProtocolVersion.Read(Body(conversation, BackendMessage.NegotiateProtocolVersion));
        Assert.Equal(new ProtocolVersion(0x30000 | minor), answer.Version);
        Assert.Equal(["_pq_.unknown", "_pq_.other"], answer.UnsupportedOptions);
    }

    [Fact]
    public void A_CancelRequest_repeats_the_key_data_of_the_session()
    {
        StartupPacket packet = StartupPacket.Read(Capture.Read("pg18-cancel").Last(m => !m.FromBackend).Bytes);
        BackendKeyData key = BackendKeyData.Read(Body("pg18-cancel", BackendMessage.BackendKeyData));
        Assert.Equal(key.ProcessId, packet.Cancel!.ProcessId);
        Assert.Equal(key.Key.ToArray(), packet.Cancel.Key.ToArray());
    }

    private static byte[] KeyOf(string conversation) => BackendKeyData.Read(Body(conversation, BackendMessage.BackendKeyData)).Key.ToArray();

    private static byte[] Body(string conversation, BackendMessage type)
        => Capture.Read(conversation).First(m => m.FromBackend && m.Bytes[0] == (byte)type).Bytes[FrameHeader.Size..];

    private static void ReadOneOf(IReadOnlyList<(string Name, ReadBody Read)> readers, byte[] message)
    {
        // A SASLResponse has no form of its own to check; the SCRAM tests read those.
        if (readers.Count == 0 || message[0] == (byte)FrontendMessage.PasswordMessage)
        {
            return;
        }

        foreach ((_, ReadBody read) in readers)
        {
            read(message.AsSpan(FrameHeader.Size));
        }
    }
}
