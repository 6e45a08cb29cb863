using ProxySuite.Testing.Protocol;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.EndToEnd.Tests.Isolation;

/// <summary>Attempts to get more than the plan gives: by every route that a setting can take, and past the lexer of whoever looks at the text.</summary>
internal static class AttacksOnLimits
{
    public static IEnumerable<Attack> All()
    {
        const string Time = "statement_timeout", Memory = "work_mem";
        yield return Raise("statement_timeout = 0", Time, "ok", "SET statement_timeout = 0");
        yield return Raise("SET SESSION … TO", Time, "ok", "SET SESSION statement_timeout TO '1h'");
        yield return Raise("a value that rounds to none", Time, "ok", "SET statement_timeout = '400us'");
        yield return Raise("a value in other digits", Time, "ok 42601", "SET statement_timeout = 0x7fffff");
        yield return Raise("a value with an exponent", Time, "ok", "SET statement_timeout = 1e7");
        yield return Raise("a value in two parts", Time, "ok", "SET statement_timeout = '9'\n'00000'");
        yield return Raise("a value in escapes", Time, "ok", @"SET statement_timeout = E'\060'");
        yield return Raise("a value in Unicode escapes", Time, "ok", "SET statement_timeout = U&'0'");
        yield return Raise("a value in dollar quotes", Time, "ok 42601", "SET statement_timeout = $$0$$");
        yield return Raise("comments all over", Time, "ok", "/* /* SET */ */ SET--x\r statement_timeout /**/ = /* ' */ 0 -- y");
        yield return Raise("the name in quotes", Time, "ok", "SET \"Statement_Timeout\" = 0");
        yield return Raise("the name in escapes", Memory, "42501", "SET U&\"w\\006frk_mem\" = '1GB'");
        yield return Raise("behind another statement", Time, "ok", "SELECT 1; SET statement_timeout = 0; SELECT 2");
        yield return Raise("behind a string with a backslash", Time, "ok", @"SELECT '\'; SET statement_timeout = 0; --'");
        yield return Raise("behind a dollar in a name", Time, "ok", "SELECT 1 AS a$$b; SET statement_timeout = 0 -- $$");
        yield return Raise("behind a quoted dollar", Time, "ok", "SELECT 1 AS \"$$\"; SET statement_timeout = 0 -- $$");
        yield return Raise("behind an escape string that goes on", Time, "ok", "SELECT E'a'\n'b\\'' , '; SET statement_timeout = 0; --'");
        yield return Raise("behind form feeds and blanks", Time, "ok", "\f\t\r\n;;\fSET\fstatement_timeout\f=\f0");
        yield return Raise("behind 70 kB of comment", Time, "42501 closed", $"/* {new string('x', 70_000)} */ SET statement_timeout = 0");
        yield return Raise("set_config", Time, "ok", "SELECT set_config('statement_timeout', '0', false)");
        yield return Raise("set_config, qualified and quoted", Memory, "ok", "SELECT pg_catalog.\"set_config\"('Work_Mem', '2GB', false)");
        yield return Raise("set_config in a common table expression", Memory, "ok", "WITH x AS MATERIALIZED (SELECT set_config('work_mem', '2GB', false)) SELECT * FROM x");
        yield return Raise("set_config with a computed value", Memory, "42501", "SELECT set_config('work_mem', '2' || 'GB', false)");
        yield return Raise("set_config prepared in SQL", Memory, "42501", "PREPARE raise AS SELECT set_config('work_mem', $1, false)", "EXECUTE raise('2GB')");
        yield return Raise("set_config prepared in SQL with the value", Memory, "ok", "PREPARE raise AS SELECT set_config('work_mem', '2GB', false)", "EXECUTE raise", "EXPLAIN ANALYZE EXECUTE raise");
        yield return Raise("set_config in EXPLAIN ANALYZE", Memory, "ok", "EXPLAIN ANALYZE SELECT set_config('work_mem', '2GB', false)");
        yield return Raise("set_config in a cursor", Memory, "ok", "BEGIN", "DECLARE raise CURSOR WITH HOLD FOR SELECT set_config('work_mem', '2GB', false)", "FETCH raise", "COMMIT");
        yield return Raise("set_config in RETURNING", Memory, "ok", "INSERT INTO notes (body) VALUES ('raise') RETURNING set_config('work_mem', '2GB', false)");
        yield return Raise("UPDATE of pg_settings", Memory, "42501", "UPDATE pg_settings SET setting = '2097152' WHERE name = 'work_mem'");
        yield return Raise("work_mem", Memory, "ok", "SET work_mem = '2GB'");
        yield return Raise("work_mem by its old name", Memory, "ok", "SET sort_mem = 2097151");
        yield return Raise("hash_mem_multiplier", "hash_mem_multiplier", "ok", "SET hash_mem_multiplier = 1000");
        yield return Raise("maintenance_work_mem by its old name", "maintenance_work_mem", "ok", "SET vacuum_mem = '20GB'");
        yield return Raise("temp_buffers", "temp_buffers", "ok", "SET temp_buffers = '4GB'");
        yield return Raise("parallel workers", "max_parallel_workers_per_gather", "ok", "SET max_parallel_workers_per_gather = 1024");
        yield return Raise("temp_file_limit", "temp_file_limit", "42501", "SET temp_file_limit = -2", "SET temp_file_limit = -1");
        yield return Raise("DISCARD ALL, then SET", Time, "ok", "DISCARD ALL", "SET statement_timeout = 0");
        yield return Raise("another client encoding first", Time, "0A000", "SET client_encoding = 'SJIS'", "SELECT '\u0083\\'; SET statement_timeout = 0; --'");
        yield return Raise("backslashes in strings first", Time, "0A000", "SET standard_conforming_strings = off", @"SELECT '\'' , '; SET statement_timeout = 0; --'");
        yield return new("SET LOCAL in a transaction", "ok", async duel =>
        {
            await duel.SayAsync("BEGIN", "SET LOCAL statement_timeout = 0", "SET LOCAL work_mem = '2GB'");
            await duel.IsWithinPlanNowAsync(Time);
            await duel.IsWithinPlanNowAsync(Memory);
        });
        yield return new("back to a savepoint in front of the SET", "ok", async duel =>
        {
            await duel.SayAsync("BEGIN", "SAVEPOINT a", "SET statement_timeout = 0", "ROLLBACK TO a", "SET statement_timeout = 0", "COMMIT");
            await duel.IsWithinPlanAsync(Time);
        });
        yield return new("an unnamed Parse", "ok", async duel =>
        {
            await duel.SendAsync(1, Parse("", "SET statement_timeout = 0"), Bind("", ""), Execute(), Sync);
            await duel.IsWithinPlanAsync(Time);
        });
        yield return new("a named Parse, twice", "ok", async duel =>
        {
            await duel.SendAsync(2, Parse("a", "SET work_mem = '2GB'"), Bind("", "a"), Execute(), Sync, Parse("b", "SET work_mem = '2GB'"), Bind("", "b"), Execute(), Sync);
            await duel.IsWithinPlanAsync(Memory);
        });
        yield return new("a pipeline that changes the reading of strings between two Parses", "0A000", async duel =>
        {
            await duel.SendAsync(1,
                Parse("", "SET standard_conforming_strings = off"), Bind("", ""), Execute(), Parse("", @"SELECT '\'' , '; SET statement_timeout = 0; --'"), Bind("", ""), Execute(), Sync);
            await duel.IsWithinPlanAsync(Time);
        });
        yield return new("ALTER ROLE of oneself, then a new session", "42501", async duel =>
        {
            await duel.SayAsync("ALTER ROLE CURRENT_USER SET work_mem = '2GB'", "ALTER USER SESSION_USER SET statement_timeout = 0");
            await duel.SayAsync("SELECT current_setting('work_mem')");
            await duel.ComeBackAsync();
            using RawClient fresh = await duel.Stage.ConnectAttackerAsync();
            if (await fresh.ScalarAsync("SELECT coalesce(rolconfig::text ~ 'work_mem|statement_timeout', false) FROM pg_roles WHERE rolname = session_user") != "f") duel.Harm.Add("the role has settings of its own making");
        });
        yield return new("ALTER ROLE of oneself to another password", "42501", async duel =>
        {
            await duel.SayAsync("ALTER ROLE CURRENT_USER PASSWORD 'locked out'");
            await duel.MeanwhileVictimGetsAsync("1", "SELECT 1");
            using RawClient fresh = await duel.Stage.ConnectAttackerAsync();
        });
        yield return new("a start-up option", "ok", async duel =>
        {
            duel.Use(await duel.Stage.ConnectAttackerAsync(new KeyValuePair<string, string>("options", "-c statement_timeout=0 --work-mem=2GB")));
            await duel.IsWithinPlanAsync(Time);
            await duel.IsWithinPlanAsync(Memory);
        });
        yield return new("a start-up parameter", "ok", async duel =>
        {
            duel.Use(await duel.Stage.ConnectAttackerAsync(new KeyValuePair<string, string>("work_mem", "2GB")));
            await duel.IsWithinPlanAsync(Memory);
        });
        yield return new("a journal that outlives its server", "ok", async duel =>
        {
            await duel.SayAsync("SET work_mem = '2GB'", "SET statement_timeout = 0");
            for (int i = 0; i < 4; i++)
            {
                await duel.IsWithinPlanAsync(Memory);
                await duel.IsWithinPlanAsync(Time);
            }
        });
    }

