using Npgsql;
using ProxySuite.Testing.Servers;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Helpers;

[Trait("Category", "Server")]
public sealed class PostgresServerTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Every_supported_version_starts_and_answers(int version)
    {
        PostgresServer server = await PostgresServer.SharedAsync(version);
        int number = int.Parse((await server.ScalarAsync<string>("SHOW server_version_num"))!);
        Assert.Equal(version, number / 10_000);
        Assert.Equal("logical", await server.ScalarAsync<string>("SHOW wal_level"));
    }

    [Fact]
    public async Task The_shared_server_of_a_version_is_one_and_the_same()
        => Assert.Same(await PostgresServer.SharedAsync(15), await PostgresServer.SharedAsync(15));

    [Fact]
    public async Task A_wrong_password_is_refused_over_tcp()
    {
        PostgresServer server = await PostgresServer.SharedAsync(15);
        await using NpgsqlConnection connection = new(server.Dsn(password: "wrong") + ";Pooling=false");
        PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync());
        Assert.Equal("28P01", refused.SqlState);
    }

    [Fact]
    public async Task What_was_written_survives_a_stop_and_the_port_stays()
    {
        await using PostgresServer server = await PostgresServer.CreateAsync(15);
        int port = server.Port;
        await server.ExecuteAsync("CREATE TABLE t AS SELECT 42 AS n");
        await server.RestartAsync();
        Assert.Equal(port, server.Port);
        Assert.Equal(42, await server.ScalarAsync<int>("SELECT n FROM t"));
    }

    [Fact]
    public async Task A_killed_server_is_gone_with_all_its_backends_and_recovers()
    {
        await using PostgresServer server = await PostgresServer.CreateAsync(18);
        await using NpgsqlConnection victim = new(server.Dsn() + ";Pooling=false");
        await victim.OpenAsync();
        int backend = victim.ProcessID;
        await server.KillAsync();
        Assert.False(Directory.Exists($"/proc/{backend}") && !File.ReadAllText($"/proc/{backend}/stat").Contains(") Z ", StringComparison.Ordinal));
        await server.StartAsync();
        Assert.Equal(1, await server.ScalarAsync<int>("SELECT 1"));
        Assert.Contains("was not properly shut down", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_frozen_server_accepts_and_does_not_answer_until_it_thaws()
    {
        await using PostgresServer server = await PostgresServer.CreateAsync(15);
        server.Freeze();
        Task<int> answer = server.ScalarAsync<int>("SELECT 1");
        Task first = await Task.WhenAny(answer, Task.Delay(300));
        Assert.NotSame(answer, first);
        server.Thaw();
        Assert.Equal(1, await answer);
    }

    [Fact]
    public async Task Settings_and_host_rules_of_the_options_are_in_force()
    {
        await using PostgresServer server = await PostgresServer.CreateAsync(new PostgresOptions
        {
            Version = 17,
            MaxConnections = 25,
            Settings = new Dictionary<string, string> { ["application_name"] = "it's set" },
            HostRules = ["host all nobody 127.0.0.1/32 reject"],
        });
        Assert.Equal("25", await server.ScalarAsync<string>("SHOW max_connections"));
        Assert.Equal("it's set", await server.ScalarAsync<string>("SELECT setting FROM pg_file_settings WHERE name = 'application_name'"));
        await using NpgsqlConnection refused = new(server.Dsn(user: "nobody") + ";Pooling=false");
        Assert.Equal("28000", (await Assert.ThrowsAsync<PostgresException>(() => refused.OpenAsync())).SqlState);
    }

    [Fact]
    public async Task A_disposed_server_leaves_no_process_and_no_file()
    {
        PostgresServer server = await PostgresServer.CreateAsync(18);
        int pid = server.Pid;
        await server.DisposeAsync();
        Assert.False(Directory.Exists($"/proc/{pid}"));
        Assert.False(Directory.Exists(server.SocketDirectory));
    }

    [Fact]
    public async Task Redis_starts_forgets_on_a_stop_and_keeps_its_port()
    {
        await using RedisServer redis = await RedisServer.CreateAsync();
        int port = redis.Port;
        await redis.StopAsync();
        Assert.False(redis.IsRunning);
        await redis.StartAsync();
        Assert.Equal(port, redis.Port);
        Assert.True(redis.IsRunning);
    }

    [Fact]
    public void A_version_that_is_not_installed_is_named_with_the_command_that_installs_it()
    {
        InvalidOperationException missing = Assert.Throws<InvalidOperationException>(() => Binaries.Postgres(99));
        Assert.Contains("PostgreSQL 99", missing.Message, StringComparison.Ordinal);
        Assert.Contains("./test.sh", missing.Message, StringComparison.Ordinal);
    }
}
