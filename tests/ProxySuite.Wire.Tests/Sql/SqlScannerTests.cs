using System.Text;
using ProxySuite.Wire.Sql;
using ProxySuite.Wire.Tests.Captures;
using Xunit;

namespace ProxySuite.Wire.Tests.Sql;

public sealed class SqlScannerTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData(" ;; -- nothing\n;/* ; */", 0)]
    [InlineData("SELECT 1", 1)]
    [InlineData("SELECT 1; ; \f\v", 1)]
    [InlineData("SELECT 1;SELECT 2", 2)]
    [InlineData("SELECT ';'; SELECT 2", 2)]
    [InlineData("SELECT 'it''s;'; SELECT 2", 2)]
    [InlineData(@"SELECT '\'; SELECT 2", 2)]
    [InlineData(@"SELECT E'\'; -- '; SELECT 2", 2)]
    [InlineData(@"SELECT E'a''\'; -- '; SELECT 2", 2)]
    [InlineData(@"SELECT E'\\'; SELECT 2", 2)]
    [InlineData("SELECT E'a' -- x\n 'b\\'; -- '; SELECT 2", 2)]
    [InlineData("SELECT E'a'\r'b\\'; -- '; SELECT 2", 2)]
    [InlineData("SELECT E'a' 'b\\'; SELECT 2", 2)]
    [InlineData("SELECT E'a' /* \n */ 'b\\'; SELECT 2", 2)]
    [InlineData("SELECT 1E'\\'; -- '; SELECT 2", 2)]
    [InlineData(@"SELECT name'\'; SELECT 2", 2)]
    [InlineData(@"SELECT U&'\'; SELECT 2", 2)]
    [InlineData(@"SELECT N'\'; SELECT 2", 2)]
    [InlineData(@"SELECT B'\'; SELECT 2", 2)]
    [InlineData("SELECT \"a;\"\"b;\"; SELECT 2", 2)]
    [InlineData("SELECT \"a\\\"; SELECT 2", 2)]
    [InlineData("SELECT \"$$\"; SELECT $$;$$", 2)]
    [InlineData("SELECT $$;$$; SELECT 2", 2)]
    [InlineData("SELECT $t$;$$;$u$;$t$; SELECT 2", 2)]
    [InlineData("SELECT $b$a$;$b$; SELECT 2", 2)]
    [InlineData("SELECT $T$;$t$;$T$; SELECT 2", 2)]
    [InlineData("SELECT a$b$;SELECT 2", 2)]
    [InlineData("SELECT $1;SELECT $2", 2)]
    [InlineData("SELECT $1$a$;$a$; SELECT 2", 2)]
    [InlineData("SELECT $é$;$é$; SELECT 2", 2)]
    [InlineData("SELECT $a-$;$a-$; SELECT 2", 3)]
    [InlineData("SELECT 1 /* ; /* ; */ ; */; SELECT 2", 2)]
    [InlineData("SELECT 1 /*/ ; */; SELECT 2", 2)]
    [InlineData("SELECT 1 */* ; */; SELECT 2", 2)]
    [InlineData("SELECT 1 -- ;\r; SELECT 2", 2)]
    [InlineData("SELECT 1 -- ;\n; SELECT 2", 2)]
    [InlineData("SELECT 1 -- ' \n; SELECT 2", 2)]
    [InlineData("SELECT 1 --- ;", 1)]
    [InlineData("SELECT 'open ; SELECT 2", 1)]
    [InlineData("SELECT \"open ; SELECT 2", 1)]
    [InlineData("SELECT $$open ; SELECT 2", 1)]
    [InlineData("SELECT /* open ; SELECT 2", 1)]
    [InlineData("SELECT E'open\\", 1)]
    [InlineData("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3", 2)]
    public void Statements_are_counted_as_the_server_splits_them(string sql, int count) => Assert.Equal(count, Scan(sql).StatementCount);

    [Theory]
    [InlineData("select 1", StatementKind.Select)]
    [InlineData("SELECT*FROM t", StatementKind.Select)]
    [InlineData("SELECT'x'", StatementKind.Select)]
    [InlineData("selects", StatementKind.Other)]
    [InlineData("select$1", StatementKind.Other)]
    [InlineData(" \f\v\r\n/* a */ -- b\n (( Select 1))", StatementKind.Select)]
    [InlineData("INSERT INTO t VALUES (1)", StatementKind.Insert)]
    [InlineData("update t set a = 1", StatementKind.Update)]
    [InlineData("DELETE FROM t", StatementKind.Delete)]
    [InlineData("WITH x AS (SELECT 1) SELECT * FROM x", StatementKind.With)]
    [InlineData("VALUES (1)", StatementKind.Values)]
    [InlineData("TABLE t", StatementKind.Table)]
    [InlineData("START TRANSACTION", StatementKind.Begin)]
    [InlineData("end", StatementKind.Commit)]
    [InlineData("ABORT", StatementKind.Rollback)]
    [InlineData("EXPLAIN SELECT 1", StatementKind.Explain)]
    [InlineData("ANALYSE t", StatementKind.Analyze)]
    [InlineData("FETCH 5 FROM c", StatementKind.Fetch)]
    [InlineData("TRUNCATE t", StatementKind.Truncate)]
    [InlineData("\"SELECT\" 1", StatementKind.Other)]
    [InlineData(";;COMMIT;SELECT 1", StatementKind.Commit)]
    [InlineData("-- nothing", StatementKind.None)]
    public void The_first_keyword_tells_the_kind(string sql, StatementKind kind) => Assert.Equal(kind, Scan(sql).FirstKind);

    [Theory]
    [InlineData("SELECT a, config, attempt, template FROM items WHERE tempo > 4 AND figure = 'advice'")]
    [InlineData("SELECT nextval('s'), last_value, eastval FROM s")]
    [InlineData("SELECT temp, temporary FROM weather")]
    [InlineData("INSERT INTO temp SELECT 1")]
    [InlineData("WITH x AS (INSERT INTO temp VALUES (1) RETURNING *) TABLE x")]
    [InlineData("SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2)")]
    [InlineData("SELECT name, setting FROM pg_settings")]
    [InlineData("SELECT a & b, \"x\"")]
    [InlineData("CREATE TABLE temp_a (b int)")]
    [InlineData("CREATE TEMP TABLE t (a int) ON COMMIT DROP")]
    [InlineData("CREATE TRIGGER t AFTER INSERT ON x EXECUTE FUNCTION f()")]
    [InlineData("GRANT EXECUTE ON FUNCTION f TO x")]
    [InlineData("ALTER ROLE x SET search_path = a")]
    [InlineData("UPDATE t SET role = 'x'")]
    [InlineData("DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1")]
    [InlineData("ROLLBACK PREPARED 'x'")]
    [InlineData("COMMIT PREPARED 'x'")]
    [InlineData("SHOW ALL")]
    [InlineData("EXPLAIN SELECT 1")]
    [InlineData("MERGE INTO t USING s ON true WHEN MATCHED THEN DO NOTHING")]
    public void Ordinary_statements_have_no_traits(string sql) => Assert.Equal(StatementTraits.None, Scan(sql).Traits & ~StatementTraits.Guarded);

    [Theory]
    [InlineData("DISCARD ALL", StatementTraits.Discard | StatementTraits.DiscardAll)]
    [InlineData("discard temp", StatementTraits.Discard)]
    [InlineData("DISCARD PLANS", StatementTraits.Discard)]
    [InlineData("LISTEN c", StatementTraits.Listen)]
    [InlineData("UNLISTEN *", StatementTraits.Unlisten)]
    [InlineData("NOTIFY c, 'x'", StatementTraits.Notify)]
    [InlineData("PREPARE s AS SELECT 1", StatementTraits.Prepare)]
    [InlineData("PREPARE transaction AS SELECT 1", StatementTraits.Prepare)]
    [InlineData("PREPARE TRANSACTION 'x'", StatementTraits.EndsTransaction)]
    [InlineData("EXECUTE s(1)", StatementTraits.Execute)]
    [InlineData("EXPLAIN ANALYZE EXECUTE s(1)", StatementTraits.Execute)]
    [InlineData("CREATE TABLE t AS EXECUTE s", StatementTraits.Execute)]
    [InlineData("DEALLOCATE ALL", StatementTraits.Deallocate)]
    [InlineData("DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT 1", StatementTraits.DeclareWithHold)]
    [InlineData("CREATE TEMP TABLE t (a int)", StatementTraits.CreatesTemp)]
    [InlineData("create local temporary table t ()", StatementTraits.CreatesTemp)]
    [InlineData("CREATE GLOBAL TEMP TABLE t ()", StatementTraits.CreatesTemp)]
    [InlineData("CREATE OR REPLACE TEMP VIEW v AS SELECT 1", StatementTraits.CreatesTemp)]
    [InlineData("CREATE TEMP TABLE t (a int) ON COMMIT DELETE ROWS", StatementTraits.CreatesTemp)]
    [InlineData("CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1; CREATE TEMP TABLE u (a int)", StatementTraits.CreatesTemp)]
    [InlineData("CREATE TEMP SEQUENCE s", StatementTraits.CreatesTemp)]
    [InlineData("SELECT 1 INTO TEMP t", StatementTraits.CreatesTemp)]
    [InlineData("WITH x AS (SELECT 1) SELECT * INTO TEMPORARY TABLE t FROM x", StatementTraits.CreatesTemp)]
    [InlineData("EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1", StatementTraits.CreatesTemp)]
    [InlineData("CREATE TABLE pg_temp.t (a int)", StatementTraits.CreatesTemp)]
    [InlineData("CREATE TABLE \"pg_temp\".t (a int)", StatementTraits.CreatesTemp)]
    [InlineData("LOAD 'x'", StatementTraits.Load)]
    [InlineData("DO $$ BEGIN END $$", StatementTraits.Do)]
    [InlineData("CALL p()", StatementTraits.Call)]
    [InlineData("SELECT pg_advisory_lock(1)", StatementTraits.SessionAdvisoryLock)]
    [InlineData("SELECT currval('s'), 1", StatementTraits.ReadsSequences)]
    [InlineData("SELECT id FROM t WHERE id = pg_catalog.LastVal()", StatementTraits.ReadsSequences)]
    [InlineData("SELECT PG_TRY_ADVISORY_LOCK_SHARED(1)", StatementTraits.SessionAdvisoryLock)]
    [InlineData("SELECT set_config('a.b', 'x', false)", StatementTraits.SetConfig)]
    [InlineData("SELECT pg_catalog.\"set_config\"('a.b', 'x', false)", StatementTraits.SetConfig)]
    [InlineData("DO $$ BEGIN EXECUTE 'select SET_CONFIG(1)'; END $$", StatementTraits.Do | StatementTraits.SetConfig)]
    [InlineData("UPDATE pg_settings SET setting = '1' WHERE name = 'a'", StatementTraits.SetConfig)]
    [InlineData("WITH x AS (update Pg_Settings SET setting = 1) SELECT 1", StatementTraits.SetConfig)]
    [InlineData("SELECT U&\"set\\005fconfig\"('a.b', 'x', false)", StatementTraits.UnicodeIdentifier)]
    [InlineData("SELECT u&\"x\"", StatementTraits.UnicodeIdentifier)]
    [InlineData("BEGIN", StatementTraits.BeginsTransaction)]
    [InlineData("begin isolation level serializable;", StatementTraits.BeginsTransaction)]
    [InlineData("START TRANSACTION READ ONLY", StatementTraits.BeginsTransaction)]
    [InlineData("COMMIT", StatementTraits.EndsTransaction)]
    [InlineData("COMMIT ; ", StatementTraits.EndsTransaction)]
    [InlineData("END", StatementTraits.EndsTransaction)]
    [InlineData("ROLLBACK", StatementTraits.EndsTransaction)]
    [InlineData("ABORT WORK", StatementTraits.EndsTransaction)]
    [InlineData("COMMIT AND CHAIN", StatementTraits.EndsTransaction | StatementTraits.BeginsTransaction)]
    [InlineData("ROLLBACK WORK AND CHAIN", StatementTraits.EndsTransaction | StatementTraits.BeginsTransaction)]
    [InlineData("COMMIT AND NO CHAIN", StatementTraits.EndsTransaction)]
    [InlineData("SAVEPOINT a", StatementTraits.Savepoint)]
    [InlineData("RELEASE SAVEPOINT a", StatementTraits.Savepoint)]
    [InlineData("ROLLBACK TO SAVEPOINT a", StatementTraits.Savepoint)]
    [InlineData("ROLLBACK WORK TO a", StatementTraits.Savepoint)]
    [InlineData("COPY t FROM STDIN", StatementTraits.Copy)]
    [InlineData("LOCK TABLE t", StatementTraits.Lock)]
    [InlineData("BEGIN; LISTEN c; COMMIT", StatementTraits.BeginsTransaction | StatementTraits.Listen | StatementTraits.EndsTransaction)]
    [InlineData("SELECT 'x; -- '; SET a = 1", StatementTraits.SetsSession)]
    [InlineData("SELECT 1 -- \r; SET a = 1", StatementTraits.SetsSession)]
    [InlineData("(SELECT 1); DISCARD ALL", StatementTraits.Discard | StatementTraits.DiscardAll)]
    public void Statements_that_touch_the_session_show_their_traits(string sql, StatementTraits traits) => Assert.Equal(traits, Scan(sql).Traits & ~StatementTraits.Guarded);

    [Theory]
    [InlineData("pg15")]
    [InlineData("pg18")]
    public void Random_quotes_and_comments_are_understood_as_a_real_server_understood_them(string server)
    {
        foreach ((byte[] sql, int statements, bool wasSet) in Capture.Statements(server))
        {
            StatementFacts facts = SqlScanner.Scan(sql);
            Assert.True(facts.StatementCount == statements, $"{facts.StatementCount} instead of {statements}: {Encoding.UTF8.GetString(sql)}");
            Assert.True(!wasSet || facts.Traits.HasFlag(StatementTraits.SetsSession), Encoding.UTF8.GetString(sql));
        }
    }

    [Fact]
    public void A_scan_allocates_nothing()
    {
        byte[][] texts =
        [
            "SELECT * FROM t WHERE id = 1"u8.ToArray(), "SET search_path TO a, b"u8.ToArray(), "SELECT 1; SELECT $a$ x $a$, E'\\''"u8.ToArray(),
            "CREATE TEMP TABLE t (a int)"u8.ToArray(), "RESET ALL"u8.ToArray(), "COMMIT AND CHAIN"u8.ToArray(),
            "SELECT set_config('a', 'b', false)"u8.ToArray(), "UPDATE pg_settings SET setting = '1'"u8.ToArray(),
        ];
        Array.ForEach(texts, text => SqlScanner.Scan(text));
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (byte[] text in texts)
        {
            SqlScanner.Scan(text);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static StatementFacts Scan(string sql) => SqlScanner.Scan(Encoding.UTF8.GetBytes(sql));
}
