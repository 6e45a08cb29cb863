using System.Text;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Wire.Tests.Sql;

/// <summary>What is served on a replication connection, and as what it reaches the server.</summary>
public sealed class ReplicationCommandTests
{
    private const string Prefix = "abcdefghijkl_";

    [Theory]
    [InlineData("IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM")]
    [InlineData(" \n IDENTIFY_SYSTEM ; ", "IDENTIFY_SYSTEM")]
    [InlineData("SHOW wal_segment_size", "SHOW wal_segment_size")]
    [InlineData("SHOW App.Name;", "SHOW app.name")]
    // As CREATE SUBSCRIPTION, its tablesync workers and pg_recvlogical of 15 to 18 send them, and those of before 15.
    [InlineData("CREATE_REPLICATION_SLOT \"s\" LOGICAL pgoutput (SNAPSHOT 'nothing')", "CREATE_REPLICATION_SLOT \"abcdefghijkl_s\" LOGICAL \"pgoutput\" (SNAPSHOT 'nothing')")]
    [InlineData("CREATE_REPLICATION_SLOT \"s\" LOGICAL pgoutput (TWO_PHASE, FAILOVER, SNAPSHOT 'use')", "CREATE_REPLICATION_SLOT \"abcdefghijkl_s\" LOGICAL \"pgoutput\" (TWO_PHASE, FAILOVER, SNAPSHOT 'use')")]
    [InlineData("CREATE_REPLICATION_SLOT \"pg_16399_sync_16388_7312345678901234567\" LOGICAL pgoutput (SNAPSHOT 'use')",
        "CREATE_REPLICATION_SLOT \"abcdefghijkl_pg_16399_sync_16388_7312345678901234567\" LOGICAL \"pgoutput\" (SNAPSHOT 'use')")]
    [InlineData("CREATE_REPLICATION_SLOT \"s\" LOGICAL \"test_decoding\" NOEXPORT_SNAPSHOT", "CREATE_REPLICATION_SLOT \"abcdefghijkl_s\" LOGICAL \"test_decoding\" (SNAPSHOT 'nothing')")]
    [InlineData("CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL test_decoding", "CREATE_REPLICATION_SLOT \"abcdefghijkl_s\" TEMPORARY LOGICAL \"test_decoding\"")]
    [InlineData("CREATE_REPLICATION_SLOT S LOGICAL pgoutput TWO_PHASE EXPORT_SNAPSHOT", "CREATE_REPLICATION_SLOT \"abcdefghijkl_s\" LOGICAL \"pgoutput\" (SNAPSHOT 'export', TWO_PHASE)")]
    [InlineData("CREATE_REPLICATION_SLOT \"abcdefghijkl_s\" LOGICAL pgoutput", "CREATE_REPLICATION_SLOT \"abcdefghijkl_s\" LOGICAL \"pgoutput\"")]
    [InlineData("DROP_REPLICATION_SLOT \"s\" WAIT", "DROP_REPLICATION_SLOT \"abcdefghijkl_s\" WAIT")]
    [InlineData("DROP_REPLICATION_SLOT s;", "DROP_REPLICATION_SLOT \"abcdefghijkl_s\"")]
    [InlineData("ALTER_REPLICATION_SLOT s ( FAILOVER false )", "ALTER_REPLICATION_SLOT \"abcdefghijkl_s\" (FAILOVER 'false')")]
    [InlineData("START_REPLICATION SLOT \"s\" LOGICAL 0/0", "START_REPLICATION SLOT \"abcdefghijkl_s\" LOGICAL 0/0")]
    [InlineData("START_REPLICATION SLOT \"s\" LOGICAL 16/B374D848 (proto_version '4', streaming 'parallel', origin 'any', publication_names '\"p\",\"o''x\"')",
        "START_REPLICATION SLOT \"abcdefghijkl_s\" LOGICAL 16/B374D848 (\"proto_version\" '4', \"streaming\" 'parallel', \"origin\" 'any', \"publication_names\" '\"p\",\"o''x\"')")]
    [InlineData("START_REPLICATION SLOT s LOGICAL 0/0 (\"include-xids\" '0', \"skip\")", "START_REPLICATION SLOT \"abcdefghijkl_s\" LOGICAL 0/0 (\"include-xids\" '0', \"skip\")")]
    [InlineData("SELECT pg_catalog.set_config('search_path', '', false);", "SET search_path = ''; SELECT '' AS set_config")]
    [InlineData("SELECT DISTINCT t.schemaname FROM pg_catalog.pg_publication_tables t WHERE t.pubname IN ('p')", "SELECT DISTINCT t.schemaname FROM pg_catalog.pg_publication_tables t WHERE t.pubname IN ('p')")]
    [InlineData("select slot_name from proxysuite.replication_slots;", "select slot_name from proxysuite.replication_slots")]
    [InlineData("COPY public.t (a, b) TO STDOUT", "COPY public.t (a, b) TO STDOUT")]
    [InlineData("COPY (SELECT a FROM ONLY public.t WHERE (a > 1)) TO STDOUT WITH (FORMAT binary)", "COPY (SELECT a FROM ONLY public.t WHERE (a > 1)) TO STDOUT WITH (FORMAT binary)")]
    [InlineData("BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ", "BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ")]
    [InlineData("begin", "BEGIN READ ONLY")]
    [InlineData("START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY", "BEGIN READ ONLY ISOLATION LEVEL SERIALIZABLE")]
    [InlineData("COMMIT;", "COMMIT")]
    [InlineData("end work", "COMMIT")]
    [InlineData("ABORT TRANSACTION", "ROLLBACK")]
    [InlineData("SET extra_float_digits = 3", "SET extra_float_digits = 3")]
    [InlineData("SET session TimeZone TO 'Europe/Berlin'", "SET timezone = 'Europe/Berlin'")]
    public void What_subscribers_send_is_served_and_written_anew(string text, string sent)
        => Assert.Equal(sent, ReplicationCommand.Read(Encoding.UTF8.GetBytes(text)).ToServer(Prefix));

