using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using ProxySuite.Proxy.Options;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.Proxy.Tests.Tls;

[Trait("Category", "Server")]
public sealed class DirectTlsTests
{
    // psql of any version with the library of 17, which is the first to know sslnegotiation.
    private static readonly Dictionary<string, string> Libpq17 = new() { ["LD_LIBRARY_PATH"] = Path.Combine(Binaries.Postgres(17), "..", "lib") };

    [Theory]
    [InlineData(ClientTlsMode.Allow, true)]
    [InlineData(ClientTlsMode.Require, true)]
    [InlineData(ClientTlsMode.Disable, false)]
    public async Task A_client_may_begin_with_TLS_without_asking(ClientTlsMode mode, bool isServed)
    {
        await using TlsWorld world = await TlsWorld.StartAsync(mode);
        ProcessResult result = await ProcessRunner.RunAsync(
            "psql", ["-X", "-A", "-t", "-d", world.Conninfo("sslmode=require sslnegotiation=direct channel_binding=prefer"), "-c", "SELECT 'served'"], environment: Libpq17);
        Assert.Equal((isServed ? "served" : "", isServed), (result.Output.Trim(), result.ExitCode == 0));
    }

    [Theory]
    [InlineData("postgresql", true)]
    [InlineData("", false)]
    public async Task Direct_TLS_needs_ALPN(string protocol, bool isServed)
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        using var socket = new TcpClient("127.0.0.1", world.Port);
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(Options(protocol));
        await tls.WriteAsync(FrontendBytes.Startup("app", "acme"));
        byte[] answer = new byte[1];
        int length = await tls.ReadAsync(answer).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(isServed ? "R" : "", length == 0 ? "" : ((char)answer[0]).ToString());
    }

    [Fact]
    public async Task A_client_of_another_protocol_is_refused_in_the_handshake()
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        using var socket = new TcpClient("127.0.0.1", world.Port);
        await using var tls = new SslStream(socket.GetStream());
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await tls.AuthenticateAsClientAsync(Options("http/1.1"));
            Assert.NotEqual(0, await tls.ReadAsync(new byte[1]));
        });
    }

    private static SslClientAuthenticationOptions Options(string protocol) => new()
    {
        TargetHost = "localhost",
        EnabledSslProtocols = SslProtocols.Tls13,
        ApplicationProtocols = protocol.Length > 0 ? [new SslApplicationProtocol(protocol)] : null,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
    };
}
