using Npgsql;
using ProxySuite.Proxy.Admin;
using ProxySuite.Proxy.Options;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.Proxy.Tests.Admin;

/// <summary>What the console shows (D2), to psql as to drivers.</summary>
public sealed class ConsoleShowTests
{
    public static TheoryData<string> Commands =>
    [
        "VERSION", "DATABASES", "POOLS", "CLIENTS", "SERVERS", "STATS", "STATS_TOTALS", "STATS_AVERAGES", "TOTALS", "LISTS", "CONFIG", "USERS", "STATE", "TENANTS",
        "TENANTS BY time LIMIT 1", "tenants by waiting", "TENANT acme", "SHARDS", "SOCKETS", "MEM",
    ];

    [Theory, MemberData(nameof(Commands))]
    public async Task Every_command_answers_psql_and_a_driver_alike(string what)
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("SELECT 1");
        ProcessResult psql = (await world.PsqlAsync($"SHOW {what}")).MustSucceed("psql");
        string[] lines = psql.Output.TrimEnd('\n').Split('\n');
        List<Dictionary<string, object?>> rows = await world.RowsAsync($"SHOW {what}");
        Assert.NotEmpty(rows);
        Assert.Equal(lines[0].Split('|'), rows[0].Keys);
        Assert.Equal($"({rows.Count} row{(rows.Count == 1 ? "" : "s")})", lines[^1]);
    }

    [Theory, InlineData("WAITS"), InlineData("QUERIES"), InlineData("ACTIVE_SOCKETS"), InlineData("FDS"), InlineData("DNS_HOSTS"), InlineData("DNS_ZONES"), InlineData("PEERS"), InlineData("PEER_POOLS")]
    public async Task What_is_quiet_has_columns_and_no_rows(string what)
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        Assert.EndsWith("(0 rows)\n", (await world.PsqlAsync($"SHOW {what}")).MustSucceed("psql").Output, StringComparison.Ordinal);
        Assert.Empty(await world.RowsAsync($"SHOW {what}"));
    }

    [Fact]
    public async Task Help_is_a_notice_that_names_the_commands()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        ProcessResult psql = (await world.PsqlAsync("show help")).MustSucceed("psql");
        Assert.Contains("SHOW TENANTS [BY time|queries|bytes|waiting] [LIMIT n]", psql.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Numbers_are_those_of_the_tenants_work()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await world.Proxy.ConnectAsync("acme");
        using RawClient other = await world.Proxy.ConnectAsync("globex");
        for (int i = 0; i < 5; i++) await client.QueryAsync("SELECT 1");
        await other.QueryAsync("BEGIN");
        Dictionary<string, object?> acme = (await world.RowsAsync("SHOW TENANT acme"))[0];
        Assert.Equal((5L, 5L, 1, 1, 0, 2), ((long)acme["queries"]!, (long)acme["transactions"]!, (int)acme["clients"]!, (int)acme["servers_idle"]!, (int)acme["servers_active"]!, (int)acme["servers_max"]!));
        Assert.True((long)acme["bytes_in"]! > 0 && (long)acme["bytes_out"]! > 0 && (double)acme["query_seconds"]! > 0);
        Dictionary<string, object?> globex = (await world.RowsAsync("SHOW TENANTS")).Single(row => (string)row["tenant"]! == "globex");
        Assert.Equal((1, 0), ((int)globex["servers_active"]!, (int)globex["waiting"]!));

        Dictionary<string, object?> stats = (await world.RowsAsync("SHOW STATS")).Single(row => (string)row["database"]! == "acme");
        Assert.Equal((5m, 5m), ((decimal)stats["total_query_count"]!, (decimal)stats["total_xact_count"]!));
        Assert.Equal((decimal)(long)acme["bytes_in"]!, stats["total_received"]);
        Dictionary<string, object?> pool = (await world.RowsAsync("SHOW POOLS")).Single(row => (string)row["database"]! == "globex");
        Assert.Equal(("app", 1, 0, 1, 0), ((string)pool["user"]!, (int)pool["cl_active"]!, (int)pool["cl_waiting"]!, (int)pool["sv_active"]!, (int)pool["sv_idle"]!));
        Dictionary<string, object?> busy = Assert.Single(await world.RowsAsync("SHOW QUERIES"));
        Assert.Equal(("globex", "idle in transaction", other.ProcessId), ((string)busy["tenant"]!, (string)busy["activity"]!, (int)busy["id"]!));
        Dictionary<string, object?> row = (await world.RowsAsync("SHOW CLIENTS")).Single(row => (string)row["database"]! == "globex");
        Dictionary<string, object?> server = (await world.RowsAsync("SHOW SERVERS")).Single(row => (string)row["database"]! == "globex");
        Assert.Equal((row["link"], row["ptr"]), (server["ptr"], server["link"]));
        Assert.Equal(busy["server_pid"], server["remote_pid"]);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1_500_000, 3_000_000)]
    [InlineData(1L << 31, 3L << 31)] // beyond an int4 of bytes
    [InlineData(5L << 41, 7L << 41)] // beyond an int4 of KiB
    public void Memory_of_any_size_is_said_in_full(long used, long total)
    {
        object?[] row = ShowMemory.Row("heap", used, total);
        Assert.Equal(["heap", 1024, used / 1024, (total - used) / 1024, total], row);
        // A value that its column is too narrow for is not written in binary.
        Assert.Equal([AdminType.Text, AdminType.Int4, AdminType.Int8, AdminType.Int8, AdminType.Int8], new ShowMemory().Columns.Select(static column => column.Type));
    }

    [Fact]
    public async Task Binary_and_text_say_the_same()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await world.Proxy.ConnectAsync();
        for (int i = 0; i < 3; i++) await client.QueryAsync($"SELECT '{new string('x', 20_000)}'");
        await using NpgsqlConnection connection = await world.OpenAsync();
        decimal binary = (decimal)(await ConsoleWorld.RowsAsync(connection, "SHOW STATS_TOTALS")).Single(row => (string)row["database"]! == "acme")["bytes_received"]!;
        Assert.InRange(binary, 60_000, 70_000);
        string text = (await world.PsqlAsync("SHOW STATS_TOTALS")).Output.Split('\n').Single(line => line.StartsWith("acme|", StringComparison.Ordinal)).Split('|')[3];
        Assert.Equal(text, binary.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_prepared_command_is_described_and_run_again_and_again()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        await using NpgsqlConnection connection = await world.OpenAsync();
        await using var command = new NpgsqlCommand("SHOW LISTS", connection);
        await command.PrepareAsync();
        for (int i = 0; i < 3; i++)
        {
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
            Assert.True(await reader.ReadAsync());
            Assert.Equal(("databases", 1), (reader.GetString(0), reader.GetInt32(1)));
        }
    }

    [Fact]
    public async Task What_drivers_send_by_themselves_is_taken()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await world.OpenRawAsync();
        Assert.Contains(await client.QueryAsync(""), message => message.Type == (char)BackendMessage.EmptyQueryResponse);
        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
        await client.QueryAsync("SET extra_float_digits = 3; BEGIN");
        Assert.Equal("ProxySuite unknown", await client.ScalarAsync("SHOW VERSION;"));
        PgError refused = await ErrorAsync(client, "RECONNECT");
        Assert.Equal("25001", refused.SqlState);
        await client.QueryAsync("ROLLBACK");
        Assert.Null(await client.ScalarAsync("RECONNECT"));
        // Through a driver's pool: it says DISCARD ALL before it lends a connection again.
        string dsn = world.Dsn(options: "Pooling=true;Maximum Pool Size=1");
        for (int i = 0; i < 3; i++)
        {
            await using var pooled = new NpgsqlConnection(dsn);
            await pooled.OpenAsync();
            Assert.NotEmpty(await ConsoleWorld.RowsAsync(pooled, "SHOW LISTS"));
        }
        NpgsqlConnection.ClearPool(new NpgsqlConnection(dsn));
    }

    [Theory]
    [InlineData("SHOW nonsense", "42601")]
    [InlineData("DROP TABLE users", "42601")]
    [InlineData("SHOW TENANTS BY luck", "42601")]
    [InlineData("SHOW TENANTS LIMIT", "42601")]
    [InlineData("SHOW VERSION now", "42601")]
    [InlineData("KILL", "42601")]
    [InlineData("SHOW TENANT nobody", "3D000")]
    [InlineData("PAUSE nobody", "3D000")]
    [InlineData("KILL nobody", "3D000")]
    [InlineData("KILL_CLIENT 12", "42704")]
    [InlineData("CANCEL 12", "42704")]
    [InlineData("SUSPEND", "0A000")]
    [InlineData("SET max_client_conn = 5", "0A000")]
    [InlineData("SHUTDOWN WAIT_FOR_CLIENTS", "0A000")]
    // No process around it here that could.
    [InlineData("RELOAD", "0A000")]
    [InlineData("SHUTDOWN", "0A000")]
    public async Task What_it_does_not_do_it_says_with_a_hint_and_goes_on(string command, string sqlState)
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await world.OpenRawAsync();
        PgError error = await ErrorAsync(client, command);
        Assert.Equal(sqlState, error.SqlState);
        Assert.NotEmpty(error.Hint!);
        Assert.Equal(sqlState, await world.RefusalAsync(command));
        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
    }

    [Fact]
    public async Task Role_stats_may_show_and_nothing_else()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        Assert.Contains("version", (await world.PsqlAsync("SHOW VERSION", "scrape")).MustSucceed("psql").Output, StringComparison.Ordinal);
        foreach (string command in (string[])["PAUSE", "PAUSE acme", "RESUME", "RECONNECT", "KILL acme", "KILL_CLIENT 1", "CANCEL 1", "RELOAD", "SHUTDOWN"])
        {
            Assert.Equal("42501", await world.RefusalAsync(command, "scrape"));
        }
    }

    [Fact]
    public async Task A_user_that_a_reload_takes_away_is_out_and_a_role_that_it_lowers_counts_at_once()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient client = await world.OpenRawAsync();
        Assert.Null(await client.ScalarAsync("RECONNECT"));
        ProxyOptions now = world.Proxy.Options.Value;
        world.Proxy.Options.Swap(now with { Admin = new AdminOptions { Users = [now.Admin.Users[0] with { Role = AdminRole.Stats }] } });
        Assert.Equal("42501", (await ErrorAsync(client, "RECONNECT")).SqlState);
        world.Proxy.Options.Swap(now with { Admin = new AdminOptions() });
        Assert.Equal("57P01", (await ErrorAsync(client, "SHOW VERSION")).SqlState);
        Assert.Null(await client.NextAsync());
    }

    internal static async Task<PgError> ErrorAsync(RawClient client, string command)
    {
        IReadOnlyList<WireMessage> answer = await client.QueryAsync(command);
        return Wire.Messages.ErrorResponse.Read(answer.Single(message => message.Type == (char)BackendMessage.ErrorResponse).Body).ToPgError();
    }
}
