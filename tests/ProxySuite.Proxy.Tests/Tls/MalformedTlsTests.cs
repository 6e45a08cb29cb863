using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Testing.World;
using Xunit;

namespace ProxySuite.Proxy.Tests.Tls;

/// <summary>What is not TLS, or no longer: the one who sends it loses its connection, and nobody else notices.</summary>
[Trait("Category", "Server")]
public sealed class MalformedTlsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>A record: type, version, length as it is claimed, and what follows.</summary>
    private static byte[] Record(byte type, int claimed, byte[] body) => [type, 3, 1, (byte)(claimed >> 8), (byte)claimed, .. body];

    private static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(42).NextBytes(noise);
        return noise;
    }

    private static byte[] Bytes(string kind) => kind switch
    {
        "noise" => Noise(2000),
        "a start-up packet in the clear" => FrontendBytes.Startup("app", "acme"),
        "an HTTP request" => "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(),
        "a ClientHello of noise" => Record(22, 512, [1, 0, 1, 252, .. Noise(508)]),
        "a record of 64 kB" => Record(22, 65535, Noise(65535)),
        "a message of 16 MB in the making" => [.. Enumerable.Range(0, 40).SelectMany(_ => Record(22, 16000, [1, 255, 255, 255, .. Noise(15996)]))],
        "empty handshake records" => [.. Enumerable.Range(0, 5000).SelectMany(_ => Record(22, 0, []))],
        "an alert" => Record(21, 2, [2, 40]),
        "a heartbeat" => Record(24, 3, [1, 64, 0]),
        "changes of cipher" => [.. Enumerable.Range(0, 1000).SelectMany(_ => Record(20, 1, [1]))],
        "an SSL 2 hello" => [0x80, 0x2e, 1, 0, 2, .. Noise(43)],
        "application data" => Record(23, 100, Noise(100)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>A client with a session over TLS that lives through the test.</summary>
    private static async Task<SslStream> NeighbourAsync(TlsWorld world)
    {
        var socket = new TcpClient("127.0.0.1", world.Port);
        await socket.GetStream().WriteAsync(FrontendBytes.SslRequest);
        Assert.Equal('S', socket.GetStream().ReadByte());
        var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(Options());
        return tls;
    }

    private static SslClientAuthenticationOptions Options() => new()
    {
        TargetHost = "localhost",
        EnabledSslProtocols = SslProtocols.Tls13 | SslProtocols.Tls12,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
    };

    /// <summary>Reads until the proxy has closed; a reset is an end as well.</summary>
    private static async Task ReadToEndAsync(Stream stream)
    {
        byte[] buffer = new byte[4096];
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            while (await stream.ReadAsync(buffer, patience.Token) > 0)
            {
                // An alert, or what was on its way before.
            }
        }
        catch (IOException)
        {
            // Reset: it had bytes of ours that it did not read.
        }
    }

    private static async Task SendAsync(Stream stream, byte[] bytes)
    {
        try
        {
            await stream.WriteAsync(bytes);
        }
        catch (IOException)
        {
            // It has heard enough.
        }
    }

    [Theory]
    [InlineData("noise")]
    [InlineData("a start-up packet in the clear")]
    [InlineData("an HTTP request")]
    [InlineData("a ClientHello of noise")]
    [InlineData("a record of 64 kB")]
    [InlineData("a message of 16 MB in the making")]
    [InlineData("empty handshake records")]
    [InlineData("an alert")]
    [InlineData("a heartbeat")]
    [InlineData("changes of cipher")]
    [InlineData("an SSL 2 hello")]
    [InlineData("application data")]
    public async Task In_the_place_of_a_handshake_it_ends_the_connection_and_disturbs_nobody(string kind)
    {
        await using TlsWorld world = await TlsWorld.StartAsync(configure: options => options with { Auth = options.Auth with { LoginTimeout = TimeSpan.FromSeconds(5) } });
        using RawClient neighbour = await world.Proxy.ConnectAsync();
        await using SslStream encrypted = await NeighbourAsync(world);
        using var client = new TcpClient("127.0.0.1", world.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(FrontendBytes.SslRequest);
        Assert.Equal('S', stream.ReadByte());
        await SendAsync(stream, Bytes(kind));
        await ReadToEndAsync(stream);

        Assert.Equal("2", await neighbour.ScalarAsync("SELECT 1 + 1"));
        await encrypted.WriteAsync(FrontendBytes.Startup("app", "acme"));
        Assert.Equal((byte)'R', (await ReadAsync(encrypted, 1))[0]);
        Assert.Equal("served", (await world.PsqlAsync("sslmode=require")).MustSucceed("psql").Output.Trim());
        await UntilClientsAsync(world.Proxy, 2);
    }

    [Theory]
    [InlineData("a ClientHello of noise")]
    [InlineData("a record of 64 kB")]
    [InlineData("empty handshake records")]
    public async Task The_same_without_asking_first(string kind)
    {
        await using TlsWorld world = await TlsWorld.StartAsync(configure: options => options with { Auth = options.Auth with { LoginTimeout = TimeSpan.FromSeconds(5) } });
        using RawClient neighbour = await world.Proxy.ConnectAsync();
        using var client = new TcpClient("127.0.0.1", world.Port);
        await SendAsync(client.GetStream(), Bytes(kind));
        await ReadToEndAsync(client.GetStream());
        Assert.Equal("2", await neighbour.ScalarAsync("SELECT 1 + 1"));
        await UntilClientsAsync(world.Proxy, 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(100)]
    public async Task A_ClientHello_cut_off_is_given_up(int length)
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        using RawClient neighbour = await world.Proxy.ConnectAsync();
        using var client = new TcpClient("127.0.0.1", world.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(FrontendBytes.SslRequest);
        Assert.Equal('S', stream.ReadByte());
        await stream.WriteAsync(Record(22, 512, [1, 0, 1, 252, .. Noise(508)]).AsMemory(0, length));
        client.Client.Shutdown(SocketShutdown.Send);
        await ReadToEndAsync(stream);
        Assert.Equal("2", await neighbour.ScalarAsync("SELECT 1 + 1"));
        await UntilClientsAsync(world.Proxy, 1);
    }

    [Theory]
    [InlineData("a record of 64 kB")]
    [InlineData("a start-up packet in the clear")]
    [InlineData("application data")]
    [InlineData("changes of cipher")]
    public async Task Behind_a_handshake_it_ends_the_connection(string kind)
    {
        await using TlsWorld world = await TlsWorld.StartAsync(configure: options => options with { Auth = options.Auth with { LoginTimeout = TimeSpan.FromSeconds(5) } });
        using RawClient neighbour = await world.Proxy.ConnectAsync();
        using var client = new TcpClient("127.0.0.1", world.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(FrontendBytes.SslRequest);
        Assert.Equal('S', stream.ReadByte());
        await using var tls = new SslStream(stream, leaveInnerStreamOpen: true);
        await tls.AuthenticateAsClientAsync(Options());
        await tls.WriteAsync(FrontendBytes.Startup("app", "acme"));
        Assert.Equal((byte)'R', (await ReadAsync(tls, 1))[0]);
        await SendAsync(stream, Bytes(kind));
        await ReadToEndAsync(stream);
        Assert.Equal("2", await neighbour.ScalarAsync("SELECT 1 + 1"));
        await UntilClientsAsync(world.Proxy, 1);
    }

    [Fact]
    public async Task A_client_that_wants_to_negotiate_again_is_not_served_and_others_are()
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        using RawClient neighbour = await world.Proxy.ConnectAsync();
        // openssl begins a renegotiation for a line of one R.
        ProcessResult result = await ProcessRunner.RunAsync(
            "/usr/bin/openssl", ["s_client", "-connect", $"127.0.0.1:{world.Port}", "-starttls", "postgres", "-tls1_2", "-no_ign_eof"], Patience, "R\nR\n");
        Assert.Contains("RENEGOTIATING", result.Output + result.Error, StringComparison.Ordinal);
        Assert.Equal("2", await neighbour.ScalarAsync("SELECT 1 + 1"));
        await UntilClientsAsync(world.Proxy, 1);
    }

    [Theory]
    [InlineData("-tls1")]
    [InlineData("-tls1_1")]
    public async Task Versions_that_are_broken_are_not_spoken(string version)
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        ProcessResult result = await ProcessRunner.RunAsync(
            "/usr/bin/openssl", ["s_client", "-connect", $"127.0.0.1:{world.Port}", "-starttls", "postgres", version, "-cipher", "ALL:@SECLEVEL=0"], Patience);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("Cipher is (NONE)", result.Output, StringComparison.Ordinal);
    }

    private static async Task<byte[]> ReadAsync(Stream stream, int length)
    {
        byte[] bytes = new byte[length];
        using var patience = new CancellationTokenSource(Patience);
        await stream.ReadExactlyAsync(bytes, patience.Token);
        return bytes;
    }

    private static async Task UntilClientsAsync(ProxyWorld world, long expected)
    {
        for (int i = 0; world.Stats.Proxy.Clients != expected; i++)
        {
            Assert.True(i < 3000, $"{world.Stats.Proxy.Clients} clients are there, not {expected}");
            await Task.Delay(10);
        }
    }
}