    /// <summary>Locks of a shared table past whoever reads the text. The lock stops writers and not the victim's open transaction, which has only read.</summary>
    public static IEnumerable<Attack> Locks(bool isShared)
    {
        const string Lock = "LOCK TABLE notes IN EXCLUSIVE MODE";
        yield return Hold("as it is", Lock);
        yield return Hold("in small letters without TABLE", "lock notes in exclusive mode");
        yield return Hold("behind nested comments", $"/* /* ; */ ' */ {Lock}");
        yield return Hold("behind a comment that a carriage return ends", $"-- nothing\r{Lock}");
        yield return Hold("behind form feeds", $"\f{Lock.Replace(' ', '\f')}");
        yield return Hold("behind a SELECT", $"SELECT 1;{Lock};SELECT 2");
        yield return Hold("behind a string with a backslash", $@"SELECT '\'; {Lock}; --'");
        yield return Hold("behind an escape string", $@"SELECT E'\\'; {Lock}; --'");
        yield return Hold("behind an escape string that goes on", $"SELECT E'a'\n'\\''; {Lock}; --'");
        yield return Hold("behind dollar quotes with a tag", $"SELECT $a$ $b$ $a$; {Lock}; -- $b$");
        yield return Hold("behind a dollar in a name", $"SELECT 1 AS a$a$; {Lock}; -- $a$");
        yield return Hold("behind a Unicode identifier", $"SELECT 1 AS U&\"a\\\\\"; {Lock}; -- \"");
        yield return Hold("behind empty statements", $";;;{Lock}");
        yield return Hold("behind 70 kB of string", $"SELECT '{new string('x', 70_000)}'; {Lock}");
        yield return Hold("behind 70 kB of escape string", $"SELECT E'{new string('x', 70_000)}\\''; {Lock}");
        yield return new("LOCK by Parse", isShared ? "42501" : "ok", async duel =>
        {
            await duel.SayAsync("BEGIN");
            await duel.SendAsync(1, Parse("", Lock), Bind("", ""), Execute(), Sync);
            await IsFreeAsync(duel);
        });
        yield return new("LOCK by a named Parse behind others in a pipeline", isShared ? "42501" : "ok", async duel =>
        {
            await duel.SendAsync(2, Parse("", "BEGIN"), Bind("", ""), Execute(), Parse("l", Lock), Bind("", "l"), Execute(), Sync, Query("SELECT 1"));
            await IsFreeAsync(duel);
        });

        Attack Hold(string how, string statement) => new($"LOCK {how}", isShared ? "42501 closed" : "ok", async duel =>
        {
            await duel.SayAsync("BEGIN", statement);
            await IsFreeAsync(duel);
        });
    }

    private static Task IsFreeAsync(Duel duel)
        => duel.MeanwhileVictimGetsAsync("written", "BEGIN", "SET LOCAL lock_timeout = '200ms'", "INSERT INTO notes (body) VALUES ('written') RETURNING body");

    private static Attack Raise(string how, string setting, string outcome, params string[] statements) => new($"{setting}: {how}", outcome, async duel =>
    {
        await duel.SayAsync(statements);
        await duel.IsWithinPlanAsync(setting);
    });
}
