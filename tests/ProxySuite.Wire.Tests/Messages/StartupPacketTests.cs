using System.Text;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Wire.Tests.Messages;

public sealed class StartupPacketTests
{
    private const int V30 = 0x30000;

    [Fact]
    public void A_client_names_itself_its_database_and_its_settings()
    {
        StartupMessage startup = Startup(V30, "user\0app\0database\0acme\0client_encoding\0UTF8\0options\0-c tenant=x\0\0");
        Assert.Equal("app", startup.User);
        Assert.Equal("acme", startup.Database);
        Assert.Equal(ProtocolVersion.V30, startup.Version);
        Assert.Equal(["user", "database", "client_encoding", "options"], startup.Parameters.Select(pair => pair.Key));
        Assert.True(startup.TryGet("Client_Encoding", out string? encoding));
        Assert.Equal("UTF8", encoding);
        Assert.False(startup.TryGet("datestyle", out _));
        Assert.False(startup.NeedsNegotiation);
    }

    [Theory]
    [InlineData("user\0app\0\0")]
    [InlineData("user\0app\0database\0\0\0")]
    public void Without_a_database_the_users_name_is_the_database(string parameters) => Assert.Equal("app", Startup(V30, parameters).Database);

    [Theory]
    [InlineData(0x30000, "3.0", false)]
    [InlineData(0x30002, "3.2", false)]
    [InlineData(0x30003, "3.2", true)]
    [InlineData(0x3ffff, "3.2", true)]
    public void A_newer_minor_version_is_negotiated_down(int code, string negotiated, bool needsNegotiation)
    {
        StartupMessage startup = Startup(code, "user\0app\0\0");
        Assert.Equal(negotiated, startup.NegotiatedVersion.ToString());
        Assert.Equal(needsNegotiation, startup.NeedsNegotiation);
        Assert.Empty(startup.UnsupportedOptions);
    }

    [Fact]
    public void Protocol_options_are_reported_for_negotiation_and_are_no_settings()
    {
        StartupMessage startup = Startup(V30, "_pq_.compression\0on\0user\0app\0_pq_.x\0\0\0");
        Assert.Equal(["_pq_.compression", "_pq_.x"], startup.UnsupportedOptions);
        Assert.True(startup.NeedsNegotiation);
        Assert.Equal(["user"], startup.Parameters.Select(pair => pair.Key));
    }

    [Theory]
    [InlineData(0x20000, "user\0app\0\0", "unsupported frontend protocol 2.0")]
    [InlineData(0x40000, "user\0app\0\0", "unsupported frontend protocol 4.0")]
    [InlineData(0x30000, "", "no terminator")]
    [InlineData(0x30000, "user\0app\0", "no terminator")]
    [InlineData(0x30000, "user\0app", "no terminator")]
    [InlineData(0x30000, "user\0", "no terminator")]
    [InlineData(0x30000, "user\0app\0\0\0", "longer than its fields")]
    [InlineData(0x30000, "user\0app\0\0x", "longer than its fields")]
    [InlineData(0x30000, "\0", "names no user")]
    [InlineData(0x30000, "user\0\0\0", "names no user")]
    [InlineData(0x30000, "database\0acme\0\0", "names no user")]
    [InlineData(0x30000, "user\0app\0user\0admin\0\0", "given twice")]
    [InlineData(0x30000, "user\0app\0search_path\0a\0SEARCH_PATH\0b\0\0", "given twice")]
    [InlineData(0x30000, "user\0\u00ff\0\0", "must be UTF-8")]
    [InlineData(0x30000, "user\0app\0database\0\u00e9\0\0", "must be UTF-8")]
    public void A_malformed_start_is_a_protocol_error(int code, string parameters, string reason)
    {
        PgProtocolException refusal = Assert.Throws<PgProtocolException>(() => Startup(code, parameters));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(SqlState.ProtocolViolation, refusal.Error.SqlState);
    }

    [Fact]
    public void A_setting_in_another_encoding_does_not_keep_a_client_out()
        => Assert.True(Startup(V30, "user\0app\0application_name\0caf\u00e9\0\0").TryGet("application_name", out _));

