using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using ProxySuite.Proxy.Frontend.Auth;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Tests.Tls;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

[Trait("Category", "Server")]
public sealed class CertificateLoginTests
{
    private static Task<TlsWorld> StartAsync(string rules, ClientTlsMode mode = ClientTlsMode.Allow, string maps = "")
    {
        HostRules hostRules = HbaFile.Parse(rules, (line, reason) => Assert.Fail($"line {line}: {reason}"));
        IdentMaps identMaps = IdentFile.Parse(maps, (line, reason) => Assert.Fail($"line {line}: {reason}"));
        return TlsWorld.StartAsync(mode, options => options with { Auth = options.Auth with { HostRules = hostRules, IdentMaps = identMaps } }, withClientAuthority: true);
    }

    private static Task<ProcessResult> PsqlAsync(TlsWorld world, string? name, string more = "")
    {
        if (name is null) return world.PsqlAsync($"sslmode=require {more}");
        (string file, string key) = world.Certificates.Issue(name);
        return world.PsqlAsync($"sslmode=require sslcert={file} sslkey={key} {more}");
    }

    [Theory]
    [InlineData(ClientTlsMode.Allow)]
    [InlineData(ClientTlsMode.Require)]
    [InlineData(ClientTlsMode.VerifyFull)]
    public async Task A_certificate_in_the_users_name_is_enough_in_every_mode(ClientTlsMode mode)
    {
        await using TlsWorld world = await StartAsync("hostssl all all all cert", mode);
        Assert.Equal("served", (await PsqlAsync(world, "app@acme", "password=wrong")).MustSucceed("psql").Output.Trim());
    }

    [Theory]
    [InlineData("hostssl all all all cert", "app@globex")]
    [InlineData("hostssl all all all cert", "owner@acme")]
    [InlineData("hostssl all all all cert", "app")]
    [InlineData("hostssl acme,globex all all cert", "app")]
    [InlineData("hostssl acme all all cert", "owner")]
    [InlineData("hostssl all all all cert map=people", "app@acme")]
    public async Task A_certificate_in_another_name_is_not(string rules, string name)
    {
        await using TlsWorld world = await StartAsync(rules, maps: "people ada app@acme");
        ProcessResult refused = await PsqlAsync(world, name);
        Assert.Contains("certificate authentication failed for user \"app\"", refused.Error, StringComparison.Ordinal);
        Assert.Equal("", refused.Output);
    }

    [Theory]
    [InlineData("hostssl acme all all cert", "app")]
    [InlineData("hostssl all all all cert map=people", "ada")]
    [InlineData("hostssl acme all all cert map=people", "grace")]
    public async Task A_rule_for_one_tenant_or_a_map_says_whose_name_it_is(string rules, string name)
    {
        await using TlsWorld world = await StartAsync(rules, maps: "people ada app@acme\npeople grace app");
        Assert.Equal("served", (await PsqlAsync(world, name)).MustSucceed("psql").Output.Trim());
    }

    [Fact]
    public async Task Who_has_a_certificate_for_nobody_is_told_as_much_as_who_has_anothers()
    {
        await using TlsWorld world = await StartAsync("hostssl all all all cert");
        string Face(ProcessResult result) => result.Error.Replace("nobody", "app", StringComparison.Ordinal);
        string another = Face(await PsqlAsync(world, "owner@acme"));
        Assert.Equal(another, Face(await PsqlAsync(world, "nobody@acme", "user=nobody")));
        Assert.Equal(another, Face(await PsqlAsync(world, "app@none", "dbname=none")));
    }

