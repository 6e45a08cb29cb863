using System.Buffers.Binary;
using ProxySuite.Proxy.Telemetry;
using ProxySuite.Tenancy.Model;
using ProxySuite.Testing.Protocol;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>The limits of query time and bytes within a minute, on the wire and on a real server. The minute is skipped, not waited for.</summary>
[Trait("Category", "Server")]
public sealed class MinuteLimitTests
{
    private const string BytesRefused = "ErrorResponse ERROR 53400 \"limit of 100000 bytes per minute exceeded\"";
    private const string TimeRefused = "ErrorResponse ERROR 53400 \"limit of 1 seconds of query time per minute exceeded\"";
    private const string Large = "SELECT repeat('x', 1000) FROM generate_series(1, 500)";

    /// <summary>A slot of 5 s counts until a minute after its end.</summary>
    private static readonly TimeSpan AMinute = TimeSpan.FromSeconds(66);

    private static readonly Func<Plan, Plan> BytesLimit = plan => plan with { BytesPerMinute = 100_000 };
    private static readonly Func<Plan, Plan> TimeLimit = plan => plan with { QuerySecondsPerMinute = 1 };

    [Theory]
    [InlineData(15, "simple")]
    [InlineData(18, "simple")]
    [InlineData(18, "multi-statement")]
    [InlineData(18, "extended")]
    public async Task A_result_beyond_the_bytes_comes_whole_and_the_next_query_is_refused_until_it_is_a_minute_old(int version, string protocol)
    {
        await using PostgresWorld world = await StartAsync(BytesLimit, TimeSpan.Zero, version);
        using RawClient client = await world.Proxy.ConnectAsync();
        Assert.Equal(500, (await AskAsync(client, protocol, Large)).Count(message => message.StartsWith("DataRow [\"xxx", StringComparison.Ordinal)));
        string[] refused = await AskAsync(client, protocol, "SELECT 1");
        Assert.Equal(2, refused.Length);
        Assert.StartsWith(BytesRefused, refused[0], StringComparison.Ordinal);
        Assert.Matches("Retry after 6[0-9]{4} ms, or move to a plan with a higher limit \\(bytes-per-minute\\)", refused[0]);
        Assert.Equal("ReadyForQuery I", refused[1]);
        await world.Proxy.WaitForRestAsync();
        await world.Proxy.SkipLimitTimeAsync(AMinute);
        Assert.Contains("DataRow [\"1\"]", await AskAsync(client, protocol, "SELECT 1"));
        Assert.Equal(1, await world.Proxy.OnPoolAsync("acme", pool => pool.Stats.Limited(LimitKind.Bytes, isRefused: true)));
    }

    [Theory]
    [InlineData("simple")]
    [InlineData("multi-statement")]
    [InlineData("extended")]
    public async Task Query_time_beyond_the_minutes_seconds_holds_the_next_query_back_until_it_is_a_minute_old(string protocol)
    {
        await using PostgresWorld world = await StartAsync(TimeLimit, TimeSpan.Zero);
        using RawClient client = await world.Proxy.ConnectAsync();
        Assert.Contains("CommandComplete \"SELECT 1\"", await AskAsync(client, protocol, "SELECT pg_sleep(1.1)"));
        string[] refused = await AskAsync(client, protocol, "SELECT 1");
        Assert.StartsWith(TimeRefused, refused[0], StringComparison.Ordinal);
        Assert.Matches("Retry after 6[0-9]{4} ms, or move to a plan with a higher limit \\(query-seconds-per-minute\\)", refused[0]);
        Assert.Equal("ReadyForQuery I", refused[1]);
        await world.Proxy.SkipLimitTimeAsync(AMinute);
        Assert.Contains("DataRow [\"1\"]", await AskAsync(client, protocol, "SELECT 1"));
        Assert.Equal(1, await world.Proxy.OnPoolAsync("acme", pool => pool.Stats.Limited(LimitKind.QuerySeconds, isRefused: true)));
    }