    [Theory]
    [InlineData("\0\0\0\u0008\u0004\u00d2\u0016\u002f", StartupPacketKind.SSLRequest)]
    [InlineData("\0\0\0\u0008\u0004\u00d2\u0016\u0030", StartupPacketKind.GSSENCRequest)]
    public void A_request_for_encryption_is_recognised(string packet, StartupPacketKind kind)
        => Assert.Equal(kind, StartupPacket.Read(Splits.Bytes(packet)).Kind);

    [Theory]
    [InlineData(4)]
    [InlineData(32)]
    [InlineData(256)]
    public void A_cancel_key_has_4_to_256_bytes(int length)
    {
        byte[] key = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
        StartupPacket packet = StartupPacket.Read(Cancel(key));
        Assert.Equal(StartupPacketKind.CancelRequest, packet.Kind);
        Assert.Equal(77, packet.Cancel!.ProcessId);
        Assert.Equal(key, packet.Cancel.Key.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(257)]
    public void A_cancel_key_of_another_length_is_a_protocol_error(int length)
        => Assert.Throws<PgProtocolException>(() => StartupPacket.Read(Cancel(new byte[length])));

    [Theory]
    [InlineData("\0\0\0\u0009\u0004\u00d2\u0016\u002fx")]     // a longer SSLRequest
    [InlineData("\0\0\0\u0009\u0004\u00d2\u0016\u0030x")]     // a longer GSSENCRequest
    [InlineData("\0\0\0\u0004")]
    [InlineData("\0\0\0\u0007\0\u0003\0")]
    [InlineData("\0\0\u0027\u0015\0\u0003\0\0")]              // 10,005 bytes
    [InlineData("\u0080\0\0\0\0\u0003\0\0")]                  // a negative length
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\0\u0001\0\0")]      // a TLS ClientHello
    public void What_is_no_start_up_packet_is_a_protocol_error(string bytes)
        => Assert.Throws<PgProtocolException>(() => StartupPacket.TryRead(Splits.Bytes(bytes), out _, out _));

    [Fact]
    public void A_packet_of_10_000_bytes_is_read_and_one_more_is_too_many()
    {
        byte[] largest = Packet(V30, "user\0app\0x\0" + new string('y', 10_000 - 4 - 13) + "\0\0");
        Assert.Equal(10_004, largest.Length);
        Assert.Equal("app", StartupPacket.Read(largest).Startup!.User);
        byte[] larger = Packet(V30, "user\0app\0x\0" + new string('y', 10_000 - 4 - 12) + "\0\0");
        Assert.Throws<PgProtocolException>(() => StartupPacket.Read(larger));
    }

    [Fact]
    public void A_packet_is_read_when_it_is_whole_and_the_bytes_behind_it_are_left()
    {
        byte[] packet = Packet(V30, "user\0app\0\0");
        for (int length = 0; length < packet.Length; length++)
        {
            Assert.False(StartupPacket.TryRead(packet.AsSpan(0, length), out _, out _));
        }

        Assert.True(StartupPacket.TryRead([.. packet, .. "behind"u8], out StartupPacket read, out int taken));
        Assert.Equal(packet.Length, taken);
        Assert.Equal("app", read.Startup!.User);
    }

    [Fact]
    public void Packets_the_proxy_sends_are_read_back_as_they_were_meant()
    {
        var writer = new FrameWriter();
        StartupMessage.Write(writer, ProtocolVersion.V32, [new("user", "t_é"), new("search_path", "a, b")]);
        StartupMessage startup = StartupPacket.Read(writer.WrittenSpan).Startup!;
        Assert.Equal(ProtocolVersion.V32, startup.Version);
        Assert.Equal("t_é", startup.User);
        Assert.True(startup.TryGet("search_path", out string? path));
        Assert.Equal("a, b", path);
    }

    private static StartupMessage Startup(int code, string parameters) => StartupPacket.Read(Packet(code, parameters)).Startup!;

    private static byte[] Packet(int code, string latin1)
    {
        var writer = new FrameWriter();
        int mark = writer.BeginUntyped();
        writer.WriteInt32(code);
        writer.WriteBytes(Encoding.Latin1.GetBytes(latin1));
        writer.End(mark);
        return writer.WrittenSpan.ToArray();
    }

    private static byte[] Cancel(byte[] key)
    {
        var writer = new FrameWriter();
        StartupPacket.WriteCancelRequest(writer, 77, key);
        return writer.WrittenSpan.ToArray();
    }
}
