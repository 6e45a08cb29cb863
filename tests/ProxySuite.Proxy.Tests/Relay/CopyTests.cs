using ProxySuite.Proxy.Pooling;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Frames;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

public sealed class CopyTests
{
    [Fact]
    public async Task A_sync_inside_an_extended_copy_is_not_waited_for()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("", "COPY t FROM STDIN"), Bind("", ""), Execute(), Sync);
        for (int i = 0; i < 4; i++) await server.NextAsync();
        await server.AnswerAsync(ParseComplete, BindComplete, CopyIn());
        await client.ExpectAsync("ParseComplete", "BindComplete", "CopyInResponse text 1");
        await client.SendAsync(FrontendBytes.CopyData("1\n"), Sync, FrontendBytes.CopyData("2\n"), FrontendBytes.CopyDone, Sync);
        await server.ExpectAsync("CopyData \"1\\n\"", "Sync", "CopyData \"2\\n\"", "CopyDone", "Sync");
        await server.AnswerAsync(CommandComplete("COPY 2"));
        await client.ExpectAsync("CommandComplete \"COPY 2\"");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        await server.AnswerAsync(ReadyForQuery('I'));
        await client.ExpectAsync("ReadyForQuery I");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 1, Linked: 0));
    }

    [Fact]
    public async Task What_a_client_goes_on_sending_after_its_copy_has_failed_reaches_no_other_server_and_holds_none()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        using RawClient other = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("COPY t FROM STDIN"));
        await server.ExpectAsync("Query \"COPY t FROM STDIN\"");
        await server.AnswerAsync(CopyIn());
        await client.ExpectAsync("CopyInResponse text 1");
        byte[] half = FrontendBytes.CopyData(new string('x', 100));
        await client.SendAsync(FrontendBytes.CopyData("bad\n"), half[..40]);
        await server.ExpectAsync("CopyData \"bad\\n\"");
        await server.AnswerAsync(Error("22P02", "bad"), ReadyForQuery('I'));
        await client.ExpectAsync("ErrorResponse ERROR 22P02 \"bad\"", "ReadyForQuery I");
        // The rest of a message is on its way to this server: nobody else may be given it.
        await other.SendAsync(Query("SELECT 'other'"));
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1, Waiting: 1));
        await client.SendAsync(half[40..], FrontendBytes.CopyData("late\n"), FrontendBytes.CopyDone);
        Assert.StartsWith("CopyData \"xxxx", (await server.NextAsync()).ToString(), StringComparison.Ordinal);
        WireMessage next = await server.NextAsync();
        while (next.Type is 'd' or 'c') next = await server.NextAsync();
        Assert.Equal("Query \"SELECT 'other'\"", next.ToString());
        await server.AnswerAsync(OneRow("n", "other"));
        Assert.Equal(4, (await other.ReadyAsync()).Length);
        await client.RoundTripAsync(server, "SELECT 1");
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task Copy_messages_of_an_idle_client_are_dropped_as_a_server_would()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(FrontendBytes.CopyData(new string('x', 200_000)), FrontendBytes.CopyDone, CopyFail("no"));
        await client.RoundTripAsync(server, "SELECT 1");
    }

    [Fact]
    public async Task When_a_copy_fails_with_a_sync_inside_it_both_numbers_of_answers_are_taken_and_the_server_is_not_used_again()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Parse("", "COPY t FROM STDIN"), Bind("", ""), Execute(), Sync);
        for (int i = 0; i < 4; i++) await server.NextAsync();
        // A BEFORE STATEMENT trigger fails after CopyInResponse and before the Sync is read, which is then answered.
        await server.AnswerAsync(ParseComplete, BindComplete, CopyIn(), Error("P0001", "not today"), ReadyForQuery('I'));
        await client.ReadUntilAsync(BackendMessage.ErrorResponse);
        await client.ExpectAsync("ReadyForQuery I");
        await client.SendAsync(FrontendBytes.CopyDone, Sync);
        await server.ExpectAsync("CopyDone", "Sync");
        await server.AnswerAsync(ReadyForQuery('I'));
        await client.ExpectAsync("ReadyForQuery I");
        await client.RoundTripAsync(server, "SELECT 1");
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 1));
        client.Dispose();
        await server.ExpectAsync("Terminate");
        server.Close();
        await world.WaitForPoolAsync(new PoolCounts(Idle: 0, Linked: 0));
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task Copy_out_passes_to_its_end()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("COPY t TO STDOUT"));
        await server.NextAsync();
        await server.AnswerAsync(CopyOut(), BackendBytes.CopyData("1\n"), BackendBytes.CopyData("2\n"), BackendBytes.CopyDone, CommandComplete("COPY 2"), ReadyForQuery('I'));
        Assert.Equal(
            ["CopyOutResponse text 1", "CopyData \"1\\n\"", "CopyData \"2\\n\"", "CopyDone", "CommandComplete \"COPY 2\"", "ReadyForQuery I"], await client.ReadyAsync());
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_client_that_leaves_in_a_copy_in_ends_its_server()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("COPY t FROM STDIN"));
        await server.NextAsync();
        await server.AnswerAsync(CopyIn());
        await client.ExpectAsync("CopyInResponse text 1");
        await client.SendAsync(FrontendBytes.CopyData("1\n"));
        await server.ExpectAsync("CopyData \"1\\n\"");
        client.Wire.Reset();
        await server.ExpectAsync("Terminate");
        server.Close();
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_client_that_leaves_in_a_copy_out_has_its_query_cancelled_and_its_server_closed()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("COPY t TO STDOUT"));
        await server.NextAsync();
        await server.AnswerAsync(CopyOut(), BackendBytes.CopyData("1\n"));
        await client.ReadUntilAsync(BackendMessage.CopyData);
        client.Wire.Reset();
        Assert.Same(server, world.Backend.FindConnection(await world.Backend.NextCancelAsync()));
        await server.AnswerAsync(Error("57014", "canceling statement due to user request"), ReadyForQuery('I'));
        await server.ExpectAsync("Terminate");
        server.Close();
        await world.WaitForRestAsync();
    }
}
