using System.Text;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>Each sequence sent to the server itself and through the proxy, with two servers in turn: the client gets the same.</summary>
/// <remarks>
/// On purpose otherwise: a batch that was sent before the error of an earlier one was known takes the protocol's names as that one would have left them,
/// since names are translated when a message is sent.
/// </remarks>
[Trait("Category", "Server")]
public sealed class GoldenTests
{
    [Theory]
    [InlineData(18)]
    [InlineData(15)]
    [InlineData(17, true)]
    public async Task Every_sequence_is_answered_as_the_server_itself_answers_it(int version, bool isCutIntoBytes = false)
    {
        await using PostgresWorld world = await PostgresWorld.StartAsync(version, connections: 2);
        string schema = world.Tenant.Tenant.Placement.SchemaName;
        await world.Server.ExecuteAsync($"""
            SET ROLE {world.Role};
            SET search_path = {schema};
            CREATE TABLE t (n int);
            CREATE TYPE mood AS ENUM ('good', 'bad');
            CREATE TABLE guarded (n int);
            CREATE TABLE pairs (n int, s text);
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON guarded FOR EACH STATEMENT EXECUTE FUNCTION refuse();
            CREATE TABLE parent (n int PRIMARY KEY);
            CREATE TABLE deferred (n int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
            """, world.Proxy.Shard.Database);

        // A setting of an application's own that was never kept is '' where its name is known and NULL where it is not: sequences that ask coalesce the two.
        var differences = new StringBuilder();
        foreach (GoldenSequence sequence in GoldenSequences.All)
        {
            // Byte by byte, the short ones: what is long is cut by its length already.
            if (isCutIntoBytes && sequence.Steps.OfType<byte[]>().Sum(static bytes => bytes.Length) > 300) continue;
            using RawClient direct = await world.ConnectDirectlyAsync();
            using RawClient proxied = await world.Proxy.ConnectAsync();
            string[] expected = await PlayAsync(direct, sequence);
            // Who goes on sending singly to a peer that has closed may be told so before it has read why.
            if (isCutIntoBytes && expected[^1] == "(ended)") continue;
            string[] actual = await PlayAsync(proxied, sequence, isCutIntoBytes);
            if (!expected.SequenceEqual(actual))
            {
                differences.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"== {sequence.Name}\n{TextDiff.Of(expected, actual, string.Equals)}");
            }
        }
        Assert.True(differences.Length == 0, differences.ToString());
        Assert.True(GoldenSequences.All.Count >= 200);
        await world.Proxy.WaitForRestAsync();
    }

    internal static async Task<string[]> PlayAsync(RawClient client, GoldenSequence sequence, bool isCutIntoBytes = false)
    {
        var lines = new List<string>();
        try
        {
            var together = new List<byte[]>();
            foreach (object step in sequence.Steps)
            {
                if (step is byte[] bytes)
                {
                    together.Add(bytes);
                    continue;
                }
                await SendAsync(client, [.. together], isCutIntoBytes);
                together.Clear();
                lines.AddRange((await client.ReadUntilAsync((BackendMessage)step, TimeSpan.FromSeconds(10))).Select(Text));
            }
            // The last query is answered last, so all before it has come when it has.
            await SendAsync(client, [.. together, FrontendBytes.Query("SELECT 'the end'")], isCutIntoBytes);
            while (await client.NextAsync(TimeSpan.FromSeconds(10)) is { } message)
            {
                lines.Add(Text(message));
                if (lines[^1] == "DataRow [\"the end\"]") break;
            }
            lines.AddRange((await client.ReadUntilAsync(BackendMessage.ReadyForQuery, TimeSpan.FromSeconds(10))).Select(Text));
        }
        catch (TimeoutException)
        {
            lines.Add("(nothing more)");
        }
        // Whether bytes of the client were still unread when the other side closed, which makes it a reset, is a matter of luck.
        if (client.Wire.Ending != Ending.None) lines.Add("(ended)");
        return [.. lines];
    }

    private static async Task SendAsync(RawClient client, byte[][] messages, bool isCutIntoBytes)
    {
        if (!isCutIntoBytes) await client.SendAsync(messages);
        else
        {
            foreach (byte b in messages.SelectMany(static message => message)) await client.SendAsync([[b]]);
        }
    }

    // An error with the place it speaks of, which is the client's text's.
    private static string Text(WireMessage message)
        => message.Type == (char)BackendMessage.ErrorResponse ? $"{message} at {Encoding.ASCII.GetString(ErrorResponse.Read(message.Body)[(byte)'P'])}" : message.ToString();
}
