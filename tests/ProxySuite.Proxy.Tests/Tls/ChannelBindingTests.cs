using System.Security.Cryptography;
using ProxySuite.Proxy.Options;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.Proxy.Tests.Tls;

[Trait("Category", "Server")]
public sealed class ChannelBindingTests
{
    [Theory]
    [InlineData("SHA256")]
    [InlineData("SHA384")]
    [InlineData("SHA512")]
    public async Task A_client_that_requires_channel_binding_gets_it(string hash)
    {
        using var certificates = new TestCertificates();
        await using TlsWorld world = await TlsWorld.StartAsync(certificates: certificates);
        (string certificate, string key) = certificates.Issue("proxy", hash: new HashAlgorithmName(hash));
        world.Proxy.Options.Swap(world.Proxy.Options.Value with { Tls = world.Proxy.Options.Value.Tls with { CertificateFile = certificate, KeyFile = key } });
        Assert.Equal("served", (await world.PsqlAsync("sslmode=require channel_binding=require")).MustSucceed("psql").Output.Trim());
    }

    [Fact]
    public async Task Without_TLS_there_is_nothing_to_bind_to()
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        ProcessResult refused = await world.PsqlAsync("sslmode=disable channel_binding=require");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("channel binding", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_over_the_bound_channel_as_well()
    {
        await using TlsWorld world = await TlsWorld.StartAsync();
        ProcessResult refused = await world.PsqlAsync("sslmode=require channel_binding=require password=wrong");
        Assert.Contains("password authentication failed for user \"app\"", refused.Error, StringComparison.Ordinal);
        ProcessResult unknown = await world.PsqlAsync("sslmode=require channel_binding=require user=nobody");
        Assert.Contains("password authentication failed for user \"nobody\"", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_may_leave_the_channel_unbound()
    {
        await using TlsWorld world = await TlsWorld.StartAsync(ClientTlsMode.Require);
        Assert.Equal("served", (await world.PsqlAsync("sslmode=require channel_binding=disable")).MustSucceed("psql").Output.Trim());
    }
}
