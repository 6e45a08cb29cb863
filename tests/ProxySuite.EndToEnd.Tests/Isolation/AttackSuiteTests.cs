using System.Collections.Concurrent;
using ProxySuite.EndToEnd.Tests.World;
using Xunit;
using Xunit.Abstractions;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>
/// All attacks, in each isolation model on PostgreSQL 15 and 18, through the real program: tried, held. And on a double of what the product is not, to
/// show that they bite.
/// </summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class AttackSuiteTests(ProxydWorld world, ITestOutputHelper output)
{
    private const int AttacksMin = 120;

    private static readonly ConcurrentDictionary<string, Task<TestTenant>> Tenants = new();

    private static readonly ConcurrentDictionary<string, Task> Shards = new();

    /// <summary>Identity, model, lockdown and PostgreSQL's version.</summary>
    public static TheoryData<string, string, string, int> Stages => new()
    {
        { "role", "pool", "relaxed", 15 }, { "role", "pool", "relaxed", 18 }, { "role", "schema", "relaxed", 15 }, { "role", "schema", "relaxed", 18 },
        { "role", "database", "relaxed", 15 }, { "role", "database", "relaxed", 18 }, { "role", "pool", "strict", 15 }, { "role", "schema", "strict", 18 },
        { "sealed", "pool", "strict", 15 }, { "sealed", "pool", "strict", 18 },
    };

    [Theory, MemberData(nameof(Stages))]
    public async Task Every_attack_is_held(string identity, string model, string lockdown, int version)
    {
        Stage stage = await StageAsync(model, version, identity, lockdown);
        // A strict shard refuses much before it could do harm, in the proxy or in the engine.
        using var run = new AttackRun(stage, alsoRefused: lockdown == "strict" ? "42501 0A000 42P01 22P02 42704" : "");
        await run.PrepareAsync();
        await run.CarryOutAsync(All(stage, run.LargeObject));
        output.WriteLine($"{identity}/{model} ({lockdown}) on PostgreSQL {version}: tried {run.Tried}, held {run.Tried - run.Harmful.Count}");
        Assert.True(run.Harmful.Count == 0, Lines("did harm", run.Harmful.Select(harm => $"{harm.What}: {harm.Harm}")));
        Assert.True(run.Unexpected.Count == 0, Lines("ended unexpectedly", run.Unexpected));
        Assert.InRange(run.Tried, AttacksMin, int.MaxValue);
    }

    /// <summary>The list stays honest: what is on it does get through somewhere, and what it takes away is said in words.</summary>
    [Theory, InlineData("pool", "relaxed", 18, 4), InlineData("schema", "relaxed", 15, 3), InlineData("database", "relaxed", 18, 2), InlineData("pool", "strict", 15, 1)]
    public async Task Known_limits_are_those_that_are_listed(string model, string lockdown, int version, int real)
    {
        Stage stage = await StageAsync(model, version, lockdown: lockdown);
        using var run = new AttackRun(stage, alsoRefused: lockdown == "strict" ? "42501" : "");
        await run.PrepareAsync();
        string owner = model == "pool" ? "tenant_id, " : "", id = model == "pool" ? $"'{stage.Victim.Id}', " : "";
        await stage.Victim.AsSuperuserAsync($"INSERT INTO notes ({owner}body) SELECT {id}'common' FROM generate_series(1, 2000); ANALYZE notes");
        KnownLimit[] known = [.. KnownLimit.All(stage)];
        await run.CarryOutAsync(known.Select(limit => limit.Attack));
        foreach (KnownLimit limit in known)
        {
            string harm = run.Harmful.Find(harm => harm.What == limit.Attack.What).Harm ?? "held here";
            output.WriteLine($"role/{model} ({lockdown}) on PostgreSQL {version}: {limit.Attack.What}: {harm}. {limit.Why}");
        }
        Assert.Equal(real, run.Harmful.Count);
        Assert.True(run.Unexpected.Count == 0, Lines("ended unexpectedly", run.Unexpected));
    }

    [Fact]
    public async Task The_same_attacks_get_through_where_the_tenant_is_a_mere_setting()
    {
        NaiveStage stage = await NaiveStage.CreateAsync(world.Shard18);
        using var run = new AttackRun(stage);
        await run.PrepareAsync();
        await run.CarryOutAsync(All(stage, run.LargeObject));
        output.WriteLine($"naive double: tried {run.Tried}, held {run.Tried - run.Harmful.Count}, got through {run.Harmful.Count}");
        foreach ((string what, string harm) in run.Harmful) output.WriteLine($"  {what}: {harm}");
        string[] through = [.. run.Harmful.Select(harm => harm.What)];
        foreach (string what in (string[])[
            "SET of the tenant id", "set_config inside the reading query", "SET inside DO", "set_config inside ts_stat", "set_config through PREPARE and EXECUTE",
            "its statements in pg_stat_activity", "pg_terminate_backend", "its large object", "its large object unlinked", "ALTER ROLE of the victim",
            "LOCK as it is", "LOCK by Parse", "statement_timeout: statement_timeout = 0", "work_mem: work_mem by its old name", "work_mem: UPDATE of pg_settings",
            "left for the victim: a temporary table in the place of the victim's", "left for the victim: a session that only reads",
            "found of the victim: a held cursor", "found of the victim: a temporary table", "found of the victim: a prepared statement's text",
            "found of the victim: a custom setting", "heard of the victim: LISTEN", "FunctionCall of set_config", "start-up: the victim's id",
        ])
        {
            Assert.True(through.Contains(what), $"\"{what}\" was held");
        }
        Assert.InRange(through.Length, 50, run.Tried);
    }

    private static IEnumerable<Attack> All(Stage stage, long largeObject) =>
    [
        .. Attacks.OnIdentity(stage.Victim), .. Attacks.OnNames(stage.Attacker, stage.Victim), .. Attacks.OnNeighbour(stage.Victim, largeObject),
        .. AttacksOnLimits.All(), .. AttacksOnLimits.Locks(isShared: stage.Victim.Isolation == "pool"), .. AttacksByResidue.All(stage), .. AttacksOnProtocol.All(stage, largeObject),
        // Those on rows come last: they name the mark, and pg_stat_activity shows a role its own statements.
        .. Attacks.OnRows(stage.Attacker, stage.Victim, stage.User),
    ];

    private async Task<Stage> StageAsync(string model, int version, string identity = "role", string lockdown = "relaxed")
    {
        string shard = version == 15 ? "s1" : "s2";
        if (lockdown == "strict")
        {
            shard = $"strict{version}";
            await Shards.GetOrAdd(shard, _ => AddStrictShardAsync(shard, version == 15 ? world.Shard15 : world.Shard18));
        }
        string name = $"{identity}-{model}-{lockdown}-{version}";
        return new ProxydStage(world, await TenantAsync($"attacker-{name}"), "app", await TenantAsync($"victim-{name}"));

        Task<TestTenant> TenantAsync(string slug) => Tenants.GetOrAdd(slug, _ => world.CreateTenantAsync(slug, "four", model, shard, identity));
    }

    private async Task AddStrictShardAsync(string name, ProxySuite.Testing.Servers.PostgresServer server)
        => await world.AddShardAsync(name, server, await server.CreateDatabaseAsync(name), "strict");

    private static string Lines(string what, IEnumerable<string> lines) => $"{what}:\n  {string.Join("\n  ", lines)}";
}
