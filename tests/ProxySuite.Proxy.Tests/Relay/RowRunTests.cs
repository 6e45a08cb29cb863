using System.Net.Sockets;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.World;
using Xunit;
using static ProxySuite.Testing.Protocol.BackendBytes;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Rows are hopped over in runs: wherever the stream is cut, and whatever stands between them, the client gets what the server sent, and nothing that is in doubt.</summary>
public sealed class RowRunTests
{
    private static readonly byte[] Notice = [(byte)'N', 0, 0, 0, 11, (byte)'S', (byte)'N', 0, (byte)'M', (byte)'m', 0, 0];

    // Between rows: what is for the client, what is not (nobody listens), a row without columns, and one whose content looks like messages.
    private static byte[] Rows => Join(
        DataRow("a"), DataRow(), DataRow("D\0\0\0\u0005Z", null), Notice, DataRow("b"), BackendBytes.ParameterStatus("application_name", "x"), DataRow("c"), DataRow("d"),
        Notification(4711, "nobody", "D"), DataRow("e"));

    [Fact]
    public async Task Wherever_the_stream_is_cut_the_client_gets_all_of_it()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        byte[] simple = Join(RowDescription("n"), Rows, CommandComplete("SELECT 6"), ReadyForQuery('I'));
        string[]? expected = null;
        for (int cut = 0; cut <= simple.Length; cut++)
        {
            await client.SendAsync(Query("SELECT 1"));
            await server.NextAsync();
            await server.AnswerAsync(simple[..cut]);
            await Task.Delay(1);
            await server.AnswerAsync(simple[cut..]);
            string[] seen = await client.ReadyAsync();
            expected ??= seen;
            Assert.Equal(expected, seen);
        }
        Assert.Equal(7, expected!.Count(static message => message.StartsWith("DataRow", StringComparison.Ordinal)));
        Assert.DoesNotContain(expected!, static message => message.StartsWith("NotificationResponse", StringComparison.Ordinal));
        await client.SendAsync(Query("SELECT 1"));
        await server.NextAsync();
        await server.Wire.DribbleAsync(simple);
        Assert.Equal(expected, await client.ReadyAsync());
        await world.WaitForRestAsync();
    }

    [Fact]
    public async Task A_run_that_is_suspended_and_one_that_fails_leave_nothing_owed()
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        for (int round = 0; round < 3; round++)
        {
            await client.SendAsync(Parse("", "SELECT n FROM t"), Bind("", ""), Execute("", 2), Execute("", 2), Sync);
            for (int i = 0; i < 5; i++) await server.NextAsync();
            await server.AnswerAsync(
                ParseComplete, BindComplete, DataRow("1"), DataRow("2"), PortalSuspended, DataRow("3"), DataRow("4"), Error("22012", "division by zero"), ReadyForQuery('I'));
            string[] seen = await client.ReadyAsync();
            Assert.Equal(4, seen.Count(static message => message.StartsWith("DataRow", StringComparison.Ordinal)));
            Assert.Contains("PortalSuspended", seen);
            Assert.StartsWith("ErrorResponse ERROR 22012", seen[^2], StringComparison.Ordinal);
        }
        await world.WaitForRestAsync();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(3u)]
    [InlineData(0x7fff_ffffu)]
    [InlineData(0x8000_0000u)]
    [InlineData(0xffff_ffffu)]
    public async Task A_length_that_cannot_be_in_the_middle_of_a_run_ends_server_and_client(uint length)
    {
        byte[] wrong = [(byte)'D', (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length, 0, 0];
        await InDoubtAsync(Join(RowDescription("n"), DataRow("1"), DataRow("2"), wrong, DataRow("3"), CommandComplete("SELECT 3"), ReadyForQuery('I')));
    }

    [Fact]
    public async Task Rows_behind_the_end_of_what_was_asked_are_nobodys()
        => await InDoubtAsync(Join(RowDescription("n"), DataRow("1"), CommandComplete("SELECT 1"), ReadyForQuery('I'), DataRow("of whom?"), DataRow("of whom?")), "of whom?");

    private static async Task InDoubtAsync(byte[] answer, string? never = null)
    {
        await using ProxyWorld world = await ProxyWorld.StartAsync();
        using RawClient client = await world.ConnectAsync();
        ScriptedConnection server = await world.Backend.NextConnectionAsync();
        await client.SendAsync(Query("SELECT 1"));
        await server.NextAsync();
        await server.Wire.Socket.SendAsync(answer, SocketFlags.None);
        if (never is null)
        {
            IReadOnlyList<WireMessage> last = await client.Wire.ReadToEndAsync();
            Assert.StartsWith("ErrorResponse FATAL 08006 \"the state of the server connection is in doubt", last[^1].ToString(), StringComparison.Ordinal);
        }
        else
        {
            Assert.DoesNotContain(await client.ReadyAsync(), message => message.Contains(never, StringComparison.Ordinal));
        }
        await server.ReadToEndAsync();
        await world.WaitForRestAsync();
    }
}
