using Npgsql;
using NpgsqlTypes;
using ProxySuite.EndToEnd.Tests.World;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Clients;

/// <summary>Npgsql with what applications switch on: its own pool, prepared statements, batches, binary COPY, cancellation, multiplexing.</summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class NpgsqlTests(ProxydWorld world)
{
    private const string AutoPrepare = "Max Auto Prepare=20;Auto Prepare Min Usages=2";

    private Proxyd Proxyd => world.Proxyd;

    [Fact]
    public async Task Its_pool_cleans_what_a_user_of_a_connection_left_behind()
    {
        NpgsqlDataSource pool = Proxyd.Pool(world.Acme, "Maximum Pool Size=1");
        await using (NpgsqlConnection first = await pool.OpenConnectionAsync())
        {
            await first.RunAsync("SET application_name = 'left behind'; SET TimeZone = 'Asia/Tokyo'; CREATE TEMP TABLE leftover (id int)");
            Assert.Equal("left behind", await first.ReadAsync<string>("SHOW application_name"));
        }
        // Npgsql sends DISCARD ALL in front of the next user's first statement.
        await using NpgsqlConnection second = await pool.OpenConnectionAsync();
        Assert.Equal("", await second.ReadAsync<string>("SHOW application_name"));
        Assert.NotEqual("Asia/Tokyo", await second.ReadAsync<string>("SHOW TimeZone"));
        Assert.Equal(0, await second.ReadAsync<long>("SELECT count(*) FROM pg_class WHERE relname = 'leftover' AND pg_table_is_visible(oid)"));
        Assert.Equal(world.Acme.Id.ToString(), await second.ReadAsync<string>("SELECT current_setting('app.current_tenant_id')"));
        await Proxyd.UntilMetricAsync(0, "proxysuite_tenant_pinned_clients", "tenant=\"acme\"");
    }

    [Fact]
    public async Task Prepared_statements_of_many_connections_work_on_whatever_server_they_meet()
    {
        NpgsqlDataSource pool = Proxyd.Pool(world.Bench, "Maximum Pool Size=12");
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async worker =>
        {
            await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
            await using var sum = new NpgsqlCommand($"SELECT $1 + $2 + {worker}", connection) { Parameters = { new() { Value = 0 }, new() { Value = 0 } } };
            await using var text = new NpgsqlCommand("SELECT $1::text || '!'", connection) { Parameters = { new() { Value = "" } } };
            await sum.PrepareAsync();
            await text.PrepareAsync();
            for (int round = 0; round < 50; round++)
            {
                (sum.Parameters[0].Value, sum.Parameters[1].Value, text.Parameters[0].Value) = (round, 1000, $"{worker}/{round}");
                Assert.Equal(round + 1000 + worker, await sum.ExecuteScalarAsync());
                Assert.Equal($"{worker}/{round}!", await text.ExecuteScalarAsync());
            }
        }));
    }

    [Fact]
    public async Task A_pool_that_prepares_by_itself_holds_no_server_between_uses()
    {
        NpgsqlDataSource pool = Proxyd.Pool(world.Globex, $"Maximum Pool Size=8;{AutoPrepare}");
        for (int round = 0; round < 4; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
            {
                await using NpgsqlConnection connection = await pool.OpenConnectionAsync();
                for (int use = 0; use < 5; use++)
                {
                    await using var command = new NpgsqlCommand("SELECT $1 * 2", connection) { Parameters = { new() { Value = worker } } };
                    Assert.Equal(worker * 2, await command.ExecuteScalarAsync());
                }
            }));
        }
        await Proxyd.UntilMetricAsync(0, "proxysuite_tenant_pinned_clients", "tenant=\"globex\"");
        await Proxyd.UntilMetricAsync(0, "proxysuite_tenant_servers", "tenant=\"globex\"", "state=\"active\"");
    }

    [Fact]
    public async Task A_batch_is_answered_in_order_and_its_failure_undoes_all_of_it()
    {
        await using NpgsqlConnection connection = await Proxyd.OpenAsync(world.Acme);
        await using (var batch = new NpgsqlBatch(connection))
        {
            for (int number = 0; number < 100; number++) batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT $1") { Parameters = { new() { Value = number } } });
            await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync();
            for (int number = 0; number < 100; number++)
            {
                Assert.True(await reader.ReadAsync());
                Assert.Equal(number, reader.GetInt32(0));
                Assert.Equal(number < 99, await reader.NextResultAsync());
            }
        }
        await using var failing = new NpgsqlBatch(connection)
        {
            BatchCommands = { new("INSERT INTO notes (body) VALUES ('batch')"), new("SELECT 1/0"), new("INSERT INTO notes (body) VALUES ('batch')") },
        };
        PostgresException failed = await Assert.ThrowsAsync<PostgresException>(() => failing.ExecuteNonQueryAsync());
        Assert.Equal("22012", failed.SqlState);
        Assert.Equal(0, await connection.ReadAsync<long>("SELECT count(*) FROM notes WHERE body = 'batch'"));
    }

    [Fact]
    public async Task Binary_copy_goes_both_ways_and_one_that_is_given_up_leaves_nothing()
    {
        await using NpgsqlConnection connection = await Proxyd.OpenAsync(world.Initech);
        await connection.RunAsync("DELETE FROM notes");
        await using (NpgsqlBinaryImporter import = await connection.BeginBinaryImportAsync("COPY notes (id, body) FROM STDIN (FORMAT binary)"))
        {
            for (long id = 1; id <= 20_000; id++)
            {
                await import.StartRowAsync();
                await import.WriteAsync(id, NpgsqlDbType.Bigint);
                await import.WriteAsync($"row {id}", NpgsqlDbType.Text);
            }
            Assert.Equal(20_000ul, await import.CompleteAsync());
        }
        long expected = 0;
        await using (NpgsqlBinaryExporter export = await connection.BeginBinaryExportAsync("COPY (SELECT id, body FROM notes ORDER BY id) TO STDOUT (FORMAT binary)"))
        {
            while (await export.StartRowAsync() != -1)
            {
                Assert.Equal(++expected, await export.ReadAsync<long>(NpgsqlDbType.Bigint));
                Assert.Equal($"row {expected}", await export.ReadAsync<string>(NpgsqlDbType.Text));
            }
        }
        Assert.Equal(20_000, expected);
        await using (NpgsqlBinaryImporter given = await connection.BeginBinaryImportAsync("COPY notes (id, body) FROM STDIN (FORMAT binary)"))
        {
            await given.StartRowAsync();
            await given.WriteAsync(99_999L, NpgsqlDbType.Bigint);
            await given.WriteAsync("given up", NpgsqlDbType.Text);
        }
        Assert.Equal(20_000, await connection.ReadAsync<long>("SELECT count(*) FROM notes"));
        await connection.RunAsync("DELETE FROM notes");
    }

    [Fact]
    public async Task Cancellation_ends_the_statement_and_keeps_the_connection()
    {
        await using NpgsqlConnection connection = await Proxyd.OpenAsync(world.Acme);
        await using var sleep = new NpgsqlCommand("SELECT pg_sleep(50)", connection);
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sleep.ExecuteNonQueryAsync(source.Token));
        Assert.Equal("57014", Assert.IsType<PostgresException>(cancelled.InnerException).SqlState);
        Assert.Equal(7, await connection.ReadAsync<int>("SELECT 7"));
    }

    [Fact]
    public async Task Multiplexing_answers_each_caller_with_its_own_row()
    {
        NpgsqlDataSource pool = Proxyd.Pool(world.Bench, "Multiplexing=true;Maximum Pool Size=6");
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async worker =>
        {
            for (int round = 0; round < 50; round++)
            {
                await using NpgsqlCommand command = pool.CreateCommand("SELECT $1 || '/' || $2::text");
                command.Parameters.Add(new() { Value = $"{worker}" });
                command.Parameters.Add(new() { Value = round });
                Assert.Equal($"{worker}/{round}", await command.ExecuteScalarAsync());
            }
        }));
    }

    [Fact]
    public async Task Transactions_with_savepoints_commit_what_they_say()
    {
        await using NpgsqlConnection connection = await Proxyd.OpenAsync(world.Hooli);
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead))
        {
            Assert.Equal("repeatable read", await connection.ReadAsync<string>("SHOW transaction_isolation"));
            await connection.RunAsync("INSERT INTO notes (body) VALUES ('kept')");
            await transaction.SaveAsync("s");
            await connection.RunAsync("INSERT INTO notes (body) VALUES ('undone')");
            await Assert.ThrowsAsync<PostgresException>(() => connection.RunAsync("SELECT 1/0"));
            await transaction.RollbackAsync("s");
            await transaction.CommitAsync();
        }
        Assert.Equal("kept", await connection.ReadAsync<string>("SELECT string_agg(body, ',') FROM notes"));
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync())
        {
            await connection.RunAsync("DELETE FROM notes");
        }
        Assert.Equal(1, await connection.RunAsync("DELETE FROM notes WHERE body = 'kept'"));
    }

    [Fact]
    public async Task A_listener_hears_while_it_waits_and_keeps_no_server()
    {
        List<string> heard = [];
        await using (NpgsqlConnection listener = await Proxyd.OpenAsync(world.Initech))
        {
            listener.Notification += (_, notification) => heard.Add(notification.Payload);
            await listener.RunAsync("LISTEN news");
            await Proxyd.UntilMetricAsync(0, "proxysuite_tenant_pinned_clients", "tenant=\"initech\"");
            await using NpgsqlConnection speaker = await Proxyd.OpenAsync(world.Initech);
            await speaker.RunAsync("NOTIFY news, 'first'");
            Assert.True(await listener.WaitAsync(Proxyd.Patience));
            await speaker.RunAsync("NOTIFY news, 'second'");
            Assert.True(await listener.WaitAsync(Proxyd.Patience));
        }
        Assert.Equal(["first", "second"], heard);
        await Proxyd.UntilMetricAsync(0, "proxysuite_tenant_pinned_clients", "tenant=\"initech\"");
        await using NpgsqlConnection next = await Proxyd.OpenAsync(world.Initech);
        Assert.Equal(0, await next.ReadAsync<long>("SELECT count(*) FROM pg_listening_channels()"));
    }
}
