// Npgsql: its pool with the reset on, multiplexing, prepared and auto-prepared statements, batches, COPY, LISTEN, cancellation.
using Npgsql;
using NpgsqlTypes;
using ProxySuite.Drivers;
using static ProxySuite.Drivers.Steps;

const int Workers = 6; // connections at a time; a tenant in transaction mode has two servers

string connectionString = new NpgsqlConnectionStringBuilder
{
    Host = Environment.GetEnvironmentVariable("PGHOST"),
    Port = int.Parse(Environment.GetEnvironmentVariable("PGPORT")!, System.Globalization.CultureInfo.InvariantCulture),
    Database = Environment.GetEnvironmentVariable("PGDATABASE"),
    Username = "app",
    Password = Environment.GetEnvironmentVariable("PGPASSWORD"),
    SslMode = SslMode.VerifyFull,
    RootCertificate = Environment.GetEnvironmentVariable("PGSSLROOTCERT"),
    MaxPoolSize = Workers,
}.ConnectionString;

// For the client "logins": one connection as the environment says, and what it answers.
if (args is ["ask"])
{
    try
    {
        await using var asked = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString)
        {
            Username = Environment.GetEnvironmentVariable("PGUSER"),
            SslCertificate = Environment.GetEnvironmentVariable("PGSSLCERT"),
            SslKey = Environment.GetEnvironmentVariable("PGSSLKEY"),
            Pooling = false,
        }.ConnectionString);
        await asked.OpenAsync();
        Console.WriteLine(await asked.ReadAsync<string>("SELECT 'in'"));
        return 0;
    }
    catch (PostgresException refused)
    {
        await Console.Error.WriteLineAsync(refused.MessageText);
        return 1;
    }
}

NpgsqlDataSource Pool(string options = "") => NpgsqlDataSource.Create(connectionString + ";" + options);

async Task WithAsync(string options, Func<NpgsqlDataSource, Task> work)
{
    await using NpgsqlDataSource pool = Pool(options);
    await work(pool);
}

async Task SumsAsync(NpgsqlDataSource pool, int workers) => await TogetherAsync(workers, async worker =>
{
    for (int number = 0; number < 20; number++)
    {
        await using NpgsqlCommand sum = pool.CreateCommand("SELECT $1 * 1000 + $2");
        sum.Parameters.Add(new() { Value = worker });
        sum.Parameters.Add(new() { Value = number });
        Equal(worker * 1000 + number, (int)(await sum.ExecuteScalarAsync())!);
    }
});

var steps = new Steps();
Console.WriteLine($"client Npgsql {typeof(NpgsqlConnection).Assembly.GetName().Version!.ToString(3)} (.NET {Environment.Version.ToString(2)})");

await steps.RunAsync("TLS, parameters of either side", () => WithAsync("Application Name=sharp;Timezone=Asia/Tokyo;Search Path=pg_catalog;Options=-c statement_timeout=7s", async pool =>
{
    await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
    Equal("sharp", await connection.ReadAsync<string>("SHOW application_name"));
    Equal("7s", await connection.ReadAsync<string>("SHOW statement_timeout"));
    Equal("pg_catalog", await connection.ReadAsync<string>("SHOW search_path"));
    Equal("Asia/Tokyo", connection.Timezone);
}));

await steps.RunAsync("pooling: more users than connections than servers", () => WithAsync("", pool => SumsAsync(pool, 12)));

await steps.RunAsync("pooling: the next user meets nothing of the last", () => WithAsync("Maximum Pool Size=1", async pool =>
{
    await using (NpgsqlConnection first = await pool.OpenConnectionAsync())
    {
        await first.RunAsync("SET application_name = 'left behind'; CREATE TEMP TABLE leftover (a int)");
    }
    await using NpgsqlConnection second = await pool.OpenConnectionAsync();
    Equal("", await second.ReadAsync<string>("SHOW application_name"));
    await RefusedAsync("42P01", () => second.RunAsync("SELECT * FROM leftover"));
}));

await steps.RunAsync("pooling off", () => WithAsync("Pooling=false", pool => SumsAsync(pool, Workers)));

await steps.RunAsync("multiplexing", () => WithAsync("Multiplexing=true", pool => SumsAsync(pool, 24)));

await steps.RunAsync("multiplexing with auto-prepare", () => WithAsync("Multiplexing=true;Max Auto Prepare=10;Auto Prepare Min Usages=2", pool => SumsAsync(pool, 24)));