    [Theory]
    [InlineData(true, "simple")]
    [InlineData(true, "extended")]
    [InlineData(false, "simple")]
    public async Task A_query_that_may_wait_is_let_in_when_the_window_slides_and_holds_no_server_meanwhile(bool isOfBytes, string protocol)
    {
        await using PostgresWorld world = await StartAsync(isOfBytes ? BytesLimit : TimeLimit, TimeSpan.FromMinutes(5));
        using RawClient client = await world.Proxy.ConnectAsync();
        await AskAsync(client, protocol, isOfBytes ? Large : "SELECT pg_sleep(1.1)");
        Task<string[]> held = AskAsync(client, protocol, "SELECT 1");
        await world.Proxy.WaitForLimiterAsync(limiter => limiter.Waiting == 1);
        await world.Proxy.WaitForRestAsync();
        await world.Proxy.SkipLimitTimeAsync(TimeSpan.FromSeconds(30));
        await Task.Delay(200);
        Assert.False(held.IsCompleted);
        await world.Proxy.SkipLimitTimeAsync(AMinute - TimeSpan.FromSeconds(30));
        Assert.Contains("DataRow [\"1\"]", await held);
        Assert.Equal(1, await world.Proxy.OnPoolAsync("acme", pool => pool.Stats.RateDelayed));
    }

    [Fact]
    public async Task Of_a_pipeline_what_was_begun_within_the_limit_is_answered_and_the_rest_refused_one_by_one()
    {
        await using PostgresWorld world = await StartAsync(BytesLimit, TimeSpan.Zero);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.SendAsync(Join(Query(Large), Extended("SELECT 1"), Query("SELECT 2")));
        string[] first = await client.ReadyAsync();
        Assert.Equal("CommandComplete \"SELECT 500\"", first[^2]);
        // All three were let in before a byte of the first answer had passed, or what came after it is refused: never half of one.
        string[][] others = [await client.ReadyAsync(), await client.ReadyAsync()];
        foreach (string[] answer in others) Assert.True(answer[0].StartsWith(BytesRefused, StringComparison.Ordinal) || answer.Any(line => line.StartsWith("DataRow", StringComparison.Ordinal)), string.Join("; ", answer));
        await client.SendAsync(Join(Query("SELECT 1"), Extended("SELECT 2"), Query("SELECT 3")));
        for (int i = 0; i < 3; i++) await client.ExpectAsync(BytesRefused, "ReadyForQuery I");
        await world.Proxy.WaitForRestAsync();
    }

    /// <summary>To hold a transaction would hold its locks.</summary>
    [Fact]
    public async Task A_transaction_goes_on_beyond_the_limit_and_the_next_one_does_not_begin()
    {
        await using PostgresWorld world = await StartAsync(BytesLimit, TimeSpan.Zero);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("BEGIN");
        for (int i = 0; i < 3; i++) Assert.Equal(503, (await client.QueryAsync(Large)).Count);
        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
        await client.QueryAsync("COMMIT");
        await client.SendAsync(Query("BEGIN"));
        await client.ExpectAsync(BytesRefused, "ReadyForQuery I");
    }

