using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Errors;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Helpers;

public sealed class ScriptedBackendTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    [Fact]
    public async Task A_test_reads_and_answers_message_by_message()
    {
        await using ScriptedBackend backend = ScriptedBackend.Start();
        using RawClient client = await RawClient.ConnectAsync(backend.Port);
        await client.LoginAsync("app", "acme");
        await client.SendAsync(FrontendBytes.Query("SELECT 1"));
        Assert.Equal("Query \"SELECT 1\"", (await backend.NextAsync()).ToString());
        await backend.AnswerAsync(BackendBytes.OneRow("n", "1"));
        Assert.Equal("ReadyForQuery I", (await client.ReadUntilAsync(Wire.Frames.BackendMessage.ReadyForQuery))[^1].ToString());
        Assert.Equal("acme", Assert.Single(backend.Connections).Startup!.Database);
        backend.Connections[0].Transcript.ShouldBe("""
            F StartupMessage 3.0 user=app database=acme
            B AuthenticationOk
            B ParameterStatus server_version=18.0 (scripted)
            B ParameterStatus server_encoding=UTF8
            B ParameterStatus client_encoding=UTF8
            B ParameterStatus standard_conforming_strings=on
            B ParameterStatus DateStyle=ISO, MDY
            B ParameterStatus TimeZone=UTC
            B ParameterStatus integer_datetimes=on
            B BackendKeyData *
            B ReadyForQuery I
            F Query "SELECT 1"
            B RowDescription [n]
            B DataRow ["1"]
            B CommandComplete "SELECT 1"
            B ReadyForQuery I
            """);
    }

    [Fact]
    public async Task Scram_lets_in_the_right_password_and_no_other()
    {
        await using ScriptedBackend backend = ScriptedBackend.Start(new ScriptedBackendOptions { PasswordOf = user => user + "-secret" });
        using RawClient right = await RawClient.ConnectAsync(backend.Port);
        await right.LoginAsync("app", "acme", "app-secret");
        using RawClient wrong = await RawClient.ConnectAsync(backend.Port);
        PgError? refused = await wrong.TryLoginAsync("app", "acme", "other-secret");
        Assert.Equal(("28P01", "FATAL"), (refused!.SqlState, refused.Severity));
    }

    [Fact]
    public async Task A_cancel_request_names_the_connection_it_is_for()
    {
        await using ScriptedBackend backend = ScriptedBackend.Start();
        using RawClient first = await RawClient.ConnectAsync(backend.Port);
        await first.LoginAsync("a", "a");
        using RawClient second = await RawClient.ConnectAsync(backend.Port);
        await second.LoginAsync("b", "b");
        await second.CancelAsync();
        ScriptedConnection named = backend.FindConnection(await backend.NextCancelAsync())!;
        Assert.Equal("b", named.Startup!.User);
    }

    [Fact]
    public async Task Silence_accepts_and_never_answers()
    {
        await using ScriptedBackend backend = ScriptedBackend.Start(new ScriptedBackendOptions { Welcome = Welcome.Silence });
        using RawClient client = await RawClient.ConnectAsync(backend.Port);
        await client.SendAsync(FrontendBytes.Startup("app", "acme"));
        Assert.True(await client.Wire.IsSilentAsync(Moment));
        await Assert.ThrowsAsync<TimeoutException>(() => client.NextAsync(Moment));
    }

    [Fact]
    public async Task Reset_is_seen_as_a_reset_and_close_as_a_close()
    {
        await using ScriptedBackend resetting = ScriptedBackend.Start(new ScriptedBackendOptions { Welcome = Welcome.Reset });
        using RawClient reset = await RawClient.ConnectAsync(resetting.Port);
        await reset.SendAsync(FrontendBytes.Startup("app", "acme"));
        Assert.Null(await reset.NextAsync());
        Assert.Equal(Ending.Reset, reset.Wire.Ending);

        await using ScriptedBackend backend = ScriptedBackend.Start();
        using RawClient closed = await RawClient.ConnectAsync(backend.Port);
        await closed.LoginAsync("app", "acme");
        backend.Connections[0].Close();
        Assert.Null(await closed.NextAsync());
        Assert.Equal(Ending.Closed, closed.Wire.Ending);
    }

    [Fact]
    public async Task A_client_that_half_closes_still_reads_and_one_that_resets_is_seen_to()
    {
        await using ScriptedBackend backend = ScriptedBackend.Start();
        using RawClient half = await RawClient.ConnectAsync(backend.Port);
        await half.LoginAsync("app", "acme");
        half.Wire.HalfClose();
        Assert.Empty(await backend.Connections[0].ReadToEndAsync());
        Assert.Equal(Ending.Closed, backend.Connections[0].Wire.Ending);
        await backend.AnswerAsync(BackendBytes.ReadyForQuery('I'));
        Assert.Equal("ReadyForQuery I", (await half.NextAsync())!.ToString());

        using RawClient reset = await RawClient.ConnectAsync(backend.Port);
        await reset.LoginAsync("app", "acme");
        reset.Wire.Reset();
        await backend.Connections[1].ReadToEndAsync();
        Assert.Equal(Ending.Reset, backend.Connections[1].Wire.Ending);
    }

    [Fact]
    public async Task Dribbled_bytes_arrive_as_the_messages_they_are()
    {
        await using ScriptedBackend backend = ScriptedBackend.Start();
        using RawClient client = await RawClient.ConnectAsync(backend.Port);
        await client.LoginAsync("app", "acme");
        await client.Wire.DribbleAsync(FrontendBytes.Query("SELECT 1"));
        Assert.Equal("Query \"SELECT 1\"", (await backend.NextAsync()).ToString());
        await backend.Connections[0].Wire.DribbleAsync(BackendBytes.OneRow("n", "1"));
        Assert.Equal(4, (await client.ReadUntilAsync(Wire.Frames.BackendMessage.ReadyForQuery)).Count);
    }

    [Fact]
    public async Task Echo_answers_every_query_with_its_own_text_and_skips_to_sync_after_an_error()
    {
        await using ScriptedBackend backend = ScriptedBackend.Start(new ScriptedBackendOptions { Respond = new EchoResponder().Respond });
        using RawClient client = await RawClient.ConnectAsync(backend.Port);
        await client.LoginAsync("app", "acme");
        Assert.Equal("question 1", await client.ScalarAsync("question 1"));
        client.Transcript.Clear();
        await client.SendAsync(
            FrontendBytes.Query("BEGIN"), FrontendBytes.Parse("", "fail here"), FrontendBytes.Bind("", ""), FrontendBytes.Execute(), FrontendBytes.Execute(), FrontendBytes.Sync,
            FrontendBytes.Query("ROLLBACK"));
        await client.ReadUntilAsync(Wire.Frames.BackendMessage.ReadyForQuery);
        await client.ReadUntilAsync(Wire.Frames.BackendMessage.ReadyForQuery);
        await client.ReadUntilAsync(Wire.Frames.BackendMessage.ReadyForQuery);
        Assert.Equal(
            ["CommandComplete \"BEGIN\"", "ReadyForQuery T", "ParseComplete", "BindComplete", "ErrorResponse ERROR XX000 \"fail here\"", "ReadyForQuery E", "CommandComplete \"ROLLBACK\"", "ReadyForQuery I"],
            client.Transcript.Lines.Where(line => line[0] == 'B').Select(line => line[2..]));
    }

    [Fact]
    public async Task A_unix_socket_serves_as_well()
    {
        string directory = Directory.CreateTempSubdirectory("proxysuite-").FullName;
        await using ScriptedBackend backend = ScriptedBackend.Start(new ScriptedBackendOptions { UnixDirectory = directory, Respond = new EchoResponder().Respond });
        using RawClient client = await RawClient.ConnectUnixAsync(directory, backend.Port);
        await client.LoginAsync("app", "acme");
        Assert.Equal("over unix", await client.ScalarAsync("over unix"));
        Directory.Delete(directory, recursive: true);
    }

    [Theory, Trait("Category", "Server")]
    [InlineData("scram-sha-256")]
    [InlineData("md5")]
    [InlineData("password")]
    public async Task The_raw_client_logs_in_to_a_real_server_by_each_method(string method)
    {
        await using PostgresServer server = await PostgresServer.CreateAsync(new PostgresOptions
        {
            Version = 15,
            HostRules = [$"host all someone 127.0.0.1/32 {method}"],
            Settings = new Dictionary<string, string> { ["password_encryption"] = method == "md5" ? "md5" : "scram-sha-256" },
        });
        await server.ExecuteAsync("CREATE ROLE someone LOGIN PASSWORD 'päss word'");
        using RawClient client = await RawClient.ConnectAsync(server.Port);
        await client.LoginAsync("someone", "postgres", "päss word");
        Assert.Equal("2", await client.ScalarAsync("SELECT 1 + 1"));
        Assert.Equal(client.ProcessId.ToString(), await client.ScalarAsync("SELECT pg_backend_pid()"));
        using RawClient wrong = await RawClient.ConnectAsync(server.Port);
        Assert.Equal("28P01", (await wrong.TryLoginAsync("someone", "postgres", "wrong"))!.SqlState);
    }

    [Fact, Trait("Category", "Server")]
    public async Task The_raw_client_cancels_a_query_on_a_real_server()
    {
        PostgresServer server = await PostgresServer.SharedAsync(18);
        using RawClient client = await RawClient.ConnectUnixAsync(server.SocketDirectory, server.Port);
        Assert.Equal('N', await client.RequestSslAsync());
        await client.LoginAsync("postgres", "postgres", version: Wire.Messages.ProtocolVersion.V32);
        Assert.Equal(32, client.SecretKey.Length);
        await client.SendAsync(FrontendBytes.Query("SELECT pg_sleep(600)"));
        // Waits until the query runs: a cancel that comes earlier finds nothing to cancel.
        while (await server.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE pid = {client.ProcessId} AND state = 'active'") == 0) await Task.Delay(10);
        await client.CancelAsync();
        Assert.Contains("57014", (await client.ReadUntilAsync(Wire.Frames.BackendMessage.ReadyForQuery))[^2].ToString(), StringComparison.Ordinal);
    }
}
