using System.Buffers.Binary;
using System.Text;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Messages;

namespace ProxySuite.EndToEnd.Tests.BadInput;

/// <summary>Something no client should send, and what it has to get.</summary>
/// <param name="What">In a few words.</param>
/// <param name="Answer">Severity, SQLSTATE and text of the error; empty where none can be read.</param>
/// <param name="Send">Sends it, on a fresh connection or on one that is logged in.</param>
/// <param name="AfterLogin">Which of the two.</param>
public sealed record BadPacket(string What, string Answer, Func<RawClient, Task> Send, bool AfterLogin = false)
{
    private const string BadLength = "FATAL 08P01 invalid length of startup packet";

    // Bytes of a TLS 1.2 record with a ClientHello in it, as OpenSSL begins it.
    private static readonly byte[] ClientHello = Convert.FromHexString(
        "1603010200010001FC0303" + string.Concat(Enumerable.Repeat("A7", 32)) + "20" + string.Concat(Enumerable.Repeat("5C", 32)) + "003E130213031301C02CC030");

    /// <summary>Before a client is logged in.</summary>
    public static IReadOnlyList<BadPacket> AtTheDoor { get; } =
    [
        new("1 kB of garbage", BadLength, client => Write(client, Garbage(1000))),
        new("64 kB of zeros", BadLength, client => Write(client, new byte[64 * 1024])),
        new("an HTTP request", BadLength, client => Write(client, "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8\r\n\r\n"u8.ToArray())),
        new("a TLS ClientHello without SSLRequest", BadLength, client => Write(client, ClientHello)),
        new("length 3", BadLength, client => Write(client, [0, 0, 0, 3])),
        new("length 0", BadLength, client => Write(client, new byte[4])),
        new("length -1", BadLength, client => Write(client, [255, 255, 255, 255])),
        new("length 2^31-1", BadLength, client => Write(client, [0x7f, 255, 255, 255, 0, 3, 0, 0])),
        new("length 1 GB and 10 bytes behind it", BadLength, client => Write(client, [0x3b, 0x9a, 0xca, 0x00, 0, 3, 0, 0, .. "user\0a"u8])),
        new("a start-up packet of 10,001 bytes", BadLength, client => Write(client, StartupOf(10_001))),
        new("a start-up packet without user", "FATAL 08P01 invalid StartupMessage message: it names no user", client => Write(client, Packet(3 << 16, "database\0acme\0\0"))),
        new("a start-up packet without its last NUL", "FATAL 08P01 *", client => Write(client, Packet(3 << 16, "user\0app\0database\0acme"))),
        new("a start-up key twice", "FATAL 08P01 *", client => Write(client, Packet(3 << 16, "user\0app\0database\0acme\0user\0postgres\0\0"))),
        new("protocol 2.0", "FATAL 08P01 unsupported frontend protocol 2.0*", client => Write(client, Packet(2 << 16, "user\0app\0\0"))),
        new("bytes behind SSLRequest", "FATAL 08P01 received unencrypted data after an encryption request", client => Write(client, [.. FrontendBytes.SslRequest, .. FrontendBytes.Startup("app", "acme")])),
        new("two SSLRequests", "FATAL 08P01 an encryption request may be sent once, and not over an encrypted connection", TwoSslRequests),
        new("replication=true", "FATAL 0A000 physical replication is not available", client => Write(client, FrontendBytes.Startup("app", "acme", [new("replication", "true")]))),
        new("a password message of 1 MB", "FATAL 08P01 invalid message length 1000000 in a message of type 'p'", client => AfterStartup(client, [(byte)'p', 0, 0x0f, 0x42, 0x40, .. new byte[100]])),
        new("a Query in the place of the password", "FATAL 08P01 expected SASL response, got message type 81", client => AfterStartup(client, FrontendBytes.Query("SELECT 1"))),
        new("an unknown SASL mechanism", "FATAL 08P01 *", client => AfterStartup(client, Typed('p', [.. "PLAIN\0"u8, 0, 0, 0, 3, .. "a\0b"u8]))),
        new("a SASL message of garbage", "FATAL 08P01 *", client => AfterStartup(client, Typed('p', Garbage(100)))),
        new("silence after connect", "FATAL 57014 canceling authentication due to timeout", _ => Task.CompletedTask),
        new("silence after the start-up packet", "FATAL 57014 canceling authentication due to timeout", client => AfterStartup(client, [])),
        new("one byte of the log-in every 100 ms", "FATAL 57014 canceling authentication due to timeout", Dribble),
        new("a CancelRequest with a guessed key", "", client => Write(client, FrontendBytes.CancelRequest(1, [1, 2, 3, 4]))),
        new("a CancelRequest without a key", "FATAL 08P01 *", client => Write(client, Packet((1234 << 16) | 5678, ""))),
    ];

