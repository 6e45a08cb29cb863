using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>A server of which it is not certain what its answers belong to is closed, and its client is told.</summary>
public sealed class DoubtTests
{
    public static TheoryData<string, byte[]> WrongAnswers => new()
    {
        { "an answer to something else", ParseComplete },
        { "a ReadyForQuery without a result", ReadyForQuery('I') },
        { "a message of no kind", [(byte)'?', 0, 0, 0, 4] },
        { "an impossible length", [(byte)'T', 0, 0, 0, 1] },
        { "another authentication", AuthenticationOk },
        { "another identity", BackendBytes.ParameterStatus("session_authorization", "postgres") },
        { "another rank", BackendBytes.ParameterStatus("is_superuser", "on") },
        { "a status that does not exist", Join(CommandComplete("SELECT 1"), [(byte)'Z', 0, 0, 0, 5, (byte)'?']) },
    };

    [Theory]
    [MemberData(nameof(WrongAnswers))]
    public async Task An_answer_that_cannot_be_ends_server_and_client(string what, byte[] answer)
    {
        Assert.NotEmpty(what);
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SELECT 1"));
        await server.NextAsync();
        await server.Wire.Socket.SendAsync(answer);
        IReadOnlyList<WireMessage> last = await client.Wire.ReadToEndAsync();
        Assert.StartsWith("ErrorResponse FATAL 08006 \"the state of the server connection is in doubt", last[^1].ToString(), StringComparison.Ordinal);
        await server.ReadToEndAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 0));
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task One_ready_for_query_too_many_never_releases_a_server_that_is_owed_another()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SELECT 1"), Query("SELECT 2"));
        for (int i = 0; i < 2; i++) await server.NextAsync();
        await server.AnswerAsync(CommandComplete("SELECT 1"), ReadyForQuery('I'), ReadyForQuery('I'));
        Assert.Contains("in doubt", (await client.Wire.ReadToEndAsync())[^1].ToString(), StringComparison.Ordinal);
        await server.ReadToEndAsync();
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task An_idle_server_that_says_anything_is_closed_and_the_next_client_gets_another()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await server.AnswerAsync(DataRow("of whom?"));
        await server.ReadToEndAsync();
        await client.SendAsync(Query("SELECT 1"));
        ScriptedConnection fresh = await world.Backend.NextConnectionAsync();
        await client.AnsweredByAsync(fresh);
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task An_idle_server_that_is_shut_down_is_lent_to_nobody_from_its_last_words_on()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        // Its end-of-stream comes later: the words alone must do.
        await server.AnswerAsync(Error("57P01", "terminating connection due to administrator command", "FATAL"));
        await server.ReadToEndAsync();
        await client.SendAsync(Query("SELECT 1"));
        ScriptedConnection fresh = await world.Backend.NextConnectionAsync();
        await client.AnsweredByAsync(fresh);
    }

    [Fact]
    public async Task The_last_words_of_a_server_reach_its_client_once()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.RoundTripAsync(server, "BEGIN", "BEGIN", 'T');
        await server.AnswerAsync(Error("57P01", "terminating connection due to administrator command", "FATAL"));
        server.Close();
        Assert.Equal(
            ["ErrorResponse FATAL 57P01 \"terminating connection due to administrator command\""], (await client.Wire.ReadToEndAsync()).Select(message => message.ToString()));
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_server_that_dies_while_a_result_streams_ends_one_client_and_no_other()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        await one.SendAsync(Query("SELECT 1"));
        await first.NextAsync();
        byte[] row = DataRow(new string('x', 1000));
        await first.AnswerAsync(RowDescription("n"), row[..500]);
        await two.RoundTripAsync(second, "BEGIN", "BEGIN", 'T');
        first.Wire.Reset();
        await one.Wire.ReadToEndAsync();
        Assert.DoesNotContain("SELECT 1\" ", one.Transcript.ToString(), StringComparison.Ordinal);
        await two.RoundTripAsync(second, "COMMIT", "COMMIT");
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_result_that_was_sent_whole_reaches_a_slow_reader_though_the_server_has_gone()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SELECT 1"));
        await server.NextAsync();
        byte[] row = DataRow(new string('x', 60_000));
        Task answering = server.AnswerAsync([RowDescription("n"), .. Enumerable.Repeat(row, 200), CommandComplete("SELECT 200"), ReadyForQuery('T')]);
        await Task.Delay(100);
        Task<string[]> reading = client.ReadyAsync();
        await answering;
        server.Close();
        Assert.Equal(203, (await reading).Length);
        await client.Wire.ReadToEndAsync();
        await world.WaitForRestAsync();
    }
}

internal static class DoubtScript
{
    /// <summary>The query that the client has sent is answered by this server.</summary>
    public static async Task AnsweredByAsync(this RawClient client, ScriptedConnection server)
    {
        await server.ExpectAsync("Query \"SELECT 1\"");
        await server.AnswerAsync(OneRow("n", "1"));
        Assert.Equal(4, (await client.ReadyAsync()).Length);
    }
}
