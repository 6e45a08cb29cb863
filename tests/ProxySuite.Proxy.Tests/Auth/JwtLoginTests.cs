using System.Collections.Frozen;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Proxy.Options.Jwt;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class JwtLoginTests : IDisposable
{
    private readonly TestTokens _tokens = new();

    public void Dispose() => _tokens.Dispose();

    private Task<ProxyWorld> StartAsync(string rules = "host all all all jwt")
    {
        HostRules parsed = HbaFile.Parse(rules, (line, reason) => Assert.Fail($"line {line}: {reason}"));
        return ProxyWorld.StartAsync(configure: options => options with { Auth = options.Auth with { HostRules = parsed, Keys = _tokens.Keys(), FailuresMax = 1000 } });
    }

    private static async Task<PgError?> LoginAsync(ProxyWorld world, string token, string user = "app", string? database = "acme")
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        return await client.TryLoginAsync(user, database!, token);
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("HS256")]
    public async Task A_token_logs_in_as_the_password_it_is_sent_for(string algorithm)
    {
        await using ProxyWorld world = await StartAsync();
        Assert.Null(await LoginAsync(world, _tokens.Token(algorithm)));
    }

    [Fact]
    public async Task Whatever_is_wrong_with_a_token_has_one_answer()
    {
        await using ProxyWorld world = await StartAsync();
        using var others = new TestTokens();
        string[] wrong =
        [
            "", "secret", "a.b.c", others.Token(), _tokens.Token(kid: "other"), _tokens.Token("RS256", kid: "hmac"), _tokens.Sign("none", TestTokens.Claims().ToJsonString(), kid: "rsa"),
            _tokens.Token(change: claims => claims["exp"] = 1), _tokens.Token(change: claims => claims["nbf"] = 9999999999), _tokens.Token(change: claims => claims["aud"] = "web"),
            _tokens.Token(change: claims => claims["sub"] = "owner"), _tokens.Token(change: claims => claims["tenant"] = "globex"), _tokens.Token(change: claims => claims.Remove("tenant")),
            _tokens.Token(change: claims => claims["more"] = new string('x', 6100)),
        ];
        foreach (string token in wrong) Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, token));
        Assert.Null(await LoginAsync(world, _tokens.Token()));
    }

    [Fact]
    public async Task A_valid_token_for_an_unknown_tenant_or_user_has_that_answer_too()
    {
        await using ProxyWorld world = await StartAsync();
        Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, _tokens.Token(change: claims => claims["tenant"] = "none"), database: "none"));
        Assert.Equal(ProxyErrors.LoginFailed("bob"), await LoginAsync(world, _tokens.Token(change: claims => claims["sub"] = "bob"), user: "bob"));
    }

    [Theory]
    [InlineData("app", "postgres")]
    [InlineData("app", "app")]
    public async Task The_tenant_may_be_named_by_the_token_alone(string user, string database)
    {
        await using ProxyWorld world = await StartAsync();
        Assert.Null(await LoginAsync(world, _tokens.Token(), user, database));
        Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, _tokens.Token(change: claims => claims["tenant"] = "none"), user, database));
        Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, _tokens.Token(change: claims => claims["tenant"] = "No Slug"), user, database));
    }

    [Theory]
    [InlineData("host acme all all reject\nhost all all all jwt")]
    [InlineData("host acme all all scram-sha-256\nhost all all all jwt")]
    [InlineData("host postgres,globex all all jwt")]
    public async Task A_tenant_named_by_the_token_has_its_own_rules(string rules)
    {
        await using ProxyWorld world = await StartAsync(rules.Replace("postgres,", "", StringComparison.Ordinal) + "\nhost app all all jwt");
        Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, _tokens.Token(), "app", "app"));
    }

    [Theory]
    [InlineData("owner", "readonly", "_r")]
    [InlineData("owner", "app", "")]
    [InlineData("owner", "owner", "_o")]
    [InlineData("owner", null, "_o")]
    [InlineData("app", "owner", "")]
    [InlineData("app", "readonly", "_r")]
    [InlineData("readonly", "owner", "_r")]
    public async Task The_role_claim_lowers_and_never_raises(string user, string? role, string suffix)
    {
        await using ProxyWorld world = await StartAsync();
        Assert.Null(await LoginAsync(world, _tokens.Token(change: claims =>
        {
            claims["sub"] = user;
            if (role is not null) claims["role"] = role;
        }), user));
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        TenantEntry acme = world.Registry["acme"];
        Assert.Equal(BackendNames.Role(acme.Tenant.Id, UserRole.App) + suffix, server.Startup!.User);
    }

    [Fact]
    public async Task A_user_whose_time_is_over_is_not_let_in_by_a_token()
    {
        await using ProxyWorld world = await StartAsync();
        TenantEntry entry = world.Registry["acme"];
        var ended = entry.Tenant.Users.ToFrozenDictionary(user => user.Key, user => user.Value with { ValidUntil = DateTimeOffset.UnixEpoch });
        world.Registry.Put(entry with { Tenant = entry.Tenant with { Users = ended } });
        Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, _tokens.Token()));
    }

    [Fact]
    public async Task A_password_is_no_token_and_a_token_no_password()
    {
        await using ProxyWorld world = await StartAsync("host acme all all jwt\nhost all all all scram-sha-256");
        Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, ProxyWorld.Password));
        Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, _tokens.Token(change: claims => claims["tenant"] = "globex"), database: "globex"));
    }

    [Fact]
    public async Task Tokens_of_a_key_that_was_taken_away_are_worth_nothing_from_then_on()
    {
        await using ProxyWorld world = await StartAsync();
        using RawClient before = await RawClient.ConnectAsync(world.Port);
        await before.LoginAsync("app", "acme", _tokens.Token());
        JwkSet without = JwksFile.Parse(System.Text.Encoding.UTF8.GetBytes(TestTokens.Set(_tokens.EcKey("ec"))), reason => Assert.Fail(reason));
        world.Options.Swap(world.Options.Value with { Auth = world.Options.Value.Auth with { Keys = without } });
        Assert.Equal(ProxyErrors.LoginFailed("app"), await LoginAsync(world, _tokens.Token()));
        Assert.Null(await LoginAsync(world, _tokens.Token("ES256")));
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await before.SendAsync(FrontendBytes.Query("SELECT 1"));
        Assert.Equal("Query \"SELECT 1\"", (await server.NextAsync()).ToString());
    }

    [Fact]
    public async Task Guessed_tokens_are_braked()
    {
        await using ProxyWorld world = await StartAsync();
        world.Options.Swap(world.Options.Value with { Auth = world.Options.Value.Auth with { FailuresMax = 1, FailureDelayMax = TimeSpan.FromMilliseconds(100) } });
        for (int i = 0; i < 3; i++) Assert.NotNull(await LoginAsync(world, "a.b.c"));
        Assert.InRange(world.Stats.Proxy.LoginsDelayed, 1, 2);
    }
}
