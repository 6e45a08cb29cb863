using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using Xunit;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>A literal is read at Parse, under the settings of that moment: clients with other settings must not share what came of it.</summary>
[Trait("Category", "Server")]
public sealed class StatementSettingsTests
{
    private const string Midnight = "SELECT extract(epoch FROM '2020-01-01 00:00'::timestamptz)::bigint";
    private const string InUtc = "1577836800", InTokyo = "1577804400";

    [Theory, InlineData(1), InlineData(2)]
    public async Task Clients_with_other_time_zones_each_get_their_own_midnight(int servers)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, servers);
        using RawClient utc = await world.Proxy.ConnectAsync(parameters: [new("TimeZone", "UTC")]);
        using RawClient tokyo = await world.Proxy.ConnectAsync(parameters: [new("TimeZone", "Asia/Tokyo")]);
        for (int round = 0; round < 4; round++)
        {
            if (round == 0) await utc.SendAsync(Parse("s", Midnight));
            Assert.Equal(InUtc, await RunAsync(utc, "s"));
            if (round == 0) await tokyo.SendAsync(Parse("s", Midnight));
            Assert.Equal(InTokyo, await RunAsync(tokyo, "s"));
        }
    }

    [Fact]
    public async Task A_statement_parsed_behind_an_uncommitted_SET_is_nobody_elses()
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(18, connections: 1);
        using RawClient changing = await world.Proxy.ConnectAsync();
        await changing.QueryAsync("BEGIN");
        await changing.QueryAsync("SET LOCAL timezone = 'Asia/Tokyo'");
        await changing.SendAsync(Parse("s", Midnight));
        Assert.Equal(InTokyo, await RunAsync(changing, "s"));
        await changing.QueryAsync("COMMIT");
        using RawClient other = await world.Proxy.ConnectAsync(parameters: [new("TimeZone", "UTC")]);
        await other.SendAsync(Parse("s", Midnight));
        Assert.Equal(InUtc, await RunAsync(other, "s"));
        using RawClient plain = await world.Proxy.ConnectAsync();
        await plain.QueryAsync("SET timezone = 'UTC'");
        await plain.SendAsync(Parse("s", Midnight));
        Assert.Equal(InUtc, await RunAsync(plain, "s"));
    }

    private static async Task<string?> RunAsync(RawClient client, string name)
    {
        await client.SendAsync(Bind("", name), Execute(), Sync);
        IReadOnlyList<WireMessage> answer = await client.ReadUntilAsync(BackendMessage.ReadyForQuery);
        WireMessage row = Assert.Single(answer, message => message.Type == (char)BackendMessage.DataRow);
        return System.Text.Encoding.ASCII.GetString(row.Body[6..]);
    }
}