await steps.RunAsync("prepared statements", () => WithAsync("", pool => TogetherAsync(Workers, async worker =>
{
    await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
    await using var sum = new NpgsqlCommand($"SELECT $1 * 1000 + {worker}", connection) { Parameters = { new() { Value = 0 } } };
    await sum.PrepareAsync();
    for (int number = 0; number < 40; number++)
    {
        sum.Parameters[0].Value = number;
        Equal(number * 1000 + worker, (int)(await sum.ExecuteScalarAsync())!);
    }
    await sum.UnprepareAsync();
    Equal(worker, (int)(await new NpgsqlCommand($"SELECT $1 + {worker}", connection) { Parameters = { new() { Value = 0 } } }.ExecuteScalarAsync())!);
})));

await steps.RunAsync("prepared statements kept through the pool", () => WithAsync("Maximum Pool Size=2", async pool =>
{
    for (int round = 0; round < 6; round++)
    {
        await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
        await using var command = new NpgsqlCommand("SELECT $1 || '!'", connection) { Parameters = { new() { Value = $"{round}" } } };
        await command.PrepareAsync();
        Equal($"{round}!", (string)(await command.ExecuteScalarAsync())!);
    }
}));

await steps.RunAsync("auto-prepare, more texts than it keeps", () => WithAsync("Max Auto Prepare=3;Auto Prepare Min Usages=2", pool => TogetherAsync(Workers, async worker =>
{
    await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
    for (int number = 0; number < 40; number++)
    {
        await using var command = new NpgsqlCommand($"SELECT $1 + {number % 5}", connection) { Parameters = { new() { Value = worker } } };
        Equal(worker + number % 5, (int)(await command.ExecuteScalarAsync())!);
    }
})));

await steps.RunAsync("batches, and one that fails", () => WithAsync("", async pool =>
{
    await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
    await using (var batch = new NpgsqlBatch(connection))
    {
        for (int number = 0; number < 100; number++) batch.BatchCommands.Add(new("SELECT $1") { Parameters = { new() { Value = number } } });
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync();
        for (int number = 0; number < 100; number++)
        {
            await reader.ReadAsync();
            Equal(number, reader.GetInt32(0));
            Equal(number < 99, await reader.NextResultAsync());
        }
    }
    await connection.RunAsync("DELETE FROM items");
    await using (var failing = new NpgsqlBatch(connection) { BatchCommands = { new("INSERT INTO items (n) VALUES (1)"), new("SELECT 1/0") } })
    {
        await RefusedAsync("22012", () => failing.ExecuteNonQueryAsync());
    }
    await using (var barriers = new NpgsqlBatch(connection) { EnableErrorBarriers = true, BatchCommands = { new("INSERT INTO items (n) VALUES (2)"), new("SELECT 1/0"), new("INSERT INTO items (n) VALUES (3)") } })
    {
        await RefusedAsync("22012", () => barriers.ExecuteNonQueryAsync());
    }
    Equal("2,3", await connection.ReadAsync<string>("SELECT string_agg(n::text, ',' ORDER BY n) FROM items"));
}));

await steps.RunAsync("COPY binary in and out", () => WithAsync("", async pool =>
{
    await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
    await connection.RunAsync("DELETE FROM items");
    await using (NpgsqlBinaryImporter import = await connection.BeginBinaryImportAsync("COPY items (n, body) FROM STDIN (FORMAT binary)"))
    {
        for (int n = 0; n < 5000; n++)
        {
            await import.StartRowAsync();
            await import.WriteAsync(n, NpgsqlDbType.Integer);
            await import.WriteAsync($"row {n}", NpgsqlDbType.Text);
        }
        Equal(5000ul, await import.CompleteAsync());
    }
    await using NpgsqlBinaryExporter export = await connection.BeginBinaryExportAsync("COPY (SELECT n FROM items ORDER BY n) TO STDOUT (FORMAT binary)");
    int next = 0;
    while (await export.StartRowAsync() != -1) Equal(next++, await export.ReadAsync<int>(NpgsqlDbType.Integer));
    Equal(5000, next);
}));

await steps.RunAsync("COPY text in and out, given up and refused", () => WithAsync("", async pool =>
{
    await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
    await connection.RunAsync("DELETE FROM items");
    await using (TextWriter writer = await connection.BeginTextImportAsync("COPY items (n) FROM STDIN"))
    {
        for (int n = 0; n < 5000; n++) await writer.WriteAsync($"{n}\n");
    }
    await using (NpgsqlBinaryImporter givenUp = await connection.BeginBinaryImportAsync("COPY items (n) FROM STDIN (FORMAT binary)"))
    {
        await givenUp.WriteRowAsync(default, 1);
    }
    await RefusedAsync("22P02", async () =>
    {
        await using TextWriter writer = await connection.BeginTextImportAsync("COPY items (n) FROM STDIN");
        await writer.WriteAsync("no number\n");
    });
    using TextReader reader = await connection.BeginTextExportAsync("COPY items (n) TO STDOUT");
    Equal(5000, (await reader.ReadToEndAsync()).Count(c => c == '\n'));
}));

