using ProxySuite.Tenancy.Cache;
using ProxySuite.Tenancy.Model;
using ProxySuite.Tenancy.Registry;
using ProxySuite.Tenancy.Tests.Support;
using ProxySuite.Wire.Scram;
using Xunit;

namespace ProxySuite.Tenancy.Tests;

public sealed class FileTenantRegistryTests : IDisposable
{
    private const string AcmeId = "0f8fad5b-d9cb-469f-a165-70867728950e";

    private static readonly string Verifier = RegistryWorld.Verifier.ToStoredForm();

    private readonly string _directory = Directory.CreateTempSubdirectory("proxysuite-registry-").FullName;

    private string FilePath => Path.Combine(_directory, "registry.json");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_tenant_may_have_limits_beside_its_plan_and_a_user_two_passwords_for_a_while()
    {
        string next = ScramVerifier.Create("next", RegistryWorld.Verifier.Iterations, RegistryWorld.Verifier.Salt).ToStoredForm();
        FileTenantRegistry registry = Open(
            $$"""
            { "Shards": [ { "Name": "s1", "Hosts": ["a.example"], "Database": "apps" } ],
              "Tenants": [ { "Id": "{{AcmeId}}", "Slug": "acme", "Plan": "free", "Shard": "s1",
                "Overrides": { "Connections": 9, "StatementTimeout": "2m", "Settings": { "lock_timeout": "1s" } },
                "Users": [ { "Name": "app", "Verifier": "{{next}}", "PreviousVerifier": "{{Verifier}}", "PreviousUntil": "2030-01-02T03:04:05Z" } ] } ] }
            """);
        Tenant acme = (await registry.FindTenantAsync(TenantSlug.Parse("acme"), default))!.Tenant;
        Assert.Equal((9, TimeSpan.FromMinutes(2), 4L << 20, "1s"), (acme.Plan.Connections, acme.Plan.StatementTimeout, acme.Plan.WorkMemBytes, acme.Plan.Settings["lock_timeout"]));
        Assert.True(acme.Users["app"].PreviousAt(new DateTimeOffset(2029, 1, 1, 0, 0, 0, TimeSpan.Zero))!.Matches("app", "secret"));
        Assert.Null(acme.Users["app"].PreviousAt(new DateTimeOffset(2031, 1, 1, 0, 0, 0, TimeSpan.Zero)));

        string other = ScramVerifier.Create("next", iterations: 1).ToStoredForm();
        RegistryFileException refused = Assert.Throws<RegistryFileException>(() => Open(
            $$"""
            { "Shards": [ { "Name": "s1", "Hosts": ["a.example"], "Database": "apps" } ],
              "Tenants": [ { "Id": "{{AcmeId}}", "Slug": "acme", "Plan": "free", "Shard": "s1", "Overrides": { "Connections": 0, "Memory": "1GB" },
                "Users": [ { "Name": "app", "Verifier": "{{other}}", "PreviousVerifier": "{{Verifier}}", "PreviousUntil": "2030-01-02T03:04:05Z" } ] } ] }
            """));
        Assert.Equal(3, refused.Problems.Count);
        Assert.Contains(refused.Problems, problem => problem.StartsWith("Tenants[0].Users[0].PreviousVerifier: must be a SCRAM verifier with the salt", StringComparison.Ordinal));
        Assert.Contains(refused.Problems, problem => problem.StartsWith("Tenants[0].Overrides: connections must be 1 to 10000", StringComparison.Ordinal));
    }

    /// <summary>A plan that contradicts itself is refused; a tenant's override and its plan are brought together.</summary>
    [Fact]
    public async Task More_connections_guaranteed_than_allowed_is_refused_in_a_plan()
    {
        const string Shard = """{ "Shards": [ { "Name": "s1", "Hosts": ["a.example"], "Database": "apps" } ], """;
        RegistryFileException refused = Assert.Throws<RegistryFileException>(() => Open(
            Shard + """ "Plans": [ { "Name": "gold", "StatementTimeout": "90s", "WorkMem": "32MB", "Connections": 3, "ConnectionsMin": 4 } ] }"""));
        Assert.StartsWith("Plans[0]: connections-min must be 0 to connections (3), not 4", Assert.Single(refused.Problems), StringComparison.Ordinal);
        FileTenantRegistry registry = Open(
            Shard + $$"""
            "Plans": [ { "Name": "gold", "StatementTimeout": "90s", "WorkMem": "32MB", "Connections": 5, "ConnectionsMin": 4 } ],
            "Tenants": [ { "Id": "{{AcmeId}}", "Slug": "acme", "Plan": "gold", "Shard": "s1", "Overrides": { "Connections": 3 }, "Users": [ { "Name": "app", "Verifier": "{{Verifier}}" } ] } ] }
            """);
        Plan plan = (await registry.FindTenantAsync(TenantSlug.Parse("acme"), default))!.Tenant.Plan;
        Assert.Equal((3, 3), (plan.Connections, plan.ConnectionsMin));
    }