    /// <summary>On a session.</summary>
    public static IReadOnlyList<BadPacket> InASession { get; } =
    [
        Late("an unknown message type", "FATAL 08P01 invalid frontend message type 33", Typed('!', [])),
        Late("a message type of the server", "FATAL 08P01 invalid frontend message type 90", Typed('Z', [(byte)'I'])),
        Late("a FunctionCall cut short", "FATAL 08P01 *", Typed('F', [0, 0, 0, 1, 0])),
        Late("a password", "FATAL 08P01 invalid frontend message type 112", Typed('p', [.. "open sesame\0"u8])),
        Late("a start-up packet again", "FATAL 08P01 *", FrontendBytes.Startup("app", "acme")),
        Late("1 kB of garbage", "FATAL 08P01 *", Garbage(1000)),
        Late("a Query of length 3", "FATAL 08P01 invalid message length 3 in a message of type 'Q'", [(byte)'Q', 0, 0, 0, 3]),
        Late("a Query of length 2^31-1", "FATAL 08P01 invalid message length 2147483647 in a message of type 'Q'", [(byte)'Q', 0x7f, 255, 255, 255]),
        Late("a Query without terminator", "FATAL 08P01 *", Typed('Q', [.. "SELECT 1"u8])),
        Late("a Query with bytes behind its NUL", "FATAL 08P01 *", Typed('Q', [.. "SELECT 1\0; SELECT 2\0"u8])),
        Late("a Query without text", "FATAL 08P01 *", Typed('Q', [])),
        Late("a Parse of 32,767 types that are not there", "FATAL 08P01 *", Typed('P', [.. "s\0SELECT 1\0"u8, 0x7f, 0xff])),
        Late("a Parse of -1 types", "FATAL 08P01 *", Typed('P', [.. "s\0SELECT 1\0"u8, 0xff, 0xff])),
        Late("a Parse without terminator", "FATAL 08P01 *", Typed('P', [.. "sSELECT 1"u8])),
        Late("a Bind of 32,767 values that are not there", "FATAL 08P01 *", [.. FrontendBytes.Parse("s", "SELECT 1"), .. Typed('B', [.. "\0s\0"u8, 0, 0, 0x7f, 0xff]), .. FrontendBytes.Sync]),
        Late("a Bind of -1 values", "FATAL 08P01 *", [.. FrontendBytes.Parse("s", "SELECT 1"), .. Typed('B', [.. "\0s\0"u8, 0, 0, 0xff, 0xff]), .. FrontendBytes.Sync]),
        Late("a Bind with a value of 2^31-1 bytes", "FATAL 08P01 *", [.. FrontendBytes.Parse("s", "SELECT $1::text"), .. Typed('B', [.. "\0s\0"u8, 0, 0, 0, 1, 0x7f, 255, 255, 255]), .. FrontendBytes.Sync]),
        Late("a Describe of neither statement nor portal", "FATAL 08P01 *", [.. Typed('D', [.. "Xs\0"u8]), .. FrontendBytes.Sync]),
        Late("an Execute of half a number", "FATAL 08P01 *", [.. Typed('E', [.. "\0"u8, 0, 0]), .. FrontendBytes.Sync]),
        Late("a Sync with a body", "FATAL 08P01 *", Typed('S', [1, 2, 3])),
        new("a Query of length 1 GB and 10 bytes behind it, then the end", "", OneGigabyteThenNothing, AfterLogin: true),
    ];

    /// <summary>A whole message of any type.</summary>
    public static byte[] Typed(char type, byte[] body)
    {
        byte[] frame = [(byte)type, 0, 0, 0, 0, .. body];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), body.Length + 4);
        return frame;
    }

    public static IEnumerable<BadPacket> All => AtTheDoor.Concat(InASession);

    public override string ToString() => $"{(AfterLogin ? "in a session" : "at the door")}: {What}";

    // Past the transcript, which cuts what is sent into messages.
    private static async Task Write(RawClient client, byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;) sent += await client.Wire.Socket.SendAsync(bytes.AsMemory(sent), System.Net.Sockets.SocketFlags.None);
    }

    private static BadPacket Late(string what, string answer, byte[] bytes) => new(what, answer, client => Write(client, bytes), AfterLogin: true);

    private static byte[] Packet(int code, string rest)
    {
        byte[] packet = [0, 0, 0, 0, 0, 0, 0, 0, .. Encoding.ASCII.GetBytes(rest)];
        BinaryPrimitives.WriteInt32BigEndian(packet, packet.Length);
        BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(4), code);
        return packet;
    }

    private static byte[] StartupOf(int length)
    {
        byte[] small = FrontendBytes.Startup("app", "acme", [new("application_name", "")]);
        return FrontendBytes.Startup("app", "acme", [new("application_name", new string('a', length - small.Length))]);
    }

    // The same in every run, and no length that could be true in front.
    private static byte[] Garbage(int length)
    {
        byte[] bytes = new byte[length];
        new Random(4711).NextBytes(bytes);
        bytes[0] = 0xf7;
        return bytes;
    }

    private static async Task AfterStartup(RawClient client, byte[] then)
    {
        await client.SendAsync(FrontendBytes.Startup("app", "acme"));
        WireMessage? asked = await client.NextAsync();
        if (asked is null || Authentication.Read(asked.Body).Kind != AuthenticationKind.SASL) throw new InvalidOperationException($"no SASL request but {asked}");
        await Write(client, then);
    }

    private static async Task TwoSslRequests(RawClient client)
    {
        if (await client.RequestSslAsync() != 'N') throw new InvalidOperationException("SSLRequest was not answered with N");
        await client.SendAsync(FrontendBytes.SslRequest);
    }

    private static async Task Dribble(RawClient client)
    {
        foreach (byte one in FrontendBytes.Startup("app", "acme"))
        {
            try
            {
                await Write(client, [one]);
            }
            catch (System.Net.Sockets.SocketException)
            {
                return; // closed meanwhile, as it should be
            }
            await Task.Delay(100);
        }
    }

    private static async Task OneGigabyteThenNothing(RawClient client)
    {
        await Write(client, [(byte)'Q', 0x3b, 0x9a, 0xca, 0x00, .. "SELECT 1; "u8]);
        if (!await client.Wire.IsSilentAsync(TimeSpan.FromMilliseconds(300))) throw new InvalidOperationException("the proxy answers half a message");
        client.Wire.HalfClose();
    }
}