    [Theory]
    // What hands out the whole cluster.
    [InlineData("BASE_BACKUP", ReplicationRefusal.Physical)]
    [InlineData("\tBASE_BACKUP ( LABEL 'x' )", ReplicationRefusal.Physical)]
    [InlineData("UPLOAD_MANIFEST", ReplicationRefusal.Physical)]
    [InlineData("TIMELINE_HISTORY 1", ReplicationRefusal.Physical)]
    [InlineData("READ_REPLICATION_SLOT s", ReplicationRefusal.Physical)]
    [InlineData("START_REPLICATION 0/0", ReplicationRefusal.Physical)]
    [InlineData("START_REPLICATION PHYSICAL 0/0", ReplicationRefusal.Physical)]
    [InlineData("START_REPLICATION SLOT s 0/0", ReplicationRefusal.Physical)]
    [InlineData("START_REPLICATION SLOT s PHYSICAL 0/0 TIMELINE 1", ReplicationRefusal.Physical)]
    [InlineData("START_REPLICATION SLOT \"s\" \"LOGICAL\" 0/0", ReplicationRefusal.Physical)]
    [InlineData("CREATE_REPLICATION_SLOT s PHYSICAL", ReplicationRefusal.Physical)]
    [InlineData("CREATE_REPLICATION_SLOT s TEMPORARY PHYSICAL RESERVE_WAL", ReplicationRefusal.Physical)]
    // Names that could mean another slot, or none.
    [InlineData("DROP_REPLICATION_SLOT \"\"", ReplicationRefusal.SlotName)]
    [InlineData("DROP_REPLICATION_SLOT \"S\"", ReplicationRefusal.SlotName)]
    [InlineData("DROP_REPLICATION_SLOT \"s\"\"t\"", ReplicationRefusal.SlotName)]
    [InlineData("DROP_REPLICATION_SLOT \"s\\\"", ReplicationRefusal.SlotName)]
    [InlineData("DROP_REPLICATION_SLOT \"s-t\"", ReplicationRefusal.SlotName)]
    [InlineData("START_REPLICATION SLOT \"sé\" LOGICAL 0/0", ReplicationRefusal.SlotName)]
    [InlineData("CREATE_REPLICATION_SLOT \"a b\" LOGICAL pgoutput", ReplicationRefusal.SlotName)]
    // Naming a plug-in loads a library.
    [InlineData("CREATE_REPLICATION_SLOT s LOGICAL \"/tmp/evil\"", ReplicationRefusal.Plugin)]
    [InlineData("CREATE_REPLICATION_SLOT s LOGICAL \"$libdir/pgoutput\"", ReplicationRefusal.Plugin)]
    [InlineData("CREATE_REPLICATION_SLOT s LOGICAL dblink", ReplicationRefusal.Plugin)]
    // Anything that is not understood to its last byte.
    [InlineData("IDENTIFY_SYSTEM; BASE_BACKUP", ReplicationRefusal.Syntax)]
    [InlineData("IDENTIFY_SYSTEM;;", ReplicationRefusal.Syntax)]
    [InlineData("IDENTIFY_SYSTEM -- x", ReplicationRefusal.Syntax)]
    [InlineData("DROP_REPLICATION_SLOT s; DROP_REPLICATION_SLOT t", ReplicationRefusal.Syntax)]
    [InlineData("DROP_REPLICATION_SLOT s /* */", ReplicationRefusal.Syntax)]
    [InlineData("DROP_REPLICATION_SLOT s NOWAIT", ReplicationRefusal.Syntax)]
    [InlineData("DROP_REPLICATION_SLOT sé", ReplicationRefusal.Syntax)]
    [InlineData("DROP_REPLICATION_SLOT 's'", ReplicationRefusal.Syntax)]
    [InlineData("DROP_REPLICATION_SLOT \"s", ReplicationRefusal.Syntax)]
    [InlineData("DROP_REPLICATION_SLOT \"s\n\"", ReplicationRefusal.Syntax)]
    [InlineData("DROP_REPLICATION_SLOT U&\"s\"", ReplicationRefusal.Syntax)]
    [InlineData("CREATE_REPLICATION_SLOT s LOGICAL pgoutput RESERVE_WAL", ReplicationRefusal.Syntax)]
    [InlineData("CREATE_REPLICATION_SLOT s LOGICAL pgoutput (SNAPSHOT 'use', SNAPSHOT 'export')", ReplicationRefusal.Syntax)]
    [InlineData("CREATE_REPLICATION_SLOT s LOGICAL pgoutput (RESERVE_WAL)", ReplicationRefusal.Syntax)]
    [InlineData("CREATE_REPLICATION_SLOT s LOGICAL pgoutput (SNAPSHOT 'x')", ReplicationRefusal.Syntax)]
    [InlineData("CREATE_REPLICATION_SLOT s LOGICAL pgoutput (", ReplicationRefusal.Syntax)]
    [InlineData("ALTER_REPLICATION_SLOT s (SNAPSHOT 'use')", ReplicationRefusal.Syntax)]
    [InlineData("START_REPLICATION SLOT s LOGICAL", ReplicationRefusal.Syntax)]
    [InlineData("START_REPLICATION SLOT s LOGICAL 0/0 TIMELINE 1", ReplicationRefusal.Syntax)]
    [InlineData("START_REPLICATION SLOT s LOGICAL 0/G", ReplicationRefusal.Syntax)]
    [InlineData("START_REPLICATION SLOT s LOGICAL 0/0 (a 'b'", ReplicationRefusal.Syntax)]
    [InlineData("START_REPLICATION SLOT s LOGICAL 0/0 (a E'b')", ReplicationRefusal.Syntax)]
    [InlineData("SHOW ALL; SELECT 1", ReplicationRefusal.Syntax)]
    [InlineData("SHOW \"data_directory\" x", ReplicationRefusal.Syntax)]
    // SQL beyond the list.
    [InlineData("base_backup", ReplicationRefusal.Statement)]
    [InlineData("BASE_BACKUPX", ReplicationRefusal.Statement)]
    [InlineData("/* x */ BASE_BACKUP", ReplicationRefusal.Statement)]
    [InlineData("-- x\nSELECT 1", ReplicationRefusal.Statement)]
    [InlineData("", ReplicationRefusal.Statement)]
    [InlineData(";", ReplicationRefusal.Statement)]
    [InlineData("; BASE_BACKUP", ReplicationRefusal.Statement)]
    [InlineData("SELECT 1; SELECT 2", ReplicationRefusal.Statement)]
    [InlineData("SELECT 1;;", ReplicationRefusal.Statement)]
    [InlineData("SELECT 1); DO $$ $$; (SELECT 1", ReplicationRefusal.Statement)]
    [InlineData("DO $$ BEGIN PERFORM pg_drop_replication_slot('x'); END $$", ReplicationRefusal.Statement)]
    [InlineData("CALL p()", ReplicationRefusal.Statement)]
    [InlineData("WITH x AS (SELECT 1) SELECT * FROM x", ReplicationRefusal.Statement)]
    [InlineData("ALTER ROLE CURRENT_USER PASSWORD 'x'", ReplicationRefusal.Statement)]
    [InlineData("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", ReplicationRefusal.Statement)]
    [InlineData("INSERT INTO t VALUES (1)", ReplicationRefusal.Statement)]
    [InlineData("PREPARE p AS SELECT 1", ReplicationRefusal.Statement)]
    [InlineData("BEGIN READ WRITE", ReplicationRefusal.Statement)]
    [InlineData("START TRANSACTION READ WRITE", ReplicationRefusal.Statement)]
    [InlineData("COMMIT PREPARED 'x'", ReplicationRefusal.Statement)]
    [InlineData("COMMIT AND CHAIN", ReplicationRefusal.Statement)]
    [InlineData("COPY t FROM STDIN", ReplicationRefusal.Statement)]
    [InlineData("COPY t TO '/tmp/x'", ReplicationRefusal.Statement)]
    [InlineData("COPY t TO PROGRAM 'sh'", ReplicationRefusal.Statement)]
    [InlineData("SET transaction_read_only = off", ReplicationRefusal.Statement)]
    [InlineData("SET default_transaction_read_only TO off", ReplicationRefusal.Statement)]
    [InlineData("SET TRANSACTION READ WRITE", ReplicationRefusal.Statement)]
    [InlineData("SET role = x", ReplicationRefusal.Statement)]
    [InlineData("SET statement_timeout = 0", ReplicationRefusal.Statement)]
    [InlineData("SET timezone = (SELECT 1)", ReplicationRefusal.Statement)]
    [InlineData("SELECT pg_drop_replication_slot('x')", ReplicationRefusal.Function)]
    [InlineData("SELECT pg_catalog.\"pg_drop_replication_slot\" ('x')", ReplicationRefusal.Function)]
    [InlineData("SELECT * FROM PG_LOGICAL_SLOT_PEEK_CHANGES/**/('x', NULL, NULL)", ReplicationRefusal.Function)]
    [InlineData("COPY (SELECT pg_replication_slot_advance('x', '0/0')) TO STDOUT", ReplicationRefusal.Function)]
    public void Everything_else_is_refused(string text, ReplicationRefusal why)
    {
        ReplicationCommand command = ReplicationCommand.Read(Encoding.UTF8.GetBytes(text));
        Assert.Equal((ReplicationKind.Refused, why), (command.Kind, command.Refusal));
        Assert.Throws<InvalidOperationException>(() => command.ToServer(Prefix));
    }