    /// <summary>One statement, and bytes in the direction in which they go; it is not cut off in the middle.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task A_copy_counts_as_one_statement_and_its_data_as_bytes(bool isIn)
    {
        await using PostgresWorld world = await StartAsync(plan => BytesLimit(plan) with { QueriesPerSecond = 1000 }, TimeSpan.Zero);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync("CREATE TABLE copied (line text)");
        long before = await AdmittedAsync(world);
        if (isIn)
        {
            await client.SendAsync(Query("COPY copied FROM STDIN"));
            await client.ExpectAsync("CopyInResponse text 1");
            for (int i = 0; i < 200; i++) await client.SendAsync(FrontendBytes.CopyData(new string('x', 1000) + "\n"));
            await client.SendAsync(CopyDone);
            await client.ExpectAsync("CommandComplete \"COPY 200\"", "ReadyForQuery I");
        }
        else
        {
            await client.SendAsync(Query("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 200)) TO STDOUT"));
            Assert.Equal("CommandComplete \"COPY 200\"", (await client.ReadyAsync())[^2]);
        }
        Assert.Equal(1, await AdmittedAsync(world) - before);
        await client.SendAsync(Query("COPY copied FROM STDIN"));
        await client.ExpectAsync(BytesRefused, "ReadyForQuery I");
        // What a client sends that did not wait for CopyInResponse is dropped, as a server would.
        await client.SendAsync(FrontendBytes.CopyData("late\n"), CopyDone);
        await world.Proxy.SkipLimitTimeAsync(AMinute);
        Assert.Equal(isIn ? "200" : "0", await client.ScalarAsync("SELECT count(*) FROM copied"));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_function_call_is_a_query_and_is_refused_as_one(bool isOfTime)
    {
        await using PostgresWorld world = await StartAsync(plan => (isOfTime ? TimeLimit : BytesLimit)(plan) with { QueriesPerSecond = 1000 }, TimeSpan.Zero);
        using RawClient client = await world.Proxy.ConnectAsync();
        long before = await AdmittedAsync(world);
        await client.SendAsync(CreateLargeObject());
        Assert.StartsWith("FunctionCallResponse", (await client.ReadyAsync())[0], StringComparison.Ordinal);
        Assert.Equal(1, await AdmittedAsync(world) - before);
        await client.QueryAsync(isOfTime ? "SELECT pg_sleep(1.1)" : Large);
        await client.SendAsync(CreateLargeObject());
        await client.ExpectAsync(isOfTime ? TimeRefused : BytesRefused, "ReadyForQuery I");
        await world.Proxy.SkipLimitTimeAsync(AMinute);
        await client.SendAsync(CreateLargeObject());
        Assert.StartsWith("FunctionCallResponse", (await client.ReadyAsync())[0], StringComparison.Ordinal);
    }

    /// <summary>Nobody has to ask for it to be counted: it is done beside the queries, about once a second, while a long answer is on its way too.</summary>
    [Fact]
    public async Task What_was_used_before_a_pause_is_a_minute_old_when_the_pause_was_that_long()
    {
        await using PostgresWorld world = await StartAsync(BytesLimit, TimeSpan.Zero);
        using RawClient client = await world.Proxy.ConnectAsync();
        await client.QueryAsync(Large);
        await world.Proxy.WaitForLimiterAsync(limiter => limiter.Cell.Bytes > 500_000);
        await world.Proxy.SkipLimitTimeAsync(AMinute);
        Assert.Equal("1", await client.ScalarAsync("SELECT 1"));
    }

    [Fact]
    public async Task The_bytes_of_a_long_answer_hold_others_of_the_tenant_back_while_it_is_on_its_way()
    {
        await using PostgresWorld world = await StartAsync(BytesLimit, TimeSpan.Zero);
        using RawClient client = await world.Proxy.ConnectAsync();
        using RawClient other = await world.Proxy.ConnectAsync();
        await client.SendAsync(Query($"{Large}; SELECT pg_sleep(600)"));
        await world.Proxy.WaitForLimiterAsync(limiter => limiter.Cell.Bytes > 400_000);
        await other.SendAsync(Query("SELECT 1"));
        await other.ExpectAsync(BytesRefused, "ReadyForQuery I");
        await client.CancelAsync();
        Assert.StartsWith("ErrorResponse ERROR 57014", (await client.ReadyAsync())[^2], StringComparison.Ordinal);
    }

    private static async Task<string[]> AskAsync(RawClient client, string protocol, string sql)
    {
        await client.SendAsync(protocol switch
        {
            "extended" => Extended(sql),
            "multi-statement" => Query($"{sql}; SELECT 2"),
            _ => Query(sql),
        });
        return await client.ReadyAsync();
    }

    private static byte[] Extended(string sql) => Join(Parse("", sql), Bind("", ""), DescribePortal(""), Execute(), Sync);

    /// <summary>lo_creat(INV_READ | INV_WRITE), as libpq calls it: arguments and result in binary.</summary>
    private static byte[] CreateLargeObject()
    {
        byte[] call = [(byte)'F', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 4, 0, 6, 0, 0, 0, 1];
        BinaryPrimitives.WriteInt32BigEndian(call.AsSpan(1), call.Length - 1);
        BinaryPrimitives.WriteInt32BigEndian(call.AsSpan(5), 957);
        return call;
    }

    private static Task<long> AdmittedAsync(PostgresWorld world) => world.Proxy.OnLimiterAsync(limiter => limiter.Cell.QueriesAdmitted);

    private static async Task<PostgresWorld> StartAsync(Func<Plan, Plan> limit, TimeSpan maxDelay, int version = 18)
    {
        PostgresWorld world = await PostgresWorld.StartAsync(version, connections: 2, options => options with { Limits = options.Limits with { MaxRateDelay = maxDelay } });
        world.Proxy.ChangePlan(limit);
        return world;
    }
}
