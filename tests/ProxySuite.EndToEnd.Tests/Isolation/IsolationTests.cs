using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>
/// Requirement C5 through the whole product: in each isolation model a tenant's users try to read and to change a neighbour's rows on the same shard.
/// None sees the neighbour's mark in any byte of any answer, and the neighbour finds its row as it left it.
/// </summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class IsolationTests(ProxydWorld world)
{
    /// <summary>Attacker, its user, victim: neighbours within each model, and of different models on one shard.</summary>
    public static TheoryData<string, string, string> Pairs => new()
    {
        { "acme", "app", "umbrella" }, { "acme", "owner", "umbrella" }, { "acme", "reader", "umbrella" },
        { "globex", "app", "hooli" }, { "globex", "reader", "hooli" },
        { "initech", "app", "stark" }, { "initech", "owner", "stark" }, { "initech", "reader", "stark" },
        { "globex", "app", "stark" }, { "initech", "owner", "hooli" }, { "bench", "owner", "hooli" }, { "globex", "app", "bench" },
    };

    [Theory, MemberData(nameof(Pairs))]
    public async Task Nothing_that_a_tenant_can_say_reaches_its_neighbour(string attackerSlug, string user, string victimSlug)
    {
        TestTenant attacker = Tenant(attackerSlug), victim = Tenant(victimSlug);
        using var run = new AttackRun(new ProxydStage(world, attacker, user, victim));
        await run.PrepareAsync();
        // Those on rows come last: they name the mark, and pg_stat_activity shows a role its own statements.
        await run.CarryOutAsync([.. Attacks.OnIdentity(victim), .. Attacks.OnNames(attacker, victim), .. Attacks.OnNeighbour(victim, run.LargeObject), .. Attacks.OnRows(attacker, victim, user)]);
        Assert.True(run.Harmful.Count == 0 && run.Unexpected.Count == 0, string.Join('\n', [.. run.Harmful.Select(harm => harm.ToString()), .. run.Unexpected]));
        // What attacks left in the attacker's own sessions reaches no other user of the attacker either.
        using RawClient clean = await world.Proxyd.LoginRawAsync(attacker, user);
        Assert.Equal(attacker.Id.ToString(), await clean.ScalarAsync("SELECT current_setting('app.current_tenant_id')"));
        Assert.Equal("", await clean.ScalarAsync("SELECT coalesce(string_agg(relname, ','), '') FROM pg_class WHERE pg_my_temp_schema() <> 0 AND relnamespace = pg_my_temp_schema()"));
    }

    [Theory]
    [InlineData("options", "-c app.current_tenant_id=VICTIM_ID", "0A000")]
    [InlineData("options", "-c role=VICTIM_ROLE", "0A000")]
    [InlineData("options", "-c session_authorization=VICTIM_ROLE", "0A000")]
    [InlineData("options", "-c statement_timeout=0", "")]
    [InlineData("options", "-c work_mem=2GB", "")]
    [InlineData("options", "-c hash_mem_multiplier=1000", "0A000")]
    [InlineData("options", "-c session_preload_libraries=dblink", "0A000")]
    [InlineData("options", "-c tenant=VICTIM", "28000")]
    [InlineData("role", "VICTIM_ROLE", "0A000")]
    [InlineData("session_authorization", "VICTIM_ROLE", "0A000")]
    [InlineData("app.current_tenant_id", "VICTIM_ID", "0A000")]
    [InlineData("replication", "database", "0A000")]
    [InlineData("options", "-c search_path=VICTIM_SCHEMA", "")]
    [InlineData("search_path", "VICTIM_SCHEMA,public", "")]
    [InlineData("options", "-c row_security=off", "")]
    public async Task Nothing_in_the_start_up_packet_reaches_the_neighbour(string name, string value, string sqlState)
    {
        foreach ((TestTenant attacker, TestTenant victim) in ((TestTenant, TestTenant)[])[(world.Acme, world.Umbrella), (world.Globex, world.Hooli), (world.Initech, world.Stark)])
        {
            await victim.AsSuperuserAsync($"TRUNCATE notes; INSERT INTO notes ({(victim.Isolation == "pool" ? "tenant_id, " : "")}body) VALUES ({(victim.Isolation == "pool" ? $"'{victim.Id}', " : "")}'secret of {victim.Slug}')");
            string actual = value.Replace("VICTIM_ID", victim.Id.ToString(), StringComparison.Ordinal).Replace("VICTIM_ROLE", victim.Role, StringComparison.Ordinal)
                .Replace("VICTIM_SCHEMA", victim.Schema, StringComparison.Ordinal).Replace("VICTIM", victim.Slug, StringComparison.Ordinal);
            using RawClient client = await world.Proxyd.ConnectRawAsync();
            PgError? refused = await client.TryLoginAsync("app", attacker.Slug, ProxydWorld.Password, [new(name, actual)]);
            Assert.Equal(sqlState, refused?.SqlState ?? "");
            if (refused is not null) continue;
            await client.QueryAsync("SELECT body FROM notes");
            await client.QueryAsync($"SELECT body FROM {victim.Schema}.notes");
            Assert.DoesNotContain("secret of", client.Transcript.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_password_opens_its_own_tenants_door_only_and_backend_names_open_none()
    {
        await world.ProxyctlAsync(["tenant", "add-user", "acme", "alone", "--password-stdin"], "only acme knows");
        (string User, string Database)[] doors =
        [
            ("alone", "umbrella"), ("alone", "initech"), (world.Acme.Role, "acme"), (world.Acme.Role, "postgres"), ("postgres", "postgres"), ("app", world.Stark.Database),
            ("alone.umbrella", "umbrella"), ("alone@umbrella", "umbrella"), ("postgres", "acme"), ("data_owner", "acme"),
        ];
        foreach ((string user, string database) in doors)
        {
            using RawClient client = await world.Proxyd.ConnectRawAsync();
            PgError? refused = await client.TryLoginAsync(user, database, "only acme knows");
            Assert.Equal($"{user} {database} 28P01", $"{user} {database} {refused?.SqlState}");
        }
        using RawClient own = await world.Proxyd.ConnectRawAsync();
        Assert.Null(await own.TryLoginAsync("alone.acme", "acme", "only acme knows"));
        await world.ProxyctlAsync("tenant", "drop-user", "acme", "alone");
    }

    private TestTenant Tenant(string slug) => slug switch
    {
        "acme" => world.Acme,
        "umbrella" => world.Umbrella,
        "globex" => world.Globex,
        "hooli" => world.Hooli,
        "initech" => world.Initech,
        "stark" => world.Stark,
        _ => world.Bench,
    };
}
