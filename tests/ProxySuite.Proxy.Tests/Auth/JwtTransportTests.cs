using System.IO.Pipelines;
using System.Net;
using ProxySuite.Proxy.Backend;
using ProxySuite.Proxy.Frontend;
using ProxySuite.Proxy.Frontend.Auth;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Secrets;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

/// <summary>Over which connections a token is asked for: whoever reads it can use it.</summary>
public sealed class JwtTransportTests
{
    /// <summary>What the client is asked for, or the error instead.</summary>
    private static async Task<string> AskedAsync(string? address, bool isEncrypted)
    {
        HostRules rules = HbaFile.Parse("host all all all jwt\nlocal all all jwt", (line, reason) => Assert.Fail($"line {line}: {reason}"));
        var options = new CurrentOptions(new ProxyOptions { Auth = new AuthOptions { HostRules = rules } });
        var authenticator = new Authenticator(
            options, new TenantDirectory(new MemoryRegistry()), MasterKey.FromBytes("0123456789abcdef0123456789abcdef"u8), TimeProvider.System, new ProxyStats(), new LogLines());
        Pipe fromClient = new(), toClient = new();
        var channel = new ClientChannel(new ClientOrigin(address is null ? null : IPAddress.Parse(address), isEncrypted));
        Task<AuthenticatedUser> login = authenticator.AuthenticateAsync(
            new MessagePipe(new Duplex(fromClient.Reader, toClient.Writer), 10_000), new TenantNaming("acme", "app"), channel, CancellationToken.None).AsTask();
        // The client leaves without an answer.
        await fromClient.Writer.CompleteAsync();
        try
        {
            await login;
        }
        catch (PgErrorException refused)
        {
            Assert.False(toClient.Reader.TryRead(out _), "refused, and asked all the same");
            return $"{refused.Error.SqlState} {refused.Error.Message}";
        }
        catch (IOException)
        {
            ReadResult sent = await toClient.Reader.ReadAsync();
            return Convert.ToHexString(sent.Buffer.FirstSpan);
        }
        throw new InvalidOperationException("a login without an answer succeeded");
    }

    [Theory]
    [InlineData("203.0.113.1", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData(null, false)]
    public async Task Over_TLS_loopback_and_the_Unix_socket_it_is(string? address, bool isEncrypted)
        => Assert.Equal("520000000800000003", await AskedAsync(address, isEncrypted)); // AuthenticationCleartextPassword

    [Theory]
    [InlineData("203.0.113.1")]
    [InlineData("10.0.0.1")]
    [InlineData("2001:db8::1")]
    public async Task Over_a_network_in_the_clear_it_is_not(string address) => Assert.Equal("28000 connection requires TLS", await AskedAsync(address, isEncrypted: false));

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