    [Fact]
    public async Task Tenants_are_found_with_plan_shard_and_users()
    {
        FileTenantRegistry registry = Open(
            $$"""
            {
              // A comment, and a trailing comma below.
              "Shards": [ { "Name": "s1", "Hosts": ["a.example", "b.example:5433"], "Database": "apps", "Tls": "require", "Region": "eu", "ConnectionsMax": 50 } ],
              "Plans": [ { "Name": "gold", "StatementTimeout": "90s", "WorkMem": "32MB", "Connections": 11, "QueriesPerSecond": 500, "Weight": 5,
                           "PoolMode": "session", "Settings": { "lock_timeout": "1s" } } ],
              "Tenants": [
                { "Id": "{{AcmeId}}", "Slug": "acme", "Plan": "gold", "Shard": "s1", "Isolation": "database", "CredentialsEpoch": 3,
                  "AllowedAddresses": [ "10.0.0.0/8", "2001:db8::7" ],
                  "Users": [ { "Name": "app", "Verifier": "{{Verifier}}" },
                             { "Name": "old", "Verifier": "md5d41d8cd98f00b204e9800998ecf8427e" },
                             { "Name": "ddl", "Role": "owner", "Verifier": "{{Verifier}}", "ValidUntil": "2030-01-02T03:04:05Z" } ] },
                { "Id": "11111111-d9cb-469f-a165-70867728950e", "Slug": "globex", "Plan": "free", "Shard": "s1", "Suspended": true },
              ]
            }
            """);
        TenantEntry entry = (await registry.FindTenantAsync(TenantSlug.Parse("acme"), default))!;
        Assert.Equal<ShardEndpoint>([new ShardEndpoint("a.example", 5432), new ShardEndpoint("b.example", 5433)], entry.Shard.Primary);
        Assert.Equal(("s1", "apps", TlsMode.Require, "eu", 50), (entry.Shard.Name, entry.Shard.Database, entry.Shard.Tls, entry.Shard.Region, entry.Shard.ConnectionsMax));
        Plan plan = entry.Tenant.Plan;
        Assert.Equal((TimeSpan.FromSeconds(90), 32L << 20, 11, 500, 5, PoolMode.Session, "1s"),
            (plan.StatementTimeout, plan.WorkMemBytes, plan.Connections, plan.QueriesPerSecond, plan.Weight, plan.PoolMode, plan.Settings["lock_timeout"]));
        Assert.Equal(new Placement(entry.Shard.Id, 1, BackendNames.Database(entry.Tenant.Id), "public", PlacementState.Active), entry.Tenant.Placement);
        Assert.Equal((3, true, UserRole.Owner), (entry.Tenant.CredentialsEpoch, entry.Tenant.IsActive, entry.Tenant.Users["ddl"].Role));
        Assert.True(entry.Tenant.Users["app"].Verifier.Matches("app", "secret"));
        Assert.IsType<Md5Verifier>(entry.Tenant.Users["old"].Verifier);
        Assert.Equal("10.0.0.0/8,2001:db8::7/128", entry.Tenant.AllowedAddresses.ToString());
        Assert.False(entry.Tenant.Users["ddl"].IsValidAt(new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero)));

