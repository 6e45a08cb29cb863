using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>What one session leaves behind for the next: traps that the attacker sets for the victim, and what it finds of the victim's.</summary>
internal static class AttacksByResidue
{
    public static IEnumerable<Attack> All(Stage stage)
    {
        string mark = stage.Mark, own = $"SELECT string_agg(body, ',') FROM notes WHERE body = '{mark}'";
        yield return Trap("a temporary table in the place of the victim's", own, mark, "ok 42501", "CREATE TEMP TABLE notes (tenant_id uuid, id bigint, body text)");
        yield return Trap("a temporary view in the place of the victim's", own, mark, "ok 42501", "CREATE TEMP VIEW notes AS SELECT NULL::uuid AS tenant_id, 1::bigint AS id, 'forged'::text AS body");
        yield return Trap("a search_path that leads elsewhere", own, mark, "ok", "SET search_path = pg_catalog");
        yield return Trap("a session that only reads", "INSERT INTO notes (body) VALUES ('') RETURNING 'written'", "written", "ok", "SET default_transaction_read_only = on");
        yield return Trap("a statement_timeout of 1 ms", "SELECT 'slept' FROM (SELECT pg_sleep(0.05)) s", "slept", "ok", "SET statement_timeout = '1ms'");
        yield return Trap("a lock_timeout and an isolation level", "SELECT current_setting('lock_timeout') || current_setting('default_transaction_isolation')", "0read committed", "ok",
            "SET lock_timeout = '1ms'", "SET default_transaction_isolation = 'serializable'");
        yield return Trap("a prepared statement of a name that the victim uses", "PREPARE mine AS SELECT 'my own'; EXECUTE mine", "my own", "ok", "PREPARE mine AS SELECT 'forged'");
        yield return Trap("a cursor of a name that the victim uses", "BEGIN; DECLARE mine CURSOR FOR SELECT 'my own'; FETCH mine", "my own", "ok",
            "DECLARE mine CURSOR WITH HOLD FOR SELECT 'forged'");
        yield return Trap("a TimeZone and a DateStyle", "SELECT current_setting('TimeZone') <> 'Asia/Tokyo'", "t", "ok", "SET TimeZone = 'Asia/Tokyo'", "SET DateStyle = 'SQL, DMY'");
        yield return Trap("an open transaction", "SELECT count(*) FROM notes WHERE body = 'unfinished'", "0", "ok", "BEGIN", "INSERT INTO notes (body) VALUES ('unfinished')");
        yield return Trap("a transaction that failed", "SELECT 'alive'", "alive", "22012", "BEGIN", "SELECT 1/0");
        yield return Trap("a role set by dynamic SQL", own, mark, "ok 42501", "DO $$ BEGIN EXECUTE 'SET ROLE NONE'; PERFORM set_config('role', 'none', false); END $$");
        yield return Trap("settings set by dynamic SQL", "SELECT current_setting('work_mem') <> '77MB'", "t", "ok 42501", "DO $$ BEGIN PERFORM set_config('app.work', '1', false); END $$",
            "DO $$ BEGIN EXECUTE 'SET work_mem = ''77MB'''; END $$");
        yield return Trap("row_security off", own, mark, "ok", "SET row_security = off");
        yield return new("a forged tenant id on the session", "42501", async duel =>
        {
            await duel.SayAsync($"SET app.current_tenant_id = '{stage.Attacker.Id}'", $"SET app.current_tenant_id = '{Guid.NewGuid()}'");
            await duel.VictimFindsAsync(own, mark);
        });

        yield return Find("a held cursor", "ok 34000", ["FETCH ALL c"], $"DECLARE c CURSOR WITH HOLD FOR {own}");
        yield return Find("a temporary table", "ok 42P01 42501", ["SELECT * FROM mine", "SELECT * FROM pg_temp.mine"], "CREATE TEMP TABLE mine AS SELECT body FROM notes");
        yield return Find("a prepared statement's text", "26000", ["SELECT statement FROM pg_prepared_statements", "EXECUTE p"], $"PREPARE p AS SELECT '{mark}'");
        yield return Find("a custom setting", "ok 42704", ["SELECT current_setting('app.note', true)", "SHOW app.note"], $"SET app.note = '{mark}'");
        yield return Find("an application name", "ok", ["SHOW application_name"], $"SET application_name = '{mark}'");
        yield return Find("rows of an open transaction", "ok", ["SELECT body FROM notes"], "BEGIN", $"INSERT INTO notes (body) VALUES ('{mark}')");
        yield return Find("channels and what they say", "ok 42501 0A000", ["SELECT pg_listening_channels()", "SELECT 1"], "LISTEN news", $"NOTIFY news, '{mark}'");
        yield return Hear("LISTEN", $"NOTIFY news, '{mark}'", "LISTEN news");
        yield return Hear("LISTEN, pg_notify and quotes", $"SELECT pg_notify('news', '{mark}')", "LISTEN \"news\"", "LISTEN NEWS");
        yield return Hear("LISTEN out of the proxy's sight", $"NOTIFY news, '{mark}'", "DO $$ BEGIN EXECUTE 'LIST' || 'EN news'; END $$");
        yield return Vanish("pipelined queries without reading", 3, Enumerable.Repeat(Query(own), 50).ToArray());
        yield return Vanish("an extended batch without its Sync", 3, Parse("", own), Bind("", ""), Execute(), Flush);
        yield return Vanish("half a message", 3, Query(own), Query(own)[..^3]);
        yield return Vanish("in the middle of a COPY", 3, Query("COPY notes (body) TO STDOUT"), Query("CREATE TEMP TABLE fed (t text)"), Query("COPY fed FROM STDIN"), CopyData(mark + "\n"));
        yield return Vanish("in a transaction that failed", 3, Query("BEGIN"), Query(own), Query("SELECT 1/0"));
        yield return Vanish("with statements prepared and not run", 3, Parse("s", own), DescribeStatement("s"), Sync);
        yield return new("the victim's statements by the names that the proxy gives them", "26000", async duel =>
        {
            await duel.VictimVanishesAsync(Parse("s", own), Bind("", "s"), Execute(), Sync);
            for (int i = 1; i <= 5; i++) await duel.SendAsync(1, Bind("", $"proxysuite_{i}"), Execute(), Sync);
            for (int i = 1; i <= 5; i++) await duel.SayAsync($"EXECUTE proxysuite_{i}");
            await duel.SayAsync("SELECT name, statement FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared_statements%'");
        });

        Attack Trap(string what, string ask, string expected, string outcome, params string[] statements) => new($"left for the victim: {what}", outcome, async duel =>
        {
            await duel.SayAsync(statements);
            await duel.VictimFindsAsync(ask, expected);
        });

        static Attack Find(string what, string outcome, string[] search, params string[] left) => new($"found of the victim: {what}", outcome, async duel =>
        {
            await duel.VictimLeavesAsync(left);
            await duel.SayAsync(search);
        });

        Attack Hear(string what, string said, params string[] statements) => new($"heard of the victim: {what}", "ok 42501", async duel =>
        {
            await duel.SayAsync(statements);
            await duel.MeanwhileVictimGetsAsync("said", said, "SELECT 'said'");
            // Until the victim's words would have come.
            await duel.SayAsync("SELECT 1", "SELECT pg_sleep(0.2)", "SELECT 1");
        });

        static Attack Vanish(string what, int queries, params byte[][] messages) => new($"the victim vanishes: {what}", "ok", async duel =>
        {
            await duel.VictimVanishesAsync(messages);
            for (int i = 0; i < queries; i++) await duel.SayAsync("SELECT body FROM notes");
        });
    }
}