    [Theory]
    [InlineData("hostssl all all all cert")]
    [InlineData("hostssl all all all trust clientcert=verify-ca")]
    [InlineData("hostssl all all all scram-sha-256 clientcert=verify-full")]
    public async Task Without_a_certificate_a_client_is_told_that_it_needs_one(string rules)
    {
        await using TlsWorld world = await StartAsync(rules);
        Assert.Contains("connection requires a valid client certificate", (await PsqlAsync(world, null)).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("verify-ca", "anything", "", true)]
    [InlineData("verify-ca", "anything", "password=wrong", false)]
    [InlineData("verify-full", "app@acme", "", true)]
    [InlineData("verify-full", "app@acme", "password=wrong", false)]
    [InlineData("verify-full", "anything", "", false)]
    public async Task Clientcert_asks_for_a_certificate_beside_the_password(string option, string name, string more, bool isServed)
    {
        await using TlsWorld world = await StartAsync($"hostssl all all all scram-sha-256 clientcert={option}");
        Assert.Equal(isServed, (await PsqlAsync(world, name, more)).ExitCode == 0);
    }

    [Theory]
    [InlineData("app@acme", "postgres", "served")]
    [InlineData("app@acme", "acme", "served")]
    [InlineData("app@globex", "postgres", "certificate authentication failed for user \"app\"")]
    [InlineData("app@globex", "acme", "certificate authentication failed for user \"app\"")]
    [InlineData(null, "postgres", "connection requires a valid client certificate")]
    public async Task Beside_a_token_the_certificate_is_for_the_tenant_that_the_token_names(string? name, string database, string expected)
    {
        using var tokens = new TestTokens();
        await using TlsWorld world = await StartAsync("hostssl all all all jwt clientcert=verify-full");
        world.Proxy.Options.Swap(world.Proxy.Options.Value with { Auth = world.Proxy.Options.Value.Auth with { Keys = tokens.Keys() } });
        ProcessResult result = await PsqlAsync(world, name, $"dbname={database} password={tokens.Token()}");
        Assert.Contains(expected, result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_rules_tell_encrypted_clients_from_others()
    {
        await using TlsWorld world = await StartAsync("hostnossl all owner all reject\nhostssl all owner all scram-sha-256\nhostssl all all all reject\nhostnossl all all all scram-sha-256");
        Assert.Equal("served", (await world.PsqlAsync("sslmode=disable")).MustSucceed("psql").Output.Trim());
        Assert.Contains("pg_hba.conf rejects connection for host \"127.0.0.1\", user \"app\", database \"acme\", SSL encryption", (await world.PsqlAsync("sslmode=require")).Error, StringComparison.Ordinal);
        Assert.Equal("served", (await world.PsqlAsync("sslmode=require user=owner")).MustSucceed("psql").Output.Trim());
        Assert.Contains("user \"owner\", database \"acme\", no encryption", (await world.PsqlAsync("sslmode=disable user=owner")).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CN=app", "app")]
    [InlineData("O=Acme, CN=app", "app")]
    [InlineData("O=Acme", null)]
    [InlineData("CN=app, CN=owner", null)]
    [InlineData("CN=\"app, owner\"", "app, owner")]
    public void A_name_that_is_not_exactly_one_is_none(string subject, string? name) => Assert.Equal(name, ClientChannel.CommonNameOf(new X500DistinguishedName(subject)));

    [Fact]
    public void A_name_that_is_one_with_something_else_is_none()
    {
        var der = new AsnWriter(AsnEncodingRules.DER);
        using (der.PushSequence())
        using (der.PushSetOf())
        {
            foreach ((string type, string value) in new[] { ("2.5.4.3", "app"), ("2.5.4.11", "x") })
            {
                using AsnWriter.Scope pair = der.PushSequence();
                der.WriteObjectIdentifier(type);
                der.WriteCharacterString(UniversalTagNumber.UTF8String, value);
            }
        }
        Assert.Null(ClientChannel.CommonNameOf(new X500DistinguishedName(der.Encode())));
    }

    [Fact]
    public void A_name_with_a_NUL_is_none()
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.Add("2.5.4.3", "app\0.evil.example", UniversalTagNumber.UTF8String);
        Assert.Null(ClientChannel.CommonNameOf(builder.Build()));
    }
}
