using ProxySuite.Proxy.Options;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.Proxy.Tests.Tls;

[Trait("Category", "Server")]
public sealed class ClientModeTests
{
    [Theory]
    [InlineData(ClientTlsMode.Disable, "disable", true)]
    [InlineData(ClientTlsMode.Disable, "prefer", true)]
    [InlineData(ClientTlsMode.Disable, "require", false)]
    [InlineData(ClientTlsMode.Allow, "disable", true)]
    [InlineData(ClientTlsMode.Allow, "require", true)]
    [InlineData(ClientTlsMode.Require, "disable", false)]
    [InlineData(ClientTlsMode.Require, "prefer", true)]
    [InlineData(ClientTlsMode.Require, "require", true)]
    public async Task What_a_client_asks_for_is_served_as_the_mode_says(ClientTlsMode mode, string sslmode, bool isServed)
    {
        await using TlsWorld world = await TlsWorld.StartAsync(mode);
        ProcessResult result = await world.PsqlAsync($"sslmode={sslmode}");
        Assert.Equal((isServed ? "served" : "", isServed), (result.Output.Trim(), result.ExitCode == 0));
    }

    [Fact]
    public async Task A_client_verifies_the_proxys_certificate_and_name()
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        ProcessResult known = await world.PsqlAsync($"sslmode=verify-full sslrootcert={world.Certificates.AuthorityFile}");
        Assert.Equal("served", known.MustSucceed("psql").Output.Trim());
        using var other = new TestCertificates();
        Assert.Contains("certificate verify failed", (await world.PsqlAsync($"sslmode=verify-full sslrootcert={other.AuthorityFile}")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_in_the_clear_is_told_that_TLS_is_required()
    {
        await using TlsWorld world = await TlsWorld.StartAsync(ClientTlsMode.Require);
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        var refused = await client.TryLoginAsync("app", "acme", "secret");
        Assert.Equal(("28000", "connection requires TLS"), (refused!.SqlState, refused.Message));
        Assert.Contains("sslmode=require", refused.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_behind_an_SSLRequest_are_refused_before_anything_is_encrypted()
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.SendAsync([.. FrontendBytes.SslRequest, .. FrontendBytes.Startup("app", "acme")]);
        WireMessage answer = (await client.NextAsync())!;
        Assert.Contains("received unencrypted data", answer.ToString(), StringComparison.Ordinal);
        Assert.Null(await client.NextAsync());
    }

    [Fact]
    public async Task GSS_encryption_is_declined_and_TLS_served_behind_it()
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        client.Wire.ExpectSingleByte();
        await client.SendAsync(FrontendBytes.GssEncRequest);
        Assert.Equal((byte)'N', (await client.Wire.NextAsync())!.Body[0]);
        Assert.Equal('S', await client.RequestSslAsync());
    }

    [Theory]
    [InlineData("client", true, "served")]
    [InlineData("", false, "connection requires a valid client certificate")]
    public async Task Verify_full_wants_a_certificate_of_the_client(string certificate, bool isServed, string expected)
    {
        await using TlsWorld world = await TlsWorld.StartAsync(ClientTlsMode.VerifyFull, withClientAuthority: true);
        string more = "sslmode=require";
        if (certificate.Length > 0)
        {
            (string file, string key) = world.Certificates.Issue(certificate);
            more += $" sslcert={file} sslkey={key}";
        }
        ProcessResult result = await world.PsqlAsync(more);
        Assert.Equal(isServed, result.ExitCode == 0);
        Assert.Contains(expected, result.Output + result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ClientTlsMode.VerifyFull)]
    [InlineData(ClientTlsMode.Allow)]
    public async Task A_client_certificate_of_a_foreign_authority_is_refused(ClientTlsMode mode)
    {
        await using TlsWorld world = await TlsWorld.StartAsync(mode, withClientAuthority: true);
        using var foreign = new TestCertificates();
        (string file, string key) = foreign.Issue("client");
        ProcessResult result = await world.PsqlAsync($"sslmode=require sslcert={file} sslkey={key}");
        Assert.NotEqual(0, result.ExitCode);
        Assert.DoesNotContain("served", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_expired_client_certificate_is_refused()
    {
        await using TlsWorld world = await TlsWorld.StartAsync(ClientTlsMode.VerifyFull, withClientAuthority: true);
        (string file, string key) = world.Certificates.Issue("client", isExpired: true);
        Assert.NotEqual(0, (await world.PsqlAsync($"sslmode=require sslcert={file} sslkey={key}")).ExitCode);
    }
}
