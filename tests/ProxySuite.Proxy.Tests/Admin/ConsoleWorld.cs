using Npgsql;
using ProxySuite.Proxy.Options;
using ProxySuite.Proxy.Tests.Relay;
using ProxySuite.Testing.Protocol;
using ProxySuite.Testing.Servers;
using ProxySuite.Testing.World;
using ProxySuite.Wire.Scram;

namespace ProxySuite.Proxy.Tests.Admin;

/// <summary>A proxy whose shard answers every query with its own text, and a console with a user of each role.</summary>
internal sealed class ConsoleWorld : IAsyncDisposable
{
    public const string Password = "open, console";

    public static readonly AdminOptions Users = new()
    {
        Users =
        [
            new AdminUser("ops", ScramVerifier.Create(Password).ToStoredForm(), AdminRole.Admin),
            new AdminUser("scrape", ScramVerifier.Create(Password).ToStoredForm(), AdminRole.Stats),
        ],
    };

    private ConsoleWorld(ProxyWorld proxy) => Proxy = proxy;

    public ProxyWorld Proxy { get; }

    public static async Task<ConsoleWorld> StartAsync(int connections = 2, Func<ProxyOptions, ProxyOptions>? configure = null, int shardConnections = 200, bool isScripted = false)
        => new(await ProxyWorld.StartAsync(
            connections, options => (configure ?? (same => same))(options with { Admin = Users }),
            isScripted ? null : RelayScript.Echo(), shardConnections: shardConnections));

    public string Dsn(string user = "ops", string database = "proxysuite", string options = "")
        => $"Host=127.0.0.1;Port={Proxy.Port};Database={database};Username={user};Password={Password};Pooling=false;Timeout=30;Command Timeout=60;Server Compatibility Mode=NoTypeLoading;{options}";

    public async Task<NpgsqlConnection> OpenAsync(string user = "ops", string database = "proxysuite", string options = "")
    {
        var connection = new NpgsqlConnection(Dsn(user, database, options));
        await connection.OpenAsync();
        return connection;
    }

    public async Task<RawClient> OpenRawAsync(string user = "ops", string database = "pgbouncer")
    {
        RawClient client = await RawClient.ConnectAsync(Proxy.Port);
        await client.LoginAsync(user, database, Password);
        return client;
    }

    /// <summary>psql's output; columns are separated by <c>|</c>, and their names come first.</summary>
    public Task<ProcessResult> PsqlAsync(string command, string user = "ops")
        => ProcessRunner.RunAsync("psql", ["-X", "-A", "-d", $"host=127.0.0.1 port={Proxy.Port} dbname=pgbouncer user={user}", "-v", "ON_ERROR_STOP=1", "-c", command],
            environment: new Dictionary<string, string> { ["PGPASSWORD"] = Password });

    /// <summary>Rows of a command by column, read through Npgsql.</summary>
    public async Task<List<Dictionary<string, object?>>> RowsAsync(string command)
    {
        await using NpgsqlConnection connection = await OpenAsync();
        return await RowsAsync(connection, command);
    }

    public static async Task<List<Dictionary<string, object?>>> RowsAsync(NpgsqlConnection connection, string command)
    {
        await using var query = new NpgsqlCommand(command, connection);
        await using NpgsqlDataReader reader = await query.ExecuteReaderAsync();
        var rows = new List<Dictionary<string, object?>>();
        while (await reader.ReadAsync())
        {
            rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(reader.GetName, at => reader.IsDBNull(at) ? null : reader.GetValue(at)));
        }
        return rows;
    }

    /// <summary>Runs a command that has no rows.</summary>
    public async Task TellAsync(string command, string user = "ops")
    {
        await using NpgsqlConnection connection = await OpenAsync(user);
        await using var query = new NpgsqlCommand(command, connection);
        await query.ExecuteNonQueryAsync();
    }

    /// <summary>The SQLSTATE that a command is refused with.</summary>
    public async Task<string> RefusalAsync(string command, string user = "ops")
        => (await Xunit.Assert.ThrowsAsync<PostgresException>(() => TellAsync(command, user))).SqlState;

    /// <summary>Waits until something is so.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (int i = 0; !await isSo(); i++)
        {
            Xunit.Assert.True(i < 600, "it did not come about");
            await Task.Delay(50);
        }
    }

    public ValueTask DisposeAsync() => Proxy.DisposeAsync();
}