        TenantEntry globex = (await registry.FindTenantAsync(TenantSlug.Parse("globex"), default))!;
        Assert.Equal((TenantState.Suspended, PlanDefaults.Free), (globex.Tenant.State, globex.Tenant.Plan));
        Assert.Null(await registry.FindTenantAsync(TenantSlug.Parse("nobody"), default));
        Assert.Equal(entry.Shard, await registry.FindShardAsync(entry.Shard.Id, default));
        Assert.Single(await registry.ListShardsAsync(default));
        Assert.Equal([TenantVersions.Of(globex)], await registry.ReadVersionsAsync([TenantSlug.Parse("globex"), TenantSlug.Parse("nobody")], default));
    }

    [Theory]
    [InlineData("{", "line 1, byte 2: not JSON")]
    [InlineData("""{ "Tenants": [ { "AllowedAddresses": [ "10.0.0.1/8" ] } ] }""", "Tenants[0].AllowedAddresses: \"10.0.0.1/8\" has bits behind its mask; write 10.0.0.0/8, or 10.0.0.1 for one address")]
    [InlineData("[]", "the file: must be an object")]
    [InlineData("""{ "Tenant": [] }""", "Tenant: is not known")]
    [InlineData("""{ "Shards": {} }""", "Shards: must be an array")]
    [InlineData("""{ "Shards": [ 1 ] }""", "Shards[0]: must be an object")]
    [InlineData("""{ "Shards": [ {} ] }""", "Shards[0].Name: is missing")]
    [InlineData("""{ "Shards": [ {} ] }""", "Shards[0].Hosts: must name at least one host")]
    [InlineData("""{ "Shards": [ { "Name": 1 } ] }""", "Shards[0].Name: must be a text")]
    [InlineData("""{ "Shards": [ { "Hosts": ["h:0"] } ] }""", "Shards[0].Hosts: \"0\" is no port; ports run from 1 to 65535")]
    [InlineData("""{ "Shards": [ { "Tls": "maybe" } ] }""", "Shards[0].Tls: \"maybe\" is not one of disable, allow, prefer, require, verify-ca, verify-full")]
    [InlineData("""{ "Shards": [ { "ConnectionsMax": "many" } ] }""", "Shards[0].ConnectionsMax: must be a whole number")]
    [InlineData("""{ "Shards": [ { "Name": "s", "Name": "s" } ] }""", "Shards[0].Name: is given twice")]
    [InlineData("""{ "Shards": [ { "Name": "s" }, { "Name": "s" } ] }""", "Shards[1].Name: there are two shards \"s\"")]
    [InlineData("""{ "Plans": [ { "Name": "p", "WorkMem": "4" } ] }""", "Plans[0].WorkMem: \"4\" is no size; write for example 64kB, 4MB or 2GB")]
    [InlineData("""{ "Plans": [ { "Name": "p", "StatementTimeout": "5s", "WorkMem": "4MB" } ] }""", "Plans[0]: connections must be 1 to 10000, not 0")]
    [InlineData("""{ "Plans": [ { "Settings": { "role": "x" }, "Name": "p", "StatementTimeout": "5s", "WorkMem": "4MB", "Connections": 1 } ] }""", "Plans[0]: setting \"role\" cannot be part of a plan")]
    [InlineData("""{ "Plans": [ { "Settings": { "x": 1 } } ] }""", "Plans[0].Settings: must be an object of texts")]
    [InlineData("""{ "Tenants": [ { "Slug": "Acme" } ] }""", "Tenants[0].Slug: \"Acme\" is no tenant slug: lower-case letters, digits, '-' and '_' are allowed, and a letter or digit comes first")]
    [InlineData("""{ "Tenants": [ { "Id": "7" } ] }""", "Tenants[0].Id: \"7\" is no UUID")]
    [InlineData("""{ "Tenants": [ { "Plan": "gold" } ] }""", "Tenants[0].Plan: there is no plan \"gold\"")]
    [InlineData("""{ "Tenants": [ { "Shard": "s9" } ] }""", "Tenants[0].Shard: there is no shard \"s9\"")]
    [InlineData("""{ "Tenants": [ { "CredentialsEpoch": 0 } ] }""", "Tenants[0].CredentialsEpoch: must be at least 1")]
    [InlineData("""{ "Tenants": [ { "Suspended": "no" } ] }""", "Tenants[0].Suspended: must be true or false")]
    [InlineData("""{ "Tenants": [ {}, { "Users": [ { "Name": "app", "Verifier": "secret" } ] } ] }""", "Tenants[1].Users[0].Verifier: neither a SCRAM-SHA-256 verifier nor an md5 hash")]
    [InlineData("""{ "Tenants": [ { "Users": [ { "Password": "secret" } ] } ] }""", "Tenants[0].Users[0].Password: is not known")]
    [InlineData("""{ "Tenants": [ { "Isolation": "pool", "Users": [ { "Name": "ddl", "Role": "owner" } ] } ] }""", "Tenants[0].Users[0].Role: owner is not possible in the pool model")]
    [InlineData("""{ "Tenants": [ { "Users": [ { "ValidUntil": "soon" } ] } ] }""", "Tenants[0].Users[0].ValidUntil: \"soon\" is no time; write for example 2030-12-31T00:00:00Z")]
    public void A_wrong_file_is_refused_with_the_exact_path_and_reason(string json, string problem)
    {
        var refused = Assert.Throws<RegistryFileException>(() => Open(json));
        Assert.Contains(problem, refused.Problems);
        Assert.Contains(FilePath, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        var refused = Assert.Throws<RegistryFileException>(() => Open("""{ "Shards": [ {} ], "Tenants": [ {} ], "Other": 1 }"""));
        Assert.True(refused.Problems.Count >= 7, refused.Message);
    }

    [Fact]
    public void A_slug_or_an_id_is_given_to_one_tenant()
    {
        string two = Minimal(Tenant("acme", AcmeId), Tenant("acme", AcmeId));
        Assert.Equal(["Tenants[1].Slug: there are two tenants \"acme\"", "Tenants[1].Id: another tenant has it"], Assert.Throws<RegistryFileException>(() => Open(two)).Problems);
    }

    [Fact]
    public void A_file_that_is_missing_is_named()
        => Assert.Contains(FilePath, Assert.Throws<RegistryFileException>(() => FileTenantRegistry.Open(FilePath)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_changed_file_is_read_again_and_a_wrong_one_leaves_the_last_good_one_in_force()
    {
        File.WriteAllText(FilePath, Minimal(Tenant("acme", AcmeId)));
        var time = new ManualTime();
        FileTenantRegistry registry = FileTenantRegistry.Open(FilePath, time);
        var directory = new TenantDirectory(registry, time: time);
        using var end = new CancellationTokenSource();
        Task running = directory.RunAsync(registry, end.Token);
        TenantEntry before = (await directory.GetAsync(TenantSlug.Parse("acme"))).Entry!;

        // Written aside and moved over it, as editors and Kubernetes do.
        Replace(Minimal(Tenant("acme", AcmeId).Replace("free", "growth", StringComparison.Ordinal)));
        await TickUntilAsync(() => directory.TryGet("acme"u8, out TenantEntry? entry) && entry.Tenant.Plan.Name == "growth");
        Assert.NotEqual(TenantVersions.Of(before), TenantVersions.Of((await directory.GetAsync(TenantSlug.Parse("acme"))).Entry!));

        Replace("{ broken");
        for (int i = 0; i < 3; i++) time.Advance(TimeSpan.FromSeconds(2));
        Assert.NotNull(await registry.FindTenantAsync(TenantSlug.Parse("acme"), default));
        Replace(Minimal(Tenant("globex", AcmeId)));
        await TickUntilAsync(() => registry.FindTenantAsync(TenantSlug.Parse("globex"), default).Result is not null);
        await TickUntilAsync(() => !directory.TryGet("acme"u8, out _));

        await end.CancelAsync();
        await running;

        async Task TickUntilAsync(Func<bool> holds)
        {
            for (int i = 0; i < 200 && !holds(); i++)
            {
                time.Advance(TimeSpan.FromSeconds(2));
                await Settle.UntilAsync(holds, TimeSpan.FromMilliseconds(50));
            }
            await Settle.MustAsync(holds);
        }
    }

    [Fact]
    public void What_did_not_change_in_a_changed_file_keeps_its_versions()
    {
        var versions = new FileVersions();
        RegistryFile first = RegistryFile.Parse("f", Minimal(Tenant("acme", AcmeId)), versions);
        RegistryFile second = RegistryFile.Parse("f", Minimal(Tenant("acme", AcmeId), Tenant("globex", Guid.NewGuid().ToString())), versions);
        Assert.Equal(TenantVersions.Of(first.Tenants[TenantSlug.Parse("acme")]), TenantVersions.Of(second.Tenants[TenantSlug.Parse("acme")]));
    }

    [Fact]
    public void A_tenant_put_on_another_shard_has_a_higher_epoch()
    {
        var versions = new FileVersions();
        string json = Minimal(Tenant("acme", AcmeId));
        TenantSlug acme = TenantSlug.Parse("acme");
        Assert.Equal(1, RegistryFile.Parse("f", json, versions).Tenants[acme].Tenant.Placement.Epoch);
        Assert.Equal(2, RegistryFile.Parse("f", json.Replace("\"s1\"", "\"s2\"", StringComparison.Ordinal), versions).Tenants[acme].Tenant.Placement.Epoch);
    }

    private static string Tenant(string slug, string id) => $$"""{ "Id": "{{id}}", "Slug": "{{slug}}", "Plan": "free", "Shard": "s1" }""";

    private static string Minimal(params string[] tenants)
        => $$"""{ "Shards": [ { "Name": "s1", "Hosts": ["h"], "Database": "apps" } ], "Tenants": [ {{string.Join(", ", tenants)}} ] }""";

    private FileTenantRegistry Open(string json)
    {
        File.WriteAllText(FilePath, json);
        return FileTenantRegistry.Open(FilePath);
    }

    private void Replace(string json)
    {
        File.WriteAllText(FilePath + ".new", json);
        File.Move(FilePath + ".new", FilePath, overwrite: true);
    }
}
