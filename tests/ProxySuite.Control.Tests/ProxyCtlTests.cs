using System.Text.Json;
using ProxySuite.Control.Tests.Support;
using ProxySuite.Tenancy.Model;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Control.Tests;

/// <summary>The verbs of the program as scripts and people meet them: what they do, print and log.</summary>
[Trait("Category", "Server")]
public sealed class ProxyCtlTests
{
    [Fact]
    public async Task Init_makes_registry_and_master_key_once_and_the_key_is_its_owners_alone()
    {
        await using ControlWorld world = await ControlWorld.EmptyAsync(18);
        JsonElement first = (await world.MustAsync("init", "--json")).Json;
        string key = await File.ReadAllTextAsync(world.KeyFile);
        JsonElement second = (await world.MustAsync("init", "--json")).Json;

        Assert.True(first.GetProperty("master_key_created").GetBoolean());
        Assert.False(second.GetProperty("master_key_created").GetBoolean());
        Assert.Equal(0, second.GetProperty("applied").GetArrayLength());
        Assert.Equal(key, await File.ReadAllTextAsync(world.KeyFile));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(world.KeyFile));
    }

    [Theory]
    [InlineData("postgres://u:p%40ss@h1:5433,h2/tenants?sslmode=require", "postgres://u:***@h1:5433,h2:5432/tenants")]
    [InlineData("Host=h1;Port=5433;Username=u;Password=p@ss;Database=tenants", "postgres://u:***@h1:5433/tenants")]
    public async Task A_shards_dsn_is_taken_in_both_forms_and_shown_without_its_password(string dsn, string shown)
    {
        await using ControlWorld world = await ControlWorld.EmptyAsync(18);
        await world.MustAsync("init");
        await world.MustAsync("shard", "add", "s1", "--primary", dsn, "--replica", dsn, "--region", "eu", "--max-tenants", "7", "--max-connections", "9");
        await world.MustAsync("shard", "add", "s1", "--primary", dsn, "--replica", dsn, "--region", "eu", "--max-tenants", "7", "--max-connections", "9");
        JsonElement shard = (await world.MustAsync("shard", "list", "--json")).Json[0];

        Assert.Equal(shown, shard.GetProperty("primary").GetString());
        Assert.Equal(shown, shard.GetProperty("replica").GetString());
        Assert.Equal(("eu", 7, 9, "not prepared"), (shard.GetProperty("region").GetString(), shard.GetProperty("max_tenants").GetInt32(),
            shard.GetProperty("max_connections").GetInt32(), shard.GetProperty("state").GetString()));
        Assert.DoesNotContain("p@ss", (await world.MustAsync("shard", "show", "s1")).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await world.RunAsync("shard", "add", "s1", "--primary", dsn)).ExitCode);
    }

    [Fact]
    public async Task Tenant_create_prints_what_a_script_needs_and_the_password_proves_itself()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        JsonElement made = (await world.MustAsync("tenant", "create", "acme", "--plan", "growth", "--shard", "s1", "--user", "web", "--generate-password", "--json")).Json;

        Assert.Equal(["slug", "id", "user", "password"], made.EnumerateObject().Select(property => property.Name));
        Assert.Equal("web", made.GetProperty("user").GetString());
        Assert.Matches("^[A-Za-z0-9_-]{32}$", made.GetProperty("password").GetString());
        Assert.True((await world.VerifierAsync("acme", "web")).Matches(made.GetProperty("password").GetString()!));
        Assert.Equal(made.GetProperty("id").GetString(), (await world.MustAsync("tenant", "show", "acme", "--json")).Json.GetProperty("id").GetString());

        CliRun again = await world.MustAsync("tenant", "create", "acme", "--plan", "growth", "--user", "web", "--json");
        Assert.Equal(JsonValueKind.Null, again.Json.GetProperty("password").ValueKind);
    }

    [Fact]
    public async Task A_password_from_standard_input_is_set_and_never_printed()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        CliRun made = await world.RunAsync("correct horse\n", ["tenant", "create", "acme", "--plan", "free", "--password-stdin"]);
        Assert.Equal(0, made.ExitCode);
        Assert.DoesNotContain("correct horse", made.Output + made.Error, StringComparison.Ordinal);
        Assert.True((await world.VerifierAsync("acme", "app")).Matches("correct horse"));

        CliRun rotated = await world.RunAsync("battery staple\n", ["tenant", "rotate-password", "acme", "app", "--password-stdin"]);
        Assert.Equal(0, rotated.ExitCode);
        Assert.False((await world.VerifierAsync("acme", "app")).Matches("correct horse"));
        Assert.True((await world.VerifierAsync("acme", "app")).Matches("battery staple"));
        Assert.Equal(1, (await world.RunAsync("short\n", ["tenant", "rotate-password", "acme", "app", "--password-stdin"])).ExitCode);
    }

    [Fact]
    public async Task An_md5_hash_is_stored_only_when_asked_for_and_the_next_password_is_SCRAM_again()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.MustAsync("tenant", "create", "acme", "--plan", "free");
        Assert.Equal(0, (await world.RunAsync("correct horse\n", ["tenant", "add-user", "acme", "old", "--md5", "--password-stdin"])).ExitCode);
        PasswordVerifier stored = (await world.EntryAsync("acme")).Tenant.Users["old"].Verifier;
        Assert.True(stored is Md5Verifier && stored.Matches("old", "correct horse"));
        await world.MustAsync("tenant", "rotate-password", "acme", "old", "--md5");
        Assert.IsType<Md5Verifier>((await world.EntryAsync("acme")).Tenant.Users["old"].Verifier);
        await world.MustAsync("tenant", "rotate-password", "acme", "old");
        Assert.IsType<ScramVerifier>((await world.EntryAsync("acme")).Tenant.Users["old"].Verifier);
    }

    [Fact]
    public async Task Networks_of_a_tenant_are_set_shown_and_taken_back()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.MustAsync("tenant", "create", "acme", "--plan", "free");
        Assert.Equal("tenant acme may be reached from every address", (await world.MustAsync("tenant", "allow", "acme")).Output.Trim());
        Assert.Equal("tenant acme may be reached from 203.0.113.0/24, 2001:db8::7/128", (await world.MustAsync("tenant", "allow", "acme", "203.0.113.0/24", "2001:db8::7")).Output.Trim());
        Assert.Equal("tenant acme may be reached from 203.0.113.0/24, 2001:db8::7/128", (await world.MustAsync("tenant", "allow", "acme")).Output.Trim());
        Assert.Equal(["203.0.113.0/24", "2001:db8::7/128"],
            (await world.MustAsync("tenant", "show", "acme", "--json")).Json.GetProperty("allowed_addresses").EnumerateArray().Select(network => network.GetString()));
        CliRun wrong = await world.RunAsync("tenant", "allow", "acme", "203.0.113.1/24");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("has bits behind its mask; write 203.0.113.0/24", wrong.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await world.RunAsync("tenant", "allow", "acme", "203.0.113.0/24", "--any")).ExitCode);
        await world.MustAsync("tenant", "allow", "acme", "--any");
        Assert.True((await world.EntryAsync("acme")).Tenant.AllowedAddresses.IsAny);
        Assert.Equal(1, (await world.RunAsync("tenant", "allow", "none", "--any")).ExitCode);
    }

    [Fact]
    public async Task Users_are_added_in_three_roles_listed_and_dropped()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.MustAsync("tenant", "create", "acme", "--plan", "free");
        await world.MustAsync("tenant", "add-user", "acme", "migrations", "--role", "owner");
        JsonElement reports = (await world.MustAsync("tenant", "add-user", "acme", "reports", "--role", "readonly", "--json")).Json;
        Assert.True((await world.VerifierAsync("acme", "reports")).Matches(reports.GetProperty("password").GetString()!));

        JsonElement users = (await world.MustAsync("tenant", "show", "acme", "--json")).Json.GetProperty("users");
        Assert.Equal(["app app", "migrations owner", "reports readonly"],
            users.EnumerateArray().Select(user => $"{user.GetProperty("name").GetString()} {user.GetProperty("role").GetString()}"));
        await world.MustAsync("tenant", "drop-user", "acme", "reports");
        Assert.Equal(1, (await world.RunAsync("tenant", "rotate-password", "acme", "reports")).ExitCode);
        Assert.Equal(1, (await world.RunAsync("tenant", "add-user", "acme", "app")).ExitCode);
        Assert.Equal(1, (await world.RunAsync("tenant", "add-user", "acme", "a.b")).ExitCode);

        await world.MustAsync("tenant", "create", "globex", "--plan", "free", "--isolation", "pool");
        CliRun refused = await world.RunAsync("tenant", "add-user", "globex", "migrations", "--role", "owner");
        Assert.Contains("shares its tables", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_in_a_pipe_is_plain_text_and_a_list_in_json_is_an_array()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        await world.MustAsync("tenant", "create", "acme", "--plan", "free");
        string table = (await world.MustAsync("tenant", "list")).Output;
        Assert.StartsWith("SLUG  STATE   PLAN  SHARD  ISOLATION  USERS  CREATED\nacme  active  free  s1     schema     1      20", table, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', table);
        Assert.Equal(1, (await world.MustAsync("tenant", "list", "--plan", "free", "--json")).Json.GetArrayLength());
        Assert.Equal(0, (await world.MustAsync("tenant", "list", "--plan", "growth", "--json")).Json.GetArrayLength());
    }

    [Fact]
    public async Task Every_change_is_in_the_audit_log_and_no_secret_is()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        string password = (await world.MustAsync("tenant", "create", "acme", "--plan", "free", "--json")).Json.GetProperty("password").GetString()!;
        await world.MustAsync("tenant", "add-user", "acme", "reports", "--role", "readonly");
        await world.MustAsync("tenant", "rotate-password", "acme", "app");
        await world.MustAsync("tenant", "drop-user", "acme", "reports");
        await world.MustAsync("tenant", "set-plan", "acme", "growth");
        await world.MustAsync("tenant", "suspend", "acme", "--reason", "unpaid");
        await world.MustAsync("tenant", "resume", "acme");
        await world.MustAsync("plan", "set", "growth", "--connections", "30");
        await world.MustAsync("shard", "drain", "s1");

        var entries = await world.Control.Store.ListAuditAsync();
        Assert.Equal(
            [
                "registry.init", "shard.add", "shard.prepare", "tenant.create", "tenant.add-user", "tenant.rotate-password", "tenant.drop-user", "tenant.set-plan",
                "tenant.suspend", "tenant.resume", "plan.set", "shard.drain",
            ],
            entries.Reverse().Select(entry => entry.Action));
        Assert.All(entries, entry =>
        {
            Assert.Contains('@', entry.Actor);
            Assert.DoesNotContain("SCRAM", entry.DetailsJson, StringComparison.Ordinal);
            Assert.DoesNotContain("throw-away", entry.DetailsJson, StringComparison.Ordinal);
            Assert.DoesNotContain(password, entry.DetailsJson, StringComparison.Ordinal);
        });
        JsonElement plan = JsonDocument.Parse(entries.Single(entry => entry.Action == "plan.set").DetailsJson).RootElement;
        Assert.Equal((20, 30), (plan.GetProperty("before").GetProperty("connections").GetInt32(), plan.GetProperty("after").GetProperty("connections").GetInt32()));
    }

    [Fact]
    public async Task Verbs_on_addresses_tables_roles_and_seals_are_in_the_audit_log_with_what_was_and_what_is()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18, "strict");
        await world.MustAsync("tenant", "create", "acme", "--plan", "free");
        await world.Server.ExecuteAsync("CREATE TABLE public.orders (tenant_id uuid NOT NULL, id int)", world.ShardDatabase);
        await world.MustAsync("tenant", "allow", "acme", "203.0.113.0/24");
        await world.MustAsync("tenant", "allow", "acme", "203.0.113.0/24");
        await world.MustAsync("shard", "protect", "s1", "--table", "orders");
        await world.MustAsync("shard", "protect", "s1", "--table", "orders");
        await world.MustAsync("shard", "protect", "s1", "--dry-run");
        await world.MustAsync("shard", "repair", "s1");
        await world.MustAsync("shard", "rotate-seal", "s1");
        Assert.Equal(1, (await world.RunAsync("shard", "rotate-seal", "s1")).ExitCode);
        await world.MustAsync("shard", "rotate-seal", "s1", "--finish");

        Assert.Equal("""{"after":["203.0.113.0/24"],"before":[]}""", Assert.Single(await EntriesAsync(world, "tenant.allow")));
        string guarded = Assert.Single(await EntriesAsync(world, "shard.protect"));
        Assert.Contains("orders: CREATE POLICY tenancy_rows", guarded, StringComparison.Ordinal);
        Assert.Equal("""{"after":{"undone":[],"tenants":1}}""", Assert.Single(await EntriesAsync(world, "shard.repair")));
        string[] rotations = await EntriesAsync(world, "shard.rotate-seal");
        Assert.Equal(3, rotations.Length);
        Assert.Equal("""{"after":{"seal_kid":2},"before":{"seal_kid":1}}""", rotations[0]);
        Assert.Contains("the last rotation on shard \\\"s1\\\" is not finished", rotations[1], StringComparison.Ordinal);
        Assert.Equal("""{"after":{"keys":["2"]},"before":{"keys":["1","2"]}}""", rotations[2]);
        JsonElement log = (await world.MustAsync("log", "--shard", "s1", "--json")).Json;
        Assert.Equal(["done", "failed", "done", "done", "done"], log.EnumerateArray().Take(5).Select(entry => entry.GetProperty("outcome").GetString()));
    }

    [Theory]
    [InlineData("plan.set", "plan set gold --connections 3")]
    [InlineData("plan.set", "plan set free --connections 0")]
    [InlineData("shard.add", "shard add S1 --primary postgres://u:hush@h/d")]
    [InlineData("shard.add", "shard add s2 --primary postgres://u:hush@h/d --max-tenants 0")]
    [InlineData("shard.set", "shard set s1 --max-connections 0")]
    [InlineData("shard.protect", "shard protect s1 --table nothing")]
    [InlineData("shard.repair", "shard repair s1 --tenant nobody")]
    [InlineData("shard.rotate-seal", "shard rotate-seal s1")]
    [InlineData("tenant.allow", "tenant allow nobody --any")]
    [InlineData("tenant.create", "tenant create acme --plan free --user a.b")]
    [InlineData("tenant.create", "tenant create acme --plan free --isolation schema --identity sealed")]
    [InlineData("tenant.delete", "tenant delete acme --retention 500d --yes")]
    [InlineData("tenant.suspend", "tenant suspend acme --until 2020-01-01")]
    [InlineData("tenant.set", "tenant set acme --connections 0")]
    [InlineData("tenant.set-user", "tenant set-user acme app --valid-until 2020-01-01")]
    [InlineData("tenant.rotate-password", "tenant rotate-password acme app --overlap 90d")]
    public async Task What_was_refused_is_in_the_audit_log_as_failed_once_and_with_the_reason(string action, string arguments)
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        CliRun run = await world.RunAsync(arguments.Split(' '));
        Assert.NotEqual(0, run.ExitCode);
        var refused = Assert.Single(await world.Control.Store.ListAuditAsync(), entry => !entry.Done);
        Assert.Equal(action, refused.Action);
        Assert.Contains('@', refused.Actor);
        string reason = JsonDocument.Parse(refused.DetailsJson).RootElement.GetProperty("error").GetString()!;
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", refused.DetailsJson, StringComparison.Ordinal);
        Assert.Empty(await world.Control.Store.ListJobsAsync(openOnly: true));
    }

    [Fact]
    public async Task The_end_of_a_user_is_set_shown_kept_by_a_new_password_and_taken_away()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        var day = new DateTimeOffset(DateTime.UtcNow.Date.AddDays(40), TimeSpan.Zero);
        string text = day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        await world.MustAsync("tenant", "create", "acme", "--plan", "free", "--valid-until", text);
        await world.MustAsync("tenant", "add-user", "acme", "auditor", "--role", "readonly", "--valid-until", $"{text}T08:30:00Z");
        Assert.Equal((day, day.AddHours(8.5)), (await EndAsync(world, "app"), await EndAsync(world, "auditor")));
        CliRun shown = await world.MustAsync("tenant", "show", "acme");
        Assert.Contains($"{text} 08:30:00Z", shown.Output, StringComparison.Ordinal);

        await world.MustAsync("tenant", "rotate-password", "acme", "app");
        Assert.Equal(day, await EndAsync(world, "app"));
        await world.MustAsync("tenant", "rotate-password", "acme", "app", "--overlap", "1h");
        Assert.Equal(day, await EndAsync(world, "app"));
        await world.MustAsync("tenant", "rotate-password", "acme", "app", "--valid-until", "10d");
        Assert.InRange((await EndAsync(world, "app"))!.Value - DateTimeOffset.UtcNow, TimeSpan.FromDays(9.9), TimeSpan.FromDays(10));
        await world.MustAsync("tenant", "rotate-password", "acme", "app", "--valid-until", "none");
        Assert.Null(await EndAsync(world, "app"));

        Assert.Equal("user auditor of tenant acme may log in for ever", (await world.MustAsync("tenant", "set-user", "acme", "auditor", "--valid-until", "none")).Output.Trim());
        await world.MustAsync("tenant", "set-user", "acme", "auditor", "--valid-until", text);
        Assert.Equal(day, await EndAsync(world, "auditor"));
        Assert.Equal(day, (await world.MustAsync("tenant", "show", "acme", "--json")).Json.GetProperty("users")[1].GetProperty("valid_until").GetDateTimeOffset());
        Assert.Equal(1, (await world.RunAsync("tenant", "set-user", "acme", "nobody", "--valid-until", "none")).ExitCode);
        Assert.Equal(2, (await world.RunAsync("tenant", "set-user", "acme", "app")).ExitCode);
        Assert.Equal(2, (await world.RunAsync("tenant", "set-user", "acme", "app", "--valid-until", "soon")).ExitCode);
        string[] changes = await EntriesAsync(world, "tenant.set-user");
        Assert.Equal($$"""{"after":{"user":"auditor","valid_until":null},"before":{"user":"auditor","valid_until":"{{text}}T08:30:00+00:00"}""" + "}", changes[0]);
    }

    private static async Task<DateTimeOffset?> EndAsync(ControlWorld world, string user) => (await world.EntryAsync("acme")).Tenant.Users[user].ValidUntil;

    /// <summary>What the log says of an action, oldest first, without blanks.</summary>
    private static async Task<string[]> EntriesAsync(ControlWorld world, string action)
        => [.. (await world.Control.Store.ListAuditAsync()).Where(entry => entry.Action == action).Reverse()
            .Select(entry => JsonSerializer.Serialize(JsonDocument.Parse(entry.DetailsJson), Relaxed))];

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task A_changed_plan_reaches_the_roles_of_its_tenants()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        Tenant acme = await world.TenantAsync("acme", IsolationModel.Schema, plan: "free");
        await world.MustAsync("plan", "set", "free", "--connections", "10", "--work-mem", "32MB", "--statement-timeout", "7s", "--queries-per-second", "50", "--weight", "3");
        Assert.Equal(28, await LimitAsync(world, acme));
        JsonElement free = (await world.MustAsync("plan", "list", "--json")).Json.EnumerateArray().Single(plan => plan.GetProperty("name").GetString() == "free");
        Assert.Equal(("7s", "32MB", 50, 3), (free.GetProperty("statement_timeout").GetString(), free.GetProperty("work_mem").GetString(),
            free.GetProperty("queries_per_second").GetInt32(), free.GetProperty("weight").GetInt32()));

        await world.MustAsync("plan", "set", "batch", "--connections", "1", "--statement-timeout", "1h", "--work-mem", "1GB");
        await world.MustAsync("tenant", "set-plan", "acme", "batch");
        Assert.Equal(10, await LimitAsync(world, acme));
        Assert.Equal("batch", (await world.EntryAsync("acme")).Tenant.Plan.Name);
    }

    [Fact]
    public async Task Every_limit_can_be_set_and_taken_away_again()
    {
        await using ControlWorld world = await ControlWorld.PreparedAsync(18);
        string[] limits =
        [
            "--connections-min", "2", "--burst", "30", "--connections-per-second", "4", "--concurrent-queries", "5", "--query-seconds-per-minute", "60", "--bytes-per-minute", "70MB",
            "--clients-max", "80", "--pool-mode", "statement", "--pins-max", "3", "--pinned-idle-timeout", "90s", "--replication", "on", "--setting", "lock_timeout=1s",
        ];
        JsonElement set = (await world.MustAsync(["plan", "set", "growth", "--queries-per-second", "20", .. limits, "--json"])).Json;
        (string Name, string Value)[] expected =
        [
            ("connections_min", "2"), ("burst", "30"), ("connections_per_second", "4"), ("concurrent_queries", "5"), ("query_seconds_per_minute", "60"), ("bytes_per_minute", "70MB"),
            ("clients_max", "80"), ("pool_mode", "statement"), ("pins_max", "3"), ("pinned_idle_timeout", "90s"), ("replication", "True"), ("queries_per_second", "20"),
        ];
        Assert.All(expected, limit => Assert.Equal(limit.Value, set.GetProperty(limit.Name).ToString()));
        string[] clearable = ["queries-per-second", "burst", "connections-per-second", "concurrent-queries", "query-seconds-per-minute", "bytes-per-minute", "clients-max", "pins-max", "pinned-idle-timeout"];
        set = (await world.MustAsync(["plan", "set", "growth", .. clearable.SelectMany(name => new[] { "--" + name, "none" }), "--replication", "off", "--json"])).Json;
        // What is null is left out.
        Assert.All(clearable, name => Assert.False(set.TryGetProperty(name.Replace('-', '_'), out JsonElement left) && left.ValueKind != JsonValueKind.Null));
        Assert.Equal(("1s", "2"), (set.GetProperty("settings").GetProperty("lock_timeout").GetString(), set.GetProperty("connections_min").ToString()));

        await world.TenantAsync("acme", IsolationModel.Database, plan: "growth");
        // Replication needs a shard that bounds what its slots keep, which the tests of replication have.
        string[] own = [.. limits.Where(word => word is not ("--replication" or "on"))];
        set = (await world.MustAsync(["tenant", "set", "acme", .. own, "--json"])).Json;
        Assert.All(expected[..^2], limit => Assert.Equal(limit.Value, set.GetProperty(limit.Name).ToString()));
        string shown = (await world.MustAsync("tenant", "show", "acme")).Output;
        Assert.Contains("burst 30, connections/s 4, concurrent queries 5, query seconds/min 60, bytes/min 70MB, clients 80", shown.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Equal(2, (await world.RunAsync("tenant", "set", "acme", "--burst", "none")).ExitCode);
        Assert.Equal(2, (await world.RunAsync("plan", "set", "growth", "--replication", "maybe")).ExitCode);
        Assert.Equal(1, (await world.RunAsync("plan", "set", "growth", "--connections-min", "500")).ExitCode);
    }

    private static Task<int> LimitAsync(ControlWorld world, Tenant tenant)
        => world.Server.ScalarAsync<int>($"SELECT rolconnlimit FROM pg_roles WHERE rolname = '{BackendNames.Role(tenant.Id, UserRole.App)}'");
}
