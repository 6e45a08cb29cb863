using Npgsql;
using ProxySuite.EndToEnd.Tests.World;
using ProxySuite.Testing.Protocol;
using ProxySuite.Wire.Frames;
using Xunit;

namespace ProxySuite.EndToEnd.Tests.Replication;

/// <summary>
/// What an owner who may replicate does to a neighbour on the same server with the attribute REPLICATION in hand: its slots by any spelling, the cluster's WAL, functions of its own that run as the
/// replication role. The neighbour's slot stays as it was and its rows stay unseen.
/// </summary>
[Collection(ProxydCollection.Name), Trait("Category", "Server")]
public sealed class ReplicationAttackTests(ProxydWorld world)
{
    private const string Secret = "secret of the prey";

    // VICTIM stands for the whole name of the neighbour's slot, FOREIGN for one without a prefix, as a move has it.
    private static readonly string[] Commands =
    [
        "DROP_REPLICATION_SLOT VICTIM", "DROP_REPLICATION_SLOT \"VICTIM\"", "DROP_REPLICATION_SLOT \"VICTIM\" WAIT", "DROP_REPLICATION_SLOT FOREIGN", "DROP_REPLICATION_SLOT \"FOREIGN\";",
        "DROP_REPLICATION_SLOT \"mine\"; DROP_REPLICATION_SLOT \"VICTIM\"", "DROP_REPLICATION_SLOT mine;\nDROP_REPLICATION_SLOT VICTIM;", "DROP_REPLICATION_SLOT/**/\"VICTIM\"",
        "DROP_REPLICATION_SLOT \"x\"\"VICTIM\"", "DROP_REPLICATION_SLOT U&\"\\0076\"", "drop_replication_slot VICTIM", "ALTER_REPLICATION_SLOT \"VICTIM\" (FAILOVER true)",
        "START_REPLICATION SLOT \"VICTIM\" LOGICAL 0/0", "START_REPLICATION SLOT VICTIM LOGICAL 0/0 (\"include-xids\" '0')", "START_REPLICATION SLOT \"FOREIGN\" LOGICAL 0/0",
        "START_REPLICATION SLOT \"VICTIM\" PHYSICAL 0/0", "START_REPLICATION SLOT \"VICTIM\" 0/0", "START_REPLICATION PHYSICAL 0/1000000", "START_REPLICATION 0/1000000 TIMELINE 1",
        "START_REPLICATION SLOT mine LOGICAL 0/0 ; START_REPLICATION 0/0", "CREATE_REPLICATION_SLOT \"physical\" PHYSICAL RESERVE_WAL", "CREATE_REPLICATION_SLOT physical TEMPORARY PHYSICAL",
        "CREATE_REPLICATION_SLOT lib LOGICAL \"/etc/passwd\"", "CREATE_REPLICATION_SLOT lib LOGICAL \"$libdir/dblink\"",
        "BASE_BACKUP", "BASE_BACKUP (LABEL 'x')", " BASE_BACKUP", ";BASE_BACKUP", "/**/BASE_BACKUP", "--\nBASE_BACKUP", "SELECT 1;BASE_BACKUP", "base_backup",
        "TIMELINE_HISTORY 1", "READ_REPLICATION_SLOT \"VICTIM\"", "UPLOAD_MANIFEST",
        "SELECT pg_drop_replication_slot('VICTIM')", "SELECT pg_catalog.pg_drop_replication_slot('VICTIM')", "SELECT \"pg_drop_replication_slot\"('VICTIM')",
        "SELECT * FROM pg_logical_slot_get_changes('VICTIM', NULL, NULL)", "SELECT * FROM pg_logical_slot_peek_binary_changes('VICTIM', NULL, NULL)",
        "SELECT pg_replication_slot_advance('VICTIM', pg_current_wal_lsn())", "SELECT pg_copy_logical_replication_slot('VICTIM', 'copied')", "SELECT pg_create_physical_replication_slot('p', true)",
        "DO $$ BEGIN PERFORM pg_drop_replication_slot('VICTIM'); END $$", "CALL evil_call()", "ALTER ROLE CURRENT_USER PASSWORD 'x'", "SET ROLE data_owner", "SET SESSION AUTHORIZATION postgres",
        "COPY notes FROM STDIN", "COPY notes TO PROGRAM 'id'", "COPY (SELECT pg_drop_replication_slot('VICTIM')) TO STDOUT", "CREATE TABLE public.x ()", "BEGIN READ WRITE",
        "SELECT * FROM pg_replication_slots", "SELECT * FROM pg_get_replication_slots()", "SELECT * FROM pg_stat_replication_slots",
        // Functions of the tenant's own, which run as the role of the session.
        "SELECT evil('SELECT pg_drop_replication_slot(''VICTIM'')')", "SELECT evil('SELECT string_agg(data, '''') FROM pg_logical_slot_peek_changes(''VICTIM'', NULL, NULL)')",
        "SELECT evil('SELECT pg_replication_slot_advance(''VICTIM'', pg_current_wal_lsn())::text')", "SELECT evil('SELECT pg_copy_logical_replication_slot(''VICTIM'', ''copied'')::text')",
        "SELECT evil('SELECT pg_create_physical_replication_slot(''p'', true)::text')", "SELECT evil('SELECT slot_name FROM pg_replication_slots WHERE slot_name ~ ''prey''')",
        "COPY (SELECT evil('SELECT pg_drop_replication_slot(''VICTIM'')')) TO STDOUT", "COPY (SELECT * FROM evil_view) TO STDOUT", "COPY evil_table TO STDOUT", "SELECT * FROM evil_view",
        "SELECT evil('ALTER ROLE ' || current_user || ' PASSWORD ''known''')", "SELECT evil('CREATE TABLE public.by_repl ()')", "SELECT evil('SELECT set_config(''transaction_read_only'', ''off'', true)')",
        "SELECT evil('GRANT ' || current_user || ' TO CURRENT_USER')",
    ];

