using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Operations;

/// <summary>What <c>proxyctl</c> changes, a running <c>proxyd</c> knows within moments (B2, B3), without a restart.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class ControlPlaneChangesTests(ProxydWorld world)
{
    // Announcements take milliseconds. Well below the 60 s after which an entry would be read anew without them.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_tenant_is_served_as_soon_as_it_is_made_also_under_a_name_that_was_just_unknown()
    {
        Assert.Equal("28P01", await LoginAsync("newcomer"));
        await world.CreateTenantAsync("newcomer", "free", "schema", "s1");
        await UntilAsync("", () => LoginAsync("newcomer"));
    }

    [Fact]
    public async Task A_suspended_tenants_sessions_end_and_no_new_one_begins_until_it_is_resumed()
    {
        TestTenant tenant = await world.CreateTenantAsync("debtor", "free", "pool", "s2");
        using RawClient idle = await world.Proxyd.LoginRawAsync(tenant);
        using RawClient busy = await world.Proxyd.LoginRawAsync(tenant);
        using RawClient stuck = await world.Proxyd.LoginRawAsync(tenant);
        await busy.QueryAsync("BEGIN");
        await world.ProxyctlAsync("tenant", "suspend", "debtor", "--reason", "unpaid");
        Assert.Equal("57P01", ErrorOf(await idle.Wire.ReadToEndAsync()).SqlState);
        // A transaction comes to its end first.
        await busy.QueryAsync("INSERT INTO notes (id, body) VALUES (77, 'paid at last')");
        await busy.SendAsync(FrontendBytes.Query("COMMIT"));
        foreach (RawClient client in (RawClient[])[busy, stuck])
        {
            IReadOnlyList<WireMessage> last = await client.Wire.ReadToEndAsync();
            PgError error = ErrorOf(last);
            Assert.Equal(("FATAL", "57P01"), (error.Severity, error.SqlState));
            Assert.DoesNotContain("unpaid", client.Transcript.ToString(), StringComparison.Ordinal);
        }
        await UntilAsync("28000", () => LoginAsync("debtor"));
        await world.Proxyd.UntilMetricAsync(0, "proxysuite_tenant_servers", "tenant=\"debtor\"", "state=\"active\"");
        await world.ProxyctlAsync("tenant", "resume", "debtor");
        await UntilAsync("", () => LoginAsync("debtor"));
    }

    [Fact]
    public async Task A_new_plan_is_in_force_for_sessions_that_are_open()
    {
        TestTenant tenant = await world.CreateTenantAsync("grower", "free", "schema", "s1");
        await using NpgsqlConnection connection = await world.Proxyd.OpenAsync(tenant);
        Assert.Equal("4MB", await connection.ReadAsync<string>("SHOW work_mem"));
        await world.ProxyctlAsync("tenant", "set-plan", "grower", "enterprise");
        await UntilAsync("256MB 5min", async () => $"{await connection.ReadAsync<string>("SHOW work_mem")} {await connection.ReadAsync<string>("SHOW statement_timeout")}");
        // Two connections were the old plan's budget: five transactions at once need the new one's.
        NpgsqlConnection[] five = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => world.Proxyd.OpenAsync(tenant)));
        foreach (NpgsqlConnection one in five) await one.RunAsync("BEGIN; SELECT 1");
        Assert.True(await tenant.CountServersAsync() >= 5);
        foreach (NpgsqlConnection one in five) await one.DisposeAsync();
        await world.ProxyctlAsync("tenant", "set-plan", "grower", "free");
        await UntilAsync("4MB", async () => await connection.ReadAsync<string>("SHOW work_mem") ?? "");
        await UntilAsync("2", async () => (await tenant.CountServersAsync() <= 2) ? "2" : "more");
    }

    [Fact]
    public async Task A_rotated_password_counts_at_once_and_open_sessions_stay()
    {
        TestTenant tenant = await world.CreateTenantAsync("rotator", "free", "schema", "s1");
        await using NpgsqlConnection open = await world.Proxyd.OpenAsync(tenant);
        await world.ProxyctlAsync(["tenant", "rotate-password", "rotator", "app", "--password-stdin"], "a new password");
        await UntilAsync("28P01", () => LoginAsync("rotator"));
        await UntilAsync("", () => LoginAsync("rotator", password: "a new password"));
        Assert.Equal(1, await open.ReadAsync<int>("SELECT 1"));
    }

    [Fact]
    public async Task A_tenants_networks_count_for_logins_from_then_on_and_open_sessions_stay()
    {
        TestTenant tenant = await world.CreateTenantAsync("fenced", "free", "schema", "s1");
        await using NpgsqlConnection open = await world.Proxyd.OpenAsync(tenant);
        await world.ProxyctlAsync("tenant", "allow", "fenced", "203.0.113.0/24");
        await UntilAsync("28000", () => LoginAsync("fenced"));
        Assert.Equal("28P01", await LoginAsync("fenced", password: "a guess"));
        Assert.Equal(1, await open.ReadAsync<int>("SELECT 1"));
        await world.ProxyctlAsync("tenant", "allow", "fenced", "203.0.113.0/24", "127.0.0.0/8");
        await UntilAsync("", () => LoginAsync("fenced"));
    }

    [Fact]
    public async Task A_user_that_is_added_logs_in_and_one_that_is_dropped_does_not()
    {
        TestTenant tenant = await world.CreateTenantAsync("hiring", "free", "schema", "s1");
        Assert.Equal("28P01", await LoginAsync("hiring", "novice"));
        await world.AddUserAsync("hiring", "novice", "readonly");
        await UntilAsync("", () => LoginAsync("hiring", "novice"));
        await using (NpgsqlConnection novice = await world.Proxyd.OpenAsync(tenant, "novice"))
        {
            PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => novice.RunAsync("INSERT INTO notes (body) VALUES ('x')"));
            Assert.Equal("42501", refused.SqlState);
        }
        await world.ProxyctlAsync("tenant", "drop-user", "hiring", "novice");
        await UntilAsync("28P01", () => LoginAsync("hiring", "novice"));
    }

    /// <returns>The SQLSTATE of the refusal; empty when logged in and answered.</returns>
    private async Task<string> LoginAsync(string slug, string user = "app", string password = ProxydWorld.Password)
    {
        using RawClient client = await world.Proxyd.ConnectRawAsync();
        PgError? refused = await client.TryLoginAsync(user, slug, password);
        if (refused is null) Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
        return refused?.SqlState ?? "";
    }

    private static PgError ErrorOf(IReadOnlyList<WireMessage> messages)
        => ProxySuite.Wire.Messages.ErrorResponse.Read(messages.Last(message => message.Type == (char)BackendMessage.ErrorResponse).Body).ToPgError();

    private static async Task UntilAsync(string expected, Func<Task<string>> read)
    {
        long deadline = Environment.TickCount64 + (long)Soon.TotalMilliseconds;
        string last;
        while ((last = await read()) != expected && Environment.TickCount64 < deadline) await Task.Delay(20);
        Assert.Equal(expected, last);
    }
}
