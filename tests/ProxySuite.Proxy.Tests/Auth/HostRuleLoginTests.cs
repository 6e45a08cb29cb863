using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Options.Hba;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.Proxy.Tests.Auth;

public sealed class HostRuleLoginTests
{
    private static Func<ProxyOptions, ProxyOptions> Rules(string text)
    {
        HostRules rules = HbaFile.Parse(text, (line, reason) => Assert.Fail($"line {line}: {reason}"));
        return options => options with { Auth = options.Auth with { HostRules = rules } };
    }

    /// <summary>What a client that tries to log in sees and says; names it gave itself are replaced by their kind.</summary>
    private static async Task<string> TranscriptAsync(ProxyWorld world, string tenant, string user, string password = ProxyWorld.Password)
    {
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.TryLoginAsync(user, tenant, password);
        return string.Join('\n', client.Transcript.Lines.Skip(1).Select(Kind))
            .Replace($"\"{tenant}\"", "TENANT", StringComparison.Ordinal).Replace($"\"{user}\"", "USER", StringComparison.Ordinal)
            .Replace($"\\\"{tenant}\\\"", "TENANT", StringComparison.Ordinal).Replace($"\\\"{user}\\\"", "USER", StringComparison.Ordinal);

        // Nonces, salts and proofs differ each time; their lengths do not.
        static string Kind(string line) => line.Contains("SASL", StringComparison.Ordinal) || line.StartsWith("F ", StringComparison.Ordinal) ? $"{line.Split(' ')[0]} {line.Split(' ')[1]} {line.Length}" : line;
    }

    [Fact]
    public async Task A_client_without_a_rule_is_refused_in_PostgreSQLs_words()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: Rules("host globex all all scram-sha-256"));
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        PgError? error = await client.TryLoginAsync("app", "acme", ProxyWorld.Password);
        Assert.Equal(
            ("FATAL", SqlState.InvalidAuthorizationSpecification, "no pg_hba.conf entry for host \"127.0.0.1\", user \"app\", database \"acme\", no encryption"),
            (error?.Severity, error?.SqlState, error?.Message));
        using RawClient other = await world.ConnectAsync("globex");
    }

    [Fact]
    public async Task A_rejecting_rule_says_that_it_is_one()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: Rules("host all app 127.0.0.0/8 reject\nhost all all all scram-sha-256"));
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        PgError? error = await client.TryLoginAsync("app", "acme", ProxyWorld.Password);
        Assert.Equal("pg_hba.conf rejects connection for host \"127.0.0.1\", user \"app\", database \"acme\", no encryption", error?.Message);
        using RawClient other = await world.ConnectAsync("acme", "owner");
    }

    [Fact]
    public async Task A_rule_for_a_tenant_holds_however_the_tenant_is_named()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: Rules("host acme all all reject\nhost all all all scram-sha-256"));
        foreach ((string user, string database, string? options) in new[] { ("app", "acme", null), ("app.acme", "app.acme", null), ("app@acme", "acme", null), ("app", "app", "-c tenant=acme") })
        {
            using RawClient client = await RawClient.ConnectAsync(world.Port);
            PgError? error = await client.TryLoginAsync(user, database, ProxyWorld.Password, options is null ? null : [new("options", options)]);
            Assert.Equal((SqlState.InvalidAuthorizationSpecification, true), (error?.SqlState, error?.Message.StartsWith("pg_hba.conf rejects", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task Trust_asks_for_nothing_but_a_user_who_exists_and_is_still_valid()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: Rules("host acme all all trust"));
        using (RawClient client = await RawClient.ConnectAsync(world.Port))
        {
            await client.LoginAsync("app", "acme");
            Assert.DoesNotContain(client.Transcript.Lines, line => line.Contains("SASL", StringComparison.Ordinal));
        }
        using (RawClient stranger = await RawClient.ConnectAsync(world.Port))
        {
            Assert.Equal(SqlState.InvalidPassword, (await stranger.TryLoginAsync("nobody", "acme"))?.SqlState);
        }
        Tenancy.Model.TenantEntry entry = world.Registry["acme"];
        var ended = entry.Tenant.Users.ToDictionary(user => user.Key, user => user.Value with { ValidUntil = DateTimeOffset.UnixEpoch });
        world.Registry.Put(entry with { Tenant = entry.Tenant with { Users = System.Collections.Frozen.FrozenDictionary.ToFrozenDictionary(ended) } });
        for (string? state = null; state != SqlState.InvalidPassword; await Task.Delay(10))
        {
            using RawClient late = await RawClient.ConnectAsync(world.Port);
            state = (await late.TryLoginAsync("app", "acme"))?.SqlState;
        }
    }

    [Fact]
    public async Task Unknown_tenant_unknown_user_and_wrong_password_look_alike()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: Rules("host all all 127.0.0.1/32 scram-sha-256"));
        string wrongPassword = await TranscriptAsync(world, "acme", "app", "wrong");
        Assert.Equal(wrongPassword, await TranscriptAsync(world, "acme", "bob"));
        Assert.Equal(wrongPassword, await TranscriptAsync(world, "none", "app"));
        Assert.Contains("B ErrorResponse FATAL 28P01", wrongPassword, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("host all all all reject")]
    [InlineData("hostssl all all all scram-sha-256")]
    public async Task Who_is_refused_by_a_rule_learns_nothing_of_tenants_and_users(string rules)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(configure: Rules(rules));
        string known = await TranscriptAsync(world, "acme", "app");
        Assert.Equal(known, await TranscriptAsync(world, "acme", "bob"));
        Assert.Equal(known, await TranscriptAsync(world, "none", "app"));
        Assert.Equal(known, await TranscriptAsync(world, "acme", "app", "wrong"));
        Assert.Contains("B ErrorResponse FATAL 28000", known, StringComparison.Ordinal);
        Assert.Equal((0, 0), (world.Registry.Questions, known.Split('\n').Length - 1));
    }

    [Fact]
    public async Task New_rules_hold_for_logins_that_begin_afterwards()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient before = await world.ConnectAsync();
        world.Options.Swap(Rules("host all all all reject")(world.Options.Value));
        using RawClient after = await RawClient.ConnectAsync(world.Port);
        Assert.Equal(SqlState.InvalidAuthorizationSpecification, (await after.TryLoginAsync("app", "acme", ProxyWorld.Password))?.SqlState);
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await before.SendAsync(FrontendBytes.Query("SELECT 1"));
        Assert.Equal("Query \"SELECT 1\"", (await server.NextAsync()).ToString());
    }
}