    [Theory, InlineData(15), InlineData(18)]
    public async Task No_spelling_reaches_a_neighbours_slot_or_the_clusters_wal(int version)
    {
        ReplicationWorld here = await ReplicationWorld.OfAsync(world);
        (TestTenant own, TestTenant prey) = (await here.OwnAsync(version), here.Victim(version));
        string victim = $"{ReplicationWorld.PrefixOf(prey)}of_the_prey", foreign = $"moving_prey_{version}", role = $"{own.Role}_repl";
        await prey.Shard.ExecuteAsync($"SELECT pg_create_logical_replication_slot('{victim}', 'test_decoding'), pg_create_logical_replication_slot('{foreign}', 'test_decoding')", prey.Database);
        await prey.AsSuperuserAsync($"INSERT INTO notes (body) VALUES ('{Secret}')");
        string state = $"SELECT string_agg(concat_ws(' ', slot_name, active, restart_lsn, confirmed_flush_lsn, to_jsonb(s) ->> 'failover'), ',' ORDER BY slot_name) FROM pg_replication_slots s WHERE slot_name IN ('{victim}', '{foreign}')";
        string before = (await prey.Shard.ScalarAsync<string>(state))!;
        string password = (await own.Shard.ScalarAsync<string>($"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'"))!;
        await using (NpgsqlConnection owner = await world.Proxyd.OpenAsync(own, "owner"))
        {
            await owner.RunAsync("""
                DROP TABLE IF EXISTS evil_table CASCADE;
                CREATE OR REPLACE FUNCTION evil(sql text) RETURNS text LANGUAGE plpgsql AS $f$ DECLARE t text; BEGIN
                  PERFORM set_config('default_transaction_read_only', 'off', false);
                  IF sql ~ '^SELECT' THEN EXECUTE sql INTO t; ELSE EXECUTE sql; END IF; RETURN 'done: ' || coalesce(t, ''); END $f$;
                CREATE OR REPLACE PROCEDURE evil_call() LANGUAGE plpgsql AS $f$ BEGIN PERFORM 1; END $f$;
                """);
            await owner.RunAsync($"CREATE OR REPLACE VIEW evil_view AS SELECT evil('SELECT pg_drop_replication_slot(''{victim}'')')");
            await owner.RunAsync($"CREATE TABLE evil_table (id int); INSERT INTO evil_table VALUES (1); ALTER TABLE evil_table ENABLE ROW LEVEL SECURITY");
            await owner.RunAsync($"CREATE POLICY evil ON evil_table USING (evil('SELECT pg_drop_replication_slot(''{victim}'')') <> '')");
            await owner.RunAsync("GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO PUBLIC; GRANT SELECT ON evil_view, evil_table TO PUBLIC");
        }
        var served = new List<string>();
        using (RawClient first = await ReplicationWorld.ConnectAsync(world.Proxyd, own))
        {
            foreach (string attack in Commands)
            {
                string command = attack.Replace("VICTIM", victim, StringComparison.Ordinal).Replace("FOREIGN", foreign, StringComparison.Ordinal);
                // Some spellings may end a connection; each attack has its chance.
                using RawClient client = await ReplicationWorld.ConnectAsync(world.Proxyd, own);
                await client.SendAsync(FrontendBytes.Query(command));
                string answer = string.Join('\n', await client.ReadUntilAsync(BackendMessage.ReadyForQuery, TimeSpan.FromSeconds(30)));
                if (!answer.Contains("ErrorResponse", StringComparison.Ordinal)) served.Add(command);
                Assert.DoesNotContain(Secret, answer, StringComparison.Ordinal);
                Assert.DoesNotContain("of_the_prey\"", answer.Replace($"\"{victim}\\\"", "", StringComparison.Ordinal), StringComparison.Ordinal);
            }
            // What a function switched off is on again for the next statement.
            await first.QueryAsync("SELECT evil('SELECT 1')");
            Assert.Contains("25006", string.Join('\n', await first.QueryAsync("SELECT evil('ALTER ROLE ' || current_user || ' PASSWORD ''known''')")), StringComparison.Ordinal);
            await first.QueryAsync("BEGIN");
            Assert.Contains("25001", string.Join('\n', await first.QueryAsync("SELECT evil('SELECT set_config(''transaction_read_only'', ''off'', true)')")), StringComparison.Ordinal);
        }
        Assert.Equal([], served);
        Assert.Equal(before, await prey.Shard.ScalarAsync<string>(state));
        Assert.Equal(password, await own.Shard.ScalarAsync<string>($"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'"));
        Assert.Equal(0, await own.Shard.ScalarAsync<long>("SELECT count(*) FROM pg_replication_slots WHERE slot_name IN ('p', 'copied', 'physical', 'lib') OR slot_type = 'physical'"));

        // Logged in with the role's password itself, past the proxy, as far as SQL goes: the engine refuses by itself.
        await own.Shard.ExecuteAsync($"ALTER ROLE {role} PASSWORD 'for a moment'");
        await using (var past = new NpgsqlConnection(own.Shard.Dsn(own.Database, role, "for a moment") + ";Pooling=false"))
        {
            await past.OpenAsync();
            foreach (string sql in (string[])[$"SELECT pg_drop_replication_slot('{victim}')", $"SELECT count(*) FROM pg_logical_slot_get_changes('{foreign}', NULL, NULL)",
                $"SELECT pg_replication_slot_advance('{foreign}', pg_current_wal_lsn())", "SELECT pg_create_physical_replication_slot('p', true)", "SELECT pg_create_logical_replication_slot('l', 'pgoutput')",
                "SELECT count(*) FROM pg_replication_slots", "CREATE TABLE public.x ()"])
            {
                PostgresException refused = await Assert.ThrowsAsync<PostgresException>(() => past.RunAsync(sql));
                Assert.Equal("42501", refused.SqlState);
            }
        }
        await world.ProxyctlAsync("shard", "repair", version == 15 ? "s1" : "s2", "--tenant", own.Slug);
        Assert.Equal(before, await prey.Shard.ScalarAsync<string>(state));
        await prey.Shard.ExecuteAsync($"SELECT pg_drop_replication_slot('{victim}'), pg_drop_replication_slot('{foreign}')");
    }

    [Theory, InlineData(15), InlineData(18)]
    public async Task A_stream_shows_the_own_database_alone(int version)
    {
        ReplicationWorld here = await ReplicationWorld.OfAsync(world);
        (TestTenant own, TestTenant prey) = (await here.OwnAsync(version), here.Victim(version));
        using RawClient client = await ReplicationWorld.ConnectAsync(world.Proxyd, own);
        await client.QueryAsync("CREATE_REPLICATION_SLOT watching TEMPORARY LOGICAL test_decoding");
        await prey.AsSuperuserAsync($"INSERT INTO notes (body) VALUES ('{Secret}')");
        await (version == 15 ? world.Acme : world.Bench).AsSuperuserAsync($"INSERT INTO notes (body) VALUES ('{Secret}')");
        await own.AsSuperuserAsync("INSERT INTO notes (body) VALUES ('one of mine')");
        await ReplicationWorld.StartAsync(client, "watching");
        Assert.DoesNotContain(Secret, await ReplicationWorld.ReadUntilAsync(client, "one of mine"), StringComparison.Ordinal);
        await (version == 15 ? world.Acme : world.Bench).AsSuperuserAsync("TRUNCATE notes");
    }
}
