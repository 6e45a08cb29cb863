using System.Collections.Concurrent;
using System.Globalization;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Clients of every temper on fewer servers than clients; each question carries a number that only its own answer can have.</summary>
[Trait("Category", "Server")]
public sealed class MixUpTests
{
    private const int Clients = 6;
    private const int Budget = 2;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(15);

    private readonly ConcurrentQueue<string> _mixUps = new();
    private long _tags;
    private long _answers;

    [Fact]
    public async Task No_client_ever_gets_anothers_answer_and_nothing_is_lost_or_left()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, Budget);
        await world.Server.ExecuteAsync($"SET ROLE {world.Role}; CREATE TABLE {world.Tenant.Tenant.Placement.SchemaName}.rows (tag text)", world.Proxy.Shard.Database);
        using var stop = new CancellationTokenSource(Duration);
        Task<int> sampling = SampleAsync(world, stop.Token);
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(number => Task.Run(() => RunAsync(world, number, stop.Token))));
        int most = await sampling;
        Assert.True(_mixUps.IsEmpty, string.Join("\n\n", _mixUps.Take(5)));
        Assert.InRange(most, 1, Budget);
        Assert.True(_answers > 200, $"only {_answers} answers were checked");
        await world.Proxy.WaitForRestAsync();
        using RawClient last = await world.Proxy.ConnectAsync();
        Assert.Equal("1", await last.ScalarAsync("SELECT 1"));
    }

    private async Task RunAsync(PostgresWorld world, int number, CancellationToken stop)
    {
        var random = new Random(number);
        RawClient? client = null;
        string setting = "";
        try
        {
            while (!stop.IsCancellationRequested)
            {
                if (client is null)
                {
                    client = await world.Proxy.ConnectAsync();
                    setting = "";
                }
                string tag = $"{number}-{Interlocked.Increment(ref _tags).ToString(CultureInfo.InvariantCulture)}";
                switch (random.Next(16))
                {
                    case 0 or 1:
                        await CheckAsync(client, [Query($"SELECT '{tag}'")], 1, [tag]);
                        break;
                    case 2 or 3:
                        await CheckAsync(client, [Parse("", "SELECT $1::text"), Bind("", "", tag), Execute(), Sync], 1, [tag]);
                        break;
                    case 4:
                        await CheckAsync(client, [Parse("", $"SELECT '{tag}'"), DescribeStatement(""), Sync], 1, []);
                        await CheckAsync(client, [Bind("", ""), Execute(), Sync], 1, [tag]);
                        break;
                    case 5 or 6:
                        string name = $"s{random.Next(300)}";
                        await CheckAsync(client, [CloseStatement(name), Parse(name, $"SELECT $1::text, {random.Next(400)}"), Sync], 1, []);
                        await CheckAsync(client, [Bind("", name, tag), Execute(), Sync, Bind("p", name, tag + "b"), Execute("p"), Sync], 2, [tag, tag + "b"]);
                        break;
                    case 7:
                        await CheckAsync(client,
                            [Query($"SELECT '{tag}a'"), Parse("", $"SELECT '{tag}b'"), Bind("", ""), Execute(), Sync, Query($"SELECT '{tag}c'"), Sync], 4, [tag + "a", tag + "b", tag + "c"]);
                        break;
                    case 8:
                        await CheckAsync(client, [Query($"SELECT '{tag}'::int")], 1, [], error: tag);
                        await CheckAsync(client, [Parse("", $"SELECT '{tag}'::int"), Bind("", ""), Execute(), Query("SELECT 'skipped'"), Sync], 1, [], error: tag);
                        break;
                    case 9:
                        await CheckAsync(client, [Query("BEGIN"), Query($"SET LOCAL a.b = '{tag}'"), Query("SELECT current_setting('a.b')")], 3, [tag]);
                        await CheckAsync(client, [Query("SELECT current_setting('a.b')"), Query(random.Next(2) == 0 ? "COMMIT" : "ROLLBACK")], 2, [tag]);
                        break;
                    case 10:
                        await CheckAsync(client, [Query($"SET a.c = '{tag}'")], 1, []);
                        setting = tag;
                        break;
                    case 11:
                        await CheckAsync(client, [Query("SELECT coalesce(current_setting('a.c', true), '')")], 1, [setting]);
                        break;
                    case 12:
                        await CheckAsync(client,
                            [Query("BEGIN"), Query("COPY rows FROM STDIN"), CopyData(tag + "\n"), FrontendBytes.CopyDone, Query($"SELECT tag FROM rows WHERE tag = '{tag}'"), Query("ROLLBACK")], 4, [tag]);
                        break;
                    case 13:
                        await CheckAsync(client, [Query($"COPY (SELECT '{tag}' FROM generate_series(1, 50)) TO STDOUT")], 1, Enumerable.Repeat(tag, 50));
                        break;
                    case 14:
                        await client.SendAsync(Query($"SELECT '{tag}', pg_sleep(20)"));
                        await Task.Delay(random.Next(20), CancellationToken.None);
                        await CancelUntilDoneAsync(client);
                        break;
                    default:
                        await KillAsync(client, random, tag);
                        client = null;
                        break;
                }
            }
        }
        catch (Exception failed)
        {
            _mixUps.Enqueue($"client {number}: {failed.Message}");
        }
        client?.Dispose();
    }

    /// <summary>Sends and reads so many ReadyForQuery; the values, and the error if one is due, are these and no others.</summary>
    private async Task CheckAsync(RawClient client, byte[][] messages, int ready, IEnumerable<string> values, string? error = null)
    {
        client.Transcript.Clear();
        await client.SendAsync(messages);
        var seen = new List<string>();
        bool sawError = false;
        while (ready > 0)
        {
            WireMessage message = await client.NextAsync() ?? throw new InvalidOperationException($"the connection ended:\n{client.Transcript}");
            string text = message.ToString();
            switch ((BackendMessage)message.Type)
            {
                case BackendMessage.DataRow:
                    seen.Add(text.Split('"')[1]);
                    break;
                case BackendMessage.CopyData:
                    seen.Add(text.Split('"')[1].Replace("\\n", "", StringComparison.Ordinal));
                    break;
                case BackendMessage.ErrorResponse:
                    sawError = true;
                    if (error is null || !text.Contains(error, StringComparison.Ordinal)) throw new InvalidOperationException($"an error of somebody else:\n{client.Transcript}");
                    break;
                case BackendMessage.ReadyForQuery:
                    ready--;
                    break;
            }
        }
        if (!seen.SequenceEqual(values) || sawError != (error is not null)) throw new InvalidOperationException($"not what was asked for:\n{client.Transcript}");
        Interlocked.Increment(ref _answers);
    }

    /// <summary>A cancel while the query waits in the queue does nothing, so it is asked for until it has worked.</summary>
    private async Task CancelUntilDoneAsync(RawClient client)
    {
        Task<IReadOnlyList<WireMessage>> answer = client.ReadUntilAsync(BackendMessage.ReadyForQuery);
        while (!answer.IsCompleted)
        {
            await client.CancelAsync();
            await Task.WhenAny(answer, Task.Delay(20));
        }
        if (!(await answer).Any(message => message.ToString().Contains("57014", StringComparison.Ordinal))) throw new InvalidOperationException($"not cancelled:\n{client.Transcript}");
        Interlocked.Increment(ref _answers);
    }

    private static async Task KillAsync(RawClient client, Random random, string tag)
    {
        switch (random.Next(6))
        {
            case 0:
                await client.SendAsync(Query($"SELECT '{tag}', pg_sleep(20)"));
                await Task.Delay(random.Next(10));
                client.Wire.Reset();
                break;
            case 1:
                await client.SendAsync(Query($"SELECT '{tag}', pg_sleep(0.01)"));
                client.Wire.HalfClose();
                await Task.Delay(random.Next(10));
                client.Dispose();
                break;
            case 2:
                byte[] query = Query($"SELECT '{tag}' || '{new string('x', 200_000)}'");
                await client.SendAsync(query[..random.Next(1, query.Length)]);
                client.Wire.Reset();
                break;
            case 3:
                await client.SendAsync(Query("BEGIN"), Query($"INSERT INTO rows VALUES ('{tag}')"));
                await Task.Delay(random.Next(10));
                client.Dispose();
                break;
            case 4:
                await client.SendAsync(Query("COPY rows FROM STDIN"), CopyData(tag + "\n"));
                await Task.Delay(random.Next(10));
                client.Wire.Reset();
                break;
            default:
                await client.SendAsync(Query($"SELECT repeat('{tag}', 20) FROM generate_series(1, 100000)"));
                await Task.Delay(random.Next(20));
                client.Wire.Reset();
                break;
        }
    }

    private static async Task<int> SampleAsync(PostgresWorld world, CancellationToken stop)
    {
        int most = 0;
        using RawClient watcher = await RawClient.ConnectAsync(world.Server.Port);
        await watcher.LoginAsync("postgres", "postgres", Testing.Servers.PostgresServer.SuperPassword);
        while (!stop.IsCancellationRequested)
        {
            most = Math.Max(most, await CountAsync(watcher, world.Role));
            await Task.Delay(50, CancellationToken.None);
        }
        return most;
    }

    private static async Task<int> CountAsync(RawClient watcher, string role)
    {
        watcher.Transcript.Clear();
        return int.Parse((await watcher.ScalarAsync($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"))!, CultureInfo.InvariantCulture);
    }
}