    [Fact]
    public void A_name_that_begins_with_another_tenants_prefix_stays_behind_ones_own()
        => Assert.Equal("DROP_REPLICATION_SLOT \"abcdefghijkl_zzzzzzzzzzzz_s\"", ReplicationCommand.Read("DROP_REPLICATION_SLOT zzzzzzzzzzzz_s"u8).ToServer(Prefix));

    [Fact]
    public void Bytes_that_are_cut_or_changed_never_become_a_command_of_another_form()
    {
        var random = new Random(7);
        byte[][] seeds = [.. ((string[])["START_REPLICATION SLOT \"s\" LOGICAL 0/0 (proto_version '1')", "CREATE_REPLICATION_SLOT \"s\" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'use')",
            "DROP_REPLICATION_SLOT \"s\" WAIT", "SELECT 'a' FROM b WHERE c = \"d\"", "COPY (SELECT 1) TO STDOUT"]).Select(Encoding.UTF8.GetBytes)];
        for (int i = 0; i < 50_000; i++)
        {
            byte[] text = [.. seeds[random.Next(seeds.Length)]];
            for (int changes = random.Next(1, 4); changes > 0; changes--) text[random.Next(text.Length)] = (byte)" ;'\"()/*-$\\ABEPs0"[random.Next(17)];
            ReplicationCommand command = ReplicationCommand.Read(text.AsSpan(0, random.Next(1, text.Length + 1)));
            if (command.Kind == ReplicationKind.Refused) continue;
            // What is sent reads the same a second time: one command, of the same kind.
            string sent = command.ToServer(Prefix);
            Assert.Equal(sent, ReplicationCommand.Read(Encoding.UTF8.GetBytes(sent)).ToServer(Prefix));
            Assert.DoesNotContain("PHYSICAL", command.IsCommand ? sent : "", StringComparison.Ordinal);
        }
    }
}
