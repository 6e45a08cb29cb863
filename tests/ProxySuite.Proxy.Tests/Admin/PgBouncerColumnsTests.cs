using System.Text;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Wire.Frames;
using ProxySuite.Wire.Messages;
using Xunit;

namespace ProxySuite.Proxy.Tests.Admin;

/// <summary>Every column that PgBouncer has the console has too, in the same order and of the same type, so that tools made for PgBouncer read it.</summary>
[Trait("Category", "Server")]
public sealed class PgBouncerColumnsTests
{
    private static readonly string[] Commands =
        ["SHOW VERSION", "SHOW DATABASES", "SHOW POOLS", "SHOW CLIENTS", "SHOW SERVERS", "SHOW STATS", "SHOW STATS_TOTALS", "SHOW STATS_AVERAGES", "SHOW TOTALS", "SHOW LISTS", "SHOW CONFIG", "SHOW USERS",
            "SHOW SOCKETS", "SHOW ACTIVE_SOCKETS", "SHOW MEM", "SHOW FDS", "SHOW DNS_HOSTS", "SHOW DNS_ZONES"];

    // Of SHOW MEM, with int8 for PgBouncer's int4: its caches stay below 2 GiB, a process need not.
    private static readonly string[] Wider = ["used", "free", "memtotal"];

    [Fact]
    public async Task Columns_are_PgBouncers_with_ours_behind_them()
    {
        await using ConsoleWorld world = await ConsoleWorld.StartAsync();
        using RawClient ours = await world.OpenRawAsync();
        string directory = ServerDirectory.Create("pgbouncer");
        int port = FreePort.Next();
        string config = Path.Combine(directory, "pgbouncer.ini");
        await File.WriteAllTextAsync(config, $"[databases]\nany = host=127.0.0.1\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\nadmin_users = ops\nunix_socket_dir =\n");
        ServerDirectory.GiveToPostgres(directory);
        ServerProcess pgbouncer = await ServerProcess.StartAsync("/usr/sbin/pgbouncer", [config], asPostgres: true);
        try
        {
            using RawClient theirs = await ConnectAsync(port, pgbouncer);
            foreach (string command in Commands)
            {
                string[] expected = await ColumnsAsync(theirs, command), found = await ColumnsAsync(ours, command);
                if (command == "SHOW MEM") expected = [.. expected.Select(static column => Array.Exists(Wider, name => column == $"{name} 23/4") ? column.Replace("23/4", "20/8", StringComparison.Ordinal) : column)];
                Assert.True(found.Length >= expected.Length && expected.SequenceEqual(found.Take(expected.Length)), $"{command}:\nPgBouncer {string.Join(", ", expected)}\nours      {string.Join(", ", found)}");
            }
            // Rows of lists have names of their own, which exporters turn into metrics.
            string[] lists = await NamesAsync(ours, "SHOW LISTS"), totals = await NamesAsync(ours, "SHOW TOTALS");
            Assert.All(await NamesAsync(theirs, "SHOW LISTS"), name => Assert.Contains(name, lists));
            Assert.All(await NamesAsync(theirs, "SHOW TOTALS"), name => Assert.Contains(name, totals));
        }
        finally
        {
            pgbouncer.KillTree();
            await pgbouncer.WaitForExitAsync(TimeSpan.FromSeconds(30));
            pgbouncer.Dispose();
            ServerDirectory.Remove(directory);
        }
    }

    private static async Task<RawClient> ConnectAsync(int port, ServerProcess process)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                RawClient client = await RawClient.ConnectAsync(port);
                await client.LoginAsync("ops", "pgbouncer");
                return client;
            }
            catch (System.Net.Sockets.SocketException) when (i < 300 && !process.HasExited)
            {
                await Task.Delay(50);
            }
        }
    }

    private static async Task<string[]> ColumnsAsync(RawClient client, string command)
    {
        WireMessage description = (await client.QueryAsync(command)).First(message => message.Type == (char)BackendMessage.RowDescription);
        var columns = new List<string>();
        foreach (RowDescription.Column column in RowDescription.Read(description.Body)) columns.Add($"{Encoding.UTF8.GetString(column.Name)} {column.TypeOid}/{column.TypeSize}");
        return [.. columns];
    }

    private static async Task<string[]> NamesAsync(RawClient client, string command)
    {
        var names = new List<string>();
        foreach (WireMessage row in (await client.QueryAsync(command)).Where(message => message.Type == (char)BackendMessage.DataRow))
        {
            foreach (DataRow.Value value in DataRow.Read(row.Body))
            {
                names.Add(Encoding.UTF8.GetString(value.Bytes));
                break;
            }
        }
        return [.. names];
    }
}
