using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Frames;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class PipelineTests
{
    [Fact]
    public async Task The_error_of_a_failed_parse_never_reaches_the_next_client()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient one = await world.ConnectAsync();
        using RawClient two = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await one.SendAsync(Parse("s", "bad"), DescribeStatement("s"), Sync);
        await two.SendAsync(Query("SELECT 2"));
        await server.ExpectAsync("Parse \"proxysuite_1\" \"bad\"", "Describe Statement \"proxysuite_1\"", "Sync");
        await server.AnswerAsync(Error("42601", "syntax error"));
        await one.ExpectAsync("ErrorResponse ERROR 42601 \"syntax error\"");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        await server.AnswerAsync(ReadyForQuery('I'));
        await one.ExpectAsync("ReadyForQuery I");
        await server.ExpectAsync("Query \"SELECT 2\"");
        await server.AnswerAsync(OneRow("n", "2"));
        await two.ExpectAsync("RowDescription [n]", "DataRow [\"2\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I");
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_query_inside_a_failed_batch_is_skipped_with_it_and_nobody_waits_for_its_answer()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("", "bad"), Query("SELECT 1"), Bind("", ""), Execute(), Sync);
        for (int i = 0; i < 5; i++) await server.NextAsync();
        await server.AnswerAsync(Error("42601", "no"), ReadyForQuery('I'));
        Assert.Equal(["ErrorResponse ERROR 42601 \"no\"", "ReadyForQuery I"], await client.ReadyAsync());
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
    }

    [Fact]
    public async Task A_batch_without_sync_holds_its_server_until_the_sync()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("", "SELECT 1"), Bind("", ""), Execute(), Flush);
        await server.ExpectAsync("Parse \"\" \"SELECT 1\"", "Bind \"\" \"\"", "Execute \"\"", "Flush");
        await server.AnswerAsync(ParseComplete, BindComplete, DataRow("1"), CommandComplete("SELECT 1"));
        await client.ReadUntilAsync(BackendMessage.CommandComplete);
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        await client.SendAsync(Sync);
        await server.ExpectAsync("Sync");
        await server.AnswerAsync(ReadyForQuery('I'));
        await client.ReadyAsync();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
    }

    [Fact]
    public async Task Behind_an_error_without_a_sync_the_server_is_held_until_the_sync()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("", "bad"), Flush);
        await server.ExpectAsync("Parse \"\" \"bad\"", "Flush");
        await server.AnswerAsync(Error("42601", "no"));
        await client.ReadUntilAsync(BackendMessage.ErrorResponse);
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        await client.SendAsync(Query("skipped"), Sync);
        await server.ExpectAsync("Query \"skipped\"", "Sync");
        await server.AnswerAsync(ReadyForQuery('I'));
        Assert.Equal(["ReadyForQuery I"], await client.ReadyAsync());
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
    }

    [Fact]
    public async Task A_sync_or_a_flush_with_nothing_before_it_needs_no_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Flush, Sync, Sync);
        await client.ExpectAsync("ReadyForQuery I", "ReadyForQuery I");
        await client.RoundTripAsync(server, "SELECT 1");
    }

    [Fact]
    public async Task A_transaction_keeps_its_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(connections: 2);
        (ScriptedConnection first, ScriptedConnection second) = await world.TwoServersAsync();
        using RawClient client = await world.ConnectAsync();
        await client.RoundTripAsync(first, "BEGIN", "BEGIN", 'T');
        for (int i = 0; i < 3; i++) await client.RoundTripAsync(first, "SELECT 1", status: 'T');
        await client.RoundTripAsync(first, "bad", status: 'E');
        await client.RoundTripAsync(first, "ROLLBACK", "ROLLBACK");
        await client.RoundTripAsync(second, "SELECT 1");
    }

    [Fact]
    public async Task A_pipeline_without_a_sync_for_thousands_of_messages_goes_on_as_it_is_answered()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: RelayScript.Echo());
        using RawClient client = await world.ConnectAsync();
        const int Rows = 20_000;
        byte[] row = Join(Bind("", "s"), Execute());
        byte[] batch = [.. Parse("s", "SELECT x"), .. Enumerable.Repeat(row, Rows).SelectMany(bytes => bytes), .. Sync];
        Task sending = client.SendAsync(batch);
        IReadOnlyList<WireMessage> answer = await client.ReadUntilAsync(BackendMessage.ReadyForQuery);
        await sending;
        Assert.Equal(Rows, answer.Count(message => message.Type == (char)BackendMessage.CommandComplete));
        await world.WaitForRestAsync();
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task A_batch_is_relayed_alike_however_the_network_cuts_it(int from, int to)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: RelayScript.Echo());
        using RawClient client = await world.ConnectAsync();
        (byte[][] Parts, string Cut)[] cuts = [.. EverySplitAttribute.Of(Batch)];
        foreach ((byte[][] parts, string cut) in cuts.Take(to).Skip(from))
        {
            foreach (byte[] part in parts)
            {
                await client.SendAsync(part);
                // A pause only makes it likelier that the parts come apart; either way the answer is the same.
                if (parts.Length == 2) await Task.Delay(1);
            }
            string[] answer = [.. await client.ReadyAsync(), .. await client.ReadyAsync()];
            Assert.True(Expected.SequenceEqual(answer), $"{cut}:\n{string.Join('\n', answer)}");
            await client.SendAsync(CloseStatement("s"), Sync);
            await client.ReadyAsync();
        }
    }

    public static TheoryData<int, int> Cuts()
    {
        var data = new TheoryData<int, int>();
        int count = EverySplitAttribute.Of(Batch).Count();
        for (int from = 0; from < count; from += 60) data.Add(from, Math.Min(count, from + 60));
        return data;
    }

    private static byte[] Batch { get; } = Join(
        Query("SELECT 'q'"), Parse("s", "SELECT $1"), Bind("", "s", "value"), DescribePortal(""), Execute(), Parse("", "SELECT 'u'"), Bind("", ""), Execute(), Sync);

    private static string[] Expected { get; } =
    [
        "RowDescription [echo]", "DataRow [\"SELECT 'q'\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I", "ParseComplete", "BindComplete", "RowDescription [echo]",
        "DataRow [\"SELECT $1\"]", "CommandComplete \"SELECT 1\"", "ParseComplete", "BindComplete", "DataRow [\"SELECT 'u'\"]", "CommandComplete \"SELECT 1\"", "ReadyForQuery I",
    ];

    [Fact]
    public async Task A_client_that_sends_a_byte_at_a_time_is_served()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync(backend: RelayScript.Echo());
        using RawClient client = await RawClient.ConnectAsync(world.Port);
        await client.LoginAsync("app", "acme", ProxyWorld.Password);
        client.Transcript.Clear();
        await client.Wire.DribbleAsync(Batch);
        string[] answer = [.. await client.ReadyAsync(), .. await client.ReadyAsync()];
        Assert.Equal(Expected, answer);
    }
}