await steps.RunAsync("LISTEN hears while the client waits and works", () => WithAsync("Keepalive=1", async pool =>
{
    await using NpgsqlConnection listener = await pool.OpenConnectionAsync();
    await using NpgsqlConnection speaker = await pool.OpenConnectionAsync();
    List<string> heard = [];
    listener.Notification += (_, notification) => heard.Add(notification.Payload);
    await listener.RunAsync("LISTEN news");
    await speaker.RunAsync("NOTIFY news, 'one'");
    Equal(true, await listener.WaitAsync(20_000));
    await speaker.RunAsync("SELECT pg_notify('news', 'two')");
    for (int tries = 0; heard.Count < 2 && tries < 400; tries++)
    {
        await listener.RunAsync("SELECT 1");
        await Task.Delay(20);
    }
    Equal("one,two", string.Join(',', heard));
    await listener.RunAsync("UNLISTEN *");
}));

await steps.RunAsync("cancellation and the command's time-out", () => WithAsync("", async pool =>
{
    await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
    await using var sleep = new NpgsqlCommand("SELECT pg_sleep(30)", connection);
    using var source = new CancellationTokenSource(300);
    try
    {
        await sleep.ExecuteNonQueryAsync(source.Token);
        Equal("cancelled", "not cancelled");
    }
    catch (OperationCanceledException cancelled)
    {
        Equal("57014", ((PostgresException)cancelled.InnerException!).SqlState);
    }
    sleep.CommandTimeout = 1;
    try
    {
        await sleep.ExecuteNonQueryAsync();
        Equal("timed out", "not timed out");
    }
    catch (NpgsqlException timedOut) when (timedOut.InnerException is TimeoutException)
    {
    }
    Equal(1, await connection.ReadAsync<int>("SELECT 1"));
}));

await steps.RunAsync("transactions and savepoints", () => WithAsync("", async pool =>
{
    await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
    await connection.RunAsync("DELETE FROM items");
    await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.Serializable))
    {
        await connection.RunAsync("INSERT INTO items (n) VALUES (1)");
        await transaction.SaveAsync("s");
        await RefusedAsync("22012", () => connection.RunAsync("SELECT 1/0"));
        await transaction.RollbackAsync("s");
        await transaction.CommitAsync();
    }
    await using (await connection.BeginTransactionAsync()) await connection.RunAsync("DELETE FROM items");
    Equal(1L, await connection.ReadAsync<long>("SELECT count(*) FROM items"));
}));

await steps.RunAsync("types made by the tenant: enum and composite", () => WithAsync("", async pool =>
{
    await using NpgsqlDataSource owners = Pool("Username=owner");
    await using NpgsqlConnection owner = await owners.OpenConnectionAsync();
    await owner.RunAsync("DROP TYPE IF EXISTS mood; CREATE TYPE mood AS ENUM ('sad', 'glad')");
    await owner.ReloadTypesAsync();
    await using var command = new NpgsqlCommand("SELECT $1", owner) { Parameters = { new() { Value = "glad", DataTypeName = "mood" } } };
    Equal("glad", (string)(await command.ExecuteScalarAsync())!);
    await owner.RunAsync("DROP TYPE mood");
}));

await steps.RunAsync("session state: temporary tables, advisory locks", () => WithAsync("", async pool =>
{
    await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
    await connection.RunAsync("CREATE TEMP TABLE mine (a int)");
    await connection.RunAsync("SELECT pg_advisory_lock(44)");
    for (int number = 0; number < 5; number++) await connection.RunAsync("INSERT INTO mine VALUES (1)");
    Equal(5L, await connection.ReadAsync<long>("SELECT count(*) FROM mine"));
    Equal(true, await connection.ReadAsync<bool>("SELECT pg_advisory_unlock(44)"));
}));

if (HasOwnServer)
{
    await steps.RunAsync("backend pid is the server's", () => WithAsync("", async pool =>
    {
        await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
        Equal(connection.ProcessID, await connection.ReadAsync<int>("SELECT pg_backend_pid()"));
    }));
}

return steps.End();

/// <summary>Short forms for statements.</summary>
internal static class ShortForms
{
    public static async Task RunAsync(this NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<T> ReadAsync<T>(this NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
