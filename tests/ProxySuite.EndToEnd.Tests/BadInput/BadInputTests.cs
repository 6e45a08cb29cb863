using System.Net.Sockets;
using System.Text.RegularExpressions;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Errors;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.BadInput;

/// <summary>Requirement E: a clear error where one can be read, then the end; memory stays bounded, and no other tenant notices.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class BadInputTests(BadInputWorld world) : IClassFixture<BadInputWorld>
{
    // What one misbehaving client may cost for a while, garbage that the collector has not looked at included.
    private const long GrowthMax = 48 * 1024;

    public static TheoryData<string> Packets => [.. BadPacket.All.Select(packet => packet.ToString())];

    [Theory, MemberData(nameof(Packets))]
    public async Task It_gets_an_error_and_the_end_and_nobody_else_notices(string what)
    {
        BadPacket packet = BadPacket.All.Single(one => one.ToString() == what);
        await CheckAsync(what, async () =>
        {
            using RawClient client = packet.AfterLogin ? await world.Proxyd.LoginRawAsync(world.Offender) : await world.Proxyd.ConnectRawAsync();
            await packet.Send(client);
            IReadOnlyList<WireMessage> messages = await client.Wire.ReadToEndAsync();
            string answer = string.Join(" ", messages.Where(message => message.Type == (char)BackendMessage.ErrorResponse).Select(Describe));
            Assert.Matches($"^{Regex.Escape(packet.Answer).Replace("\\*", ".*", StringComparison.Ordinal)}$", answer);
            Assert.Equal(Ending.Closed, client.Wire.Ending);
            return (answer, "closed");
        });
        await world.Proxyd.UntilMetricAsync(0, "proxysuite_tenant_servers", $"tenant=\"{world.Offender.Slug}\"", "state=\"active\"");
    }

    [Fact]
    public async Task Three_thousand_silent_connections_hold_up_nobody_and_are_closed_in_time()
        => await CheckAsync("3,000 connections at once that say nothing", async () =>
        {
            int filesBefore = world.Proxyd.OpenFiles;
            List<RawClient> silent = [];
            try
            {
                for (int number = 0; number < 3000; number++) silent.Add(await world.Proxyd.ConnectRawAsync());
                await world.Good.MustGoOnAsync(50);
                long most = world.Proxyd.StatusKilobytes("VmRSS");
                foreach (RawClient client in silent)
                {
                    IReadOnlyList<WireMessage> messages = await client.Wire.ReadToEndAsync();
                    Assert.StartsWith("FATAL 57014", Describe(Assert.Single(messages)), StringComparison.Ordinal);
                    Assert.Equal(Ending.Closed, client.Wire.Ending);
                }
                while (world.Proxyd.OpenFiles > filesBefore + 20) await Task.Delay(20);
                return ($"FATAL 57014 to each; {most} kB while they stood", "closed");
            }
            finally
            {
                foreach (RawClient client in silent) client.Dispose();
            }
        });

    [Fact]
    public async Task Three_thousand_half_sent_start_up_packets_likewise()
        => await CheckAsync("3,000 connections at once with half a start-up packet, then reset", async () =>
        {
            List<RawClient> halves = [];
            try
            {
                byte[] half = FrontendBytes.Startup("app", "acme")[..10];
                for (int number = 0; number < 3000; number++)
                {
                    RawClient client = await world.Proxyd.ConnectRawAsync();
                    await client.SendAsync(half);
                    halves.Add(client);
                }
                await world.Good.MustGoOnAsync(50);
                long most = world.Proxyd.StatusKilobytes("VmRSS");
                foreach (RawClient client in halves) client.Wire.Reset();
                return ($"nothing; {most} kB while they stood", "reset");
            }
            finally
            {
                foreach (RawClient client in halves) client.Dispose();
            }
        });

    [Fact]
    public Task A_flood_of_Syncs_that_nobody_reads_the_answers_of_is_held_back()
        => FloodAsync("Syncs as fast as they are taken, answers not read", Repeat(FrontendBytes.Sync, 10_000), megabytesMax: 100);

    [Fact]
    public Task A_flood_of_Flushes_costs_nothing()
        => FloodAsync("100,000 Flushes, answers not read", Repeat(FrontendBytes.Flush, 10_000), megabytesMax: 0.5);

    [Fact]
    public Task A_flood_of_queries_that_nobody_reads_the_answers_of_is_held_back()
        => FloodAsync("queries as fast as they are taken, answers not read", Repeat(FrontendBytes.Query("SELECT 1"), 1000), megabytesMax: 100);

    [Fact]
    public Task A_flood_of_pipelined_statements_that_nobody_reads_the_answers_of_is_held_back()
        => FloodAsync("Parse, Bind, Execute, Sync as fast as they are taken, answers not read",
            Repeat(FrontendBytes.Join(FrontendBytes.Parse("", "SELECT 1"), FrontendBytes.Bind("", ""), FrontendBytes.Execute(), FrontendBytes.Sync), 1000), megabytesMax: 100);

    [Fact]
    public Task A_flood_of_statement_names_is_held_back_or_bounded()
        => FloodAsync("new prepared statements as fast as they are taken, answers not read",
            [.. Enumerable.Range(0, 2000).SelectMany(number => FrontendBytes.Join(FrontendBytes.Parse($"s{number}", $"SELECT {number}"), FrontendBytes.Sync))], megabytesMax: 100);

    [Fact]
    public async Task Flushes_that_come_byte_by_byte_are_put_together()
        => await CheckAsync("20,000 Flushes, a byte a packet, then a query", async () =>
        {
            using RawClient client = await world.Proxyd.LoginRawAsync(world.Offender);
            byte[] flush = FrontendBytes.Flush;
            for (int number = 0; number < 20_000; number++)
            {
                foreach (byte one in flush) client.Wire.Socket.Send([one]);
            }
            Assert.Equal("7", await client.ScalarAsync("SELECT 7"));
            return ("the query's answer", "goes on");
        });

    [Fact]
    public async Task A_result_of_a_gigabyte_that_is_not_read_costs_a_buffer()
        => await CheckAsync("a query with a result of 1 GB, not read", async () =>
        {
            using RawClient client = await world.Proxyd.LoginRawAsync(world.Offender);
            await client.SendAsync(FrontendBytes.Query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"));
            await world.Good.MustGoOnAsync(100);
            client.Wire.Reset();
            return ("what fits the socket's buffers", "reset");
        });

    /// <summary>Sends without reading until the proxy takes no more, or so much is sent; then leaves with a reset.</summary>
    private async Task FloodAsync(string what, byte[] piece, double megabytesMax)
        => await CheckAsync(what, async () =>
        {
            using RawClient client = await world.Proxyd.LoginRawAsync(world.Offender);
            Socket socket = client.Wire.Socket;
            long sent = 0;
            bool heldBack = false;
            while (sent < megabytesMax * 1_000_000 && !heldBack)
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
                try
                {
                    for (int at = 0; at < piece.Length;)
                    {
                        int count = await socket.SendAsync(piece.AsMemory(at), SocketFlags.None, limit.Token);
                        at += count;
                        sent += count;
                    }
                }
                catch (OperationCanceledException)
                {
                    heldBack = true;
                }
            }
            long most = world.Proxyd.StatusKilobytes("VmRSS");
            await world.Good.MustGoOnAsync(50);
            client.Wire.Reset();
            return ($"{(heldBack ? "held back" : "taken")} after {sent / 1000} kB; {most} kB at the end", "reset");
        });

    private async Task CheckAsync(string what, Func<Task<(string Answer, string Ending)>> act)
    {
        long before = world.Proxyd.StatusKilobytes("VmRSS");
        (string answer, string ending) = await act();
        await world.Good.MustGoOnAsync(20);
        long after = world.Proxyd.StatusKilobytes("VmRSS");
        world.Note(what, answer, ending, before, after);
        Assert.False(world.Proxyd.HasExited);
        Assert.Equal(0, await world.Proxyd.MetricAsync("proxysuite_reactor_failures_total"));
        Assert.DoesNotContain("Unhandled", world.Proxyd.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" ERR ", world.Proxyd.Output, StringComparison.Ordinal);
        Assert.True(after < before + GrowthMax, $"memory grew from {before} to {after} kB");
    }

    private static byte[] Repeat(byte[] bytes, int times) => [.. Enumerable.Repeat(bytes, times).SelectMany(one => one)];

    private static string Describe(WireMessage message)
    {
        PgError error = ErrorResponse.Read(message.Body).ToPgError();
        return $"{error.Severity} {error.SqlState} {error.Message}";
    }
}
