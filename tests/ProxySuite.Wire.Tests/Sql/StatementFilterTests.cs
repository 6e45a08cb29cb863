using System.Text;
using ProxySuite.Wire.Sql;
using Xunit;

namespace ProxySuite.Wire.Tests.Sql;

public sealed class StatementFilterTests
{
    private const string Own = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";

    private static readonly StatementRules Relaxed = Rules(isStrict: false);
    private static readonly StatementRules Strict = Rules(isStrict: true);

    [Theory]
    [InlineData("SELECT 1")]
    [InlineData("LOCKED")]
    [InlineData("SELECT 'LOCK TABLE t'")]
    [InlineData("SELECT 1 -- ; LOCK TABLE t")]
    [InlineData("SELECT $$; LOCK TABLE t$$")]
    [InlineData("SELECT E'\\'; LOCK TABLE t --'")]
    [InlineData("SELECT \"; LOCK TABLE t\"")]
    [InlineData("CREATE TABLE lock (role int)")]
    [InlineData("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$")]
    [InlineData("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END")]
    [InlineData("DO $$ BEGIN EXECUTE 'SET ROLE x'; END $$")]
    [InlineData("ALTER TABLE role ADD COLUMN x int")]
    [InlineData("ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (SET a 'b')")]
    [InlineData("COPY t FROM STDIN")]
    [InlineData("COPY t (\"from\", b) TO STDOUT (FORMAT csv, DELIMITER ';')")]
    [InlineData("COPY (SELECT 'x' FROM program) TO STDOUT")]
    [InlineData("COPY t FROM stdin USING DELIMITERS '|'")]
    [InlineData("PREPARE transaction AS SELECT 1")]
    [InlineData("PREPARE s AS SELECT 1")]
    [InlineData("SET ROLE NONE")]
    [InlineData("RESET ROLE")]
    [InlineData("SET SESSION AUTHORIZATION DEFAULT")]
    [InlineData("RESET SESSION AUTHORIZATION")]
    [InlineData("RESET ALL")]
    [InlineData("DISCARD ALL")]
    [InlineData("SET search_path = pg_temp, public")]
    [InlineData("SET TIME ZONE 'UTC'")]
    [InlineData("SET LOCAL lock_timeout = 0")]
    [InlineData("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")]
    [InlineData("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")]
    [InlineData("SET NAMES 'UTF8'")]
    [InlineData("SET NAMES DEFAULT")]
    [InlineData("SET NAMES")]
    [InlineData("SET client_encoding = latin1")]
    [InlineData("SET client_encoding TO 'WIN1252'")]
    [InlineData("SET standard_conforming_strings = on")]
    [InlineData("SET standard_conforming_strings TO 'ON'")]
    [InlineData("SET standard_conforming_strings TO DEFAULT")]
    [InlineData("SELECT pg_catalog.set_config('search_path', '', false)")]
    [InlineData("SELECT set_config($1, $2, false)")]
    [InlineData("SELECT set_config('request.jwt.claims', $1, true)")]
    [InlineData("SELECT 'set_config(''role'', ''x'')'")]
    [InlineData("SET statement_timeout = 5000")]
    [InlineData("SET statement_timeout = '5s'")]
    [InlineData("SET statement_timeout TO DEFAULT")]
    [InlineData("SET statement_timeout = '0.08 min'")]
    [InlineData("SET LOCAL work_mem = '4MB'")]
    [InlineData("SET work_mem = 4096")]
    [InlineData("SET work_mem = '0.003GB'")]
    [InlineData("SET work_mem = 0x100")]
    [InlineData("SET hash_mem_multiplier = 1.5")]
    [InlineData("SET hash_mem_multiplier = '2'")]
    [InlineData("SET statement_timeout = 'never'")]
    [InlineData("SET statement_timeout = -1")]
    [InlineData($"SET app.current_tenant_id = '{Own}'")]
    [InlineData($"SELECT set_config('app.current_tenant_id', '{Own}', false)")]
    [InlineData("SET app.current_tenant_id TO DEFAULT")]
    [InlineData("SET app.other = 'x'")]
    public void Passes_on_a_relaxed_shard(string sql) => Assert.Equal("passes", Judge(sql, Relaxed));

    [Theory]
    [InlineData("LOCK TABLE t", "LockTable LOCK")]
    [InlineData("lock t", "LockTable LOCK")]
    [InlineData("LOCK\"t\"", "LockTable LOCK")]
    [InlineData(";;/* a /* b */ */\fLOCK t", "LockTable LOCK")]
    [InlineData("--x\rLOCK t", "LockTable LOCK")]
    [InlineData("SELECT 1;LOCK t", "LockTable LOCK")]
    [InlineData("SELECT $$ ' $$; LOCK t --'", "LockTable LOCK")]
    [InlineData("SELECT 'a\\'; LOCK t --'", "LockTable LOCK")]
    [InlineData("SELECT E'a\\\\'; LOCK t --'", "LockTable LOCK")]
    [InlineData("SELECT a$$b; LOCK t --$$", "LockTable LOCK")]
    [InlineData("SELECT \"a$$\"; LOCK t --$$", "LockTable LOCK")]
    [InlineData("BEGIN; LOCK t; COMMIT", "LockTable LOCK")]
    [InlineData("ALTER ROLE CURRENT_USER PASSWORD 'x'", "AlterRole ALTER ROLE")]
    [InlineData("ALTER/**/USER SESSION_USER SET work_mem = '1GB'", "AlterRole ALTER USER")]
    [InlineData("ALTER GROUP g ADD USER u", "AlterRole ALTER GROUP")]
    [InlineData("COPY t FROM PROGRAM 'id'", "CopyFile COPY")]
    [InlineData("COPY t TO '/tmp/x'", "CopyFile COPY")]
    [InlineData("COPY (SELECT 1) TO E'/tmp/x'", "CopyFile COPY")]
    [InlineData("COPY t FROM $$/etc/passwd$$", "CopyFile COPY")]
    [InlineData("LOAD 'dblink'", "Load LOAD")]
    [InlineData("PREPARE TRANSACTION 'x'", "PrepareTransaction PREPARE TRANSACTION")]
    [InlineData("SET ROLE x", "SetRole SET ROLE")]
    [InlineData("SET LOCAL ROLE 'x'", "SetRole SET ROLE")]
    [InlineData("SET SESSION ROLE x", "SetRole SET ROLE")]
    [InlineData("SET role = x", "SetRole SET ROLE")]
    [InlineData("SET \"Role\" TO x", "SetRole SET ROLE")]
    [InlineData("SET SESSION AUTHORIZATION x", "SetRole SET SESSION AUTHORIZATION")]
    [InlineData("SET SESSION SESSION AUTHORIZATION x", "SetRole SET SESSION AUTHORIZATION")]
    [InlineData("SET LOCAL SESSION AUTHORIZATION x", "SetRole SET SESSION AUTHORIZATION")]
    [InlineData("SET session_authorization = x", "SetRole SET SESSION AUTHORIZATION")]
    [InlineData("SELECT set_config('role', 'x', false)", "SetRole SET ROLE")]
    [InlineData("SELECT set_config('role', $1, false)", "SetRole SET ROLE")]
    [InlineData("SET app.current_tenant_id = 'x'", "IdentitySetting app.current_tenant_id")]
    [InlineData("SET LOCAL \"app\".Current_Tenant_Id TO x", "IdentitySetting app.current_tenant_id")]
    [InlineData("SET app /* */ . current_tenant_id = 'x'", "IdentitySetting app.current_tenant_id")]
    [InlineData($"SET app.current_tenant_id = E'{Own}'", "IdentitySetting app.current_tenant_id")]
    [InlineData("SET app.tenant_seal = ''", "IdentitySetting app.tenant_seal")]
    [InlineData("SELECT pg_catalog . \"set_config\" ('App.Current_Tenant_Id', 'x', false)", "IdentitySetting app.current_tenant_id")]
    [InlineData("SELECT set_config('app.current_tenant_id'::text, $1, true)", "IdentitySetting app.current_tenant_id")]
    [InlineData("WITH x AS (SELECT set_config('app.current_tenant_id', 'x', true)) SELECT 1", "IdentitySetting app.current_tenant_id")]
    [InlineData("PREPARE p AS SELECT set_config('app.current_tenant_id', $1, true)", "IdentitySetting app.current_tenant_id")]
    [InlineData("EXPLAIN ANALYZE SELECT set_config('app.tenant_seal', 'x', true)", "IdentitySetting app.tenant_seal")]
    [InlineData("SET U&\"app\".current_tenant_id = 'x'", "EscapedName SET")]
    [InlineData("SET U&\"w\\006frk_mem\" = '1GB'", "EscapedName SET")]
    [InlineData("SET NAMES 'SJIS'", "ClientEncoding SJIS")]
    [InlineData("SET client_encoding TO 'GB18030'", "ClientEncoding GB18030")]
    [InlineData("SET client_encoding = E'\\123JIS'", "ClientEncoding E'\\123JIS")]
    [InlineData("SET LOCAL client_encoding = big5", "ClientEncoding big5")]
    [InlineData("SELECT set_config('client_encoding', 'Shift_JIS_2004', false)", "ClientEncoding Shift_JIS_2004")]
    [InlineData("SET standard_conforming_strings = off", "StandardConformingStrings standard_conforming_strings")]
    [InlineData("SET LOCAL standard_conforming_strings = E'off'", "StandardConformingStrings standard_conforming_strings")]
    [InlineData("SELECT set_config('work_mem', $1, true)", "ComputedSetting work_mem")]
    [InlineData("SELECT set_config('work_mem', '2' || 'GB', true)", "ComputedSetting work_mem")]
    public void Is_refused_on_a_relaxed_shard(string sql, string expected)
        => Assert.Equal(expected, Judge(sql, Relaxed));

    [Theory]
    [InlineData("SET statement_timeout = 0", "SET statement_timeout = '5000ms'")]
    [InlineData("set session statement_timeout to '1h' ;", "set session statement_timeout to '5000ms' ;")]
    [InlineData("SET statement_timeout = '400us'", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = 5001", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = 1e9", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = 010000000", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = + 9000", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = 9_000_000", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = '6'\n'000'", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = E'\\060'", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = U&'0'", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = $$0$$", "SET statement_timeout = '5000ms'")]
    [InlineData("SET statement_timeout = /**/ 0 -- x\n;SELECT 1", "SET statement_timeout = /**/ '5000ms' -- x\n;SELECT 1")]
    [InlineData("SET LOCAL work_mem = '2GB'", "SET LOCAL work_mem = '4096kB'")]
    [InlineData("SET sort_mem = 1000000", "SET sort_mem = '4096kB'")]
    [InlineData("SET work_mem = ' 5MB '", "SET work_mem = '4096kB'")]
    [InlineData("SET work_mem = 0x7fffffff", "SET work_mem = '4096kB'")]
    [InlineData("SET \"WORK_MEM\" = '1TB'", "SET \"WORK_MEM\" = '4096kB'")]
    [InlineData("SET hash_mem_multiplier = 1000", "SET hash_mem_multiplier = '2'")]
    [InlineData("BEGIN;SET work_mem='1GB';SET statement_timeout=0;COMMIT", "BEGIN;SET work_mem='4096kB';SET statement_timeout='5000ms';COMMIT")]
    [InlineData("SELECT set_config('statement_timeout', '0', false), 1", "SELECT set_config('statement_timeout', '5000ms', false), 1")]
    [InlineData("SELECT set_config('work_mem', '1GB', true), set_config('work_mem', '2GB', true)", "SELECT set_config('work_mem', '4096kB', true), set_config('work_mem', '4096kB', true)")]
    public void A_value_above_its_limit_becomes_the_limit(string sql, string expected)
    {
        byte[] text = Encoding.UTF8.GetBytes(sql);
        Assert.NotEqual(StatementTraits.None, SqlScanner.Scan(text).Traits & StatementFilter.Matters);
        StatementVerdict? verdict = StatementFilter.Judge(text, Relaxed);
        Assert.NotNull(verdict);
        Assert.Equal(StatementRefusal.None, verdict.Refusal);
        Assert.Equal(expected, Encoding.UTF8.GetString(verdict.Rewrite(text)));
    }

    [Theory]
    [InlineData("SELECT 1")]
    [InlineData("(SELECT 1)")]
    [InlineData("MERGE INTO t USING s ON true WHEN MATCHED THEN DO NOTHING")]
    [InlineData("VALUES (1)")]
    [InlineData("TABLE t")]
    [InlineData("BEGIN; SAVEPOINT a; RELEASE a; ROLLBACK")]
    [InlineData("DECLARE c CURSOR FOR SELECT 1; FETCH c; MOVE c; CLOSE c")]
    [InlineData("PREPARE p AS SELECT 1; EXECUTE p; DEALLOCATE p")]
    [InlineData("SHOW ALL")]
    [InlineData("COPY t FROM STDIN")]
    [InlineData("SET work_mem = '1MB'; RESET work_mem")]
    [InlineData("CALL p()")]
    [InlineData("")]
    public void Passes_on_a_strict_shard(string sql) => Assert.Equal("passes", Judge(sql, Strict));

    [Theory]
    [InlineData("DO $$ BEGIN END $$", "DO")]
    [InlineData("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''", "CREATE FUNCTION")]
    [InlineData("CREATE TABLE t (id int)", "CREATE TABLE")]
    [InlineData("DROP TABLE t", "DROP TABLE")]
    [InlineData("LISTEN a", "LISTEN A")]
    [InlineData("NOTIFY a", "NOTIFY A")]
    [InlineData("EXPLAIN SELECT 1", "EXPLAIN SELECT")]
    [InlineData("TRUNCATE t", "TRUNCATE T")]
    [InlineData("VACUUM", "VACUUM")]
    [InlineData("CHECKPOINT", "CHECKPOINT")]
    [InlineData("SECURITY LABEL ON TABLE t IS 'x'", "SECURITY LABEL")]
    [InlineData("\"select\" 1", "this statement")]
    [InlineData("$$select$$", "this statement")]
    [InlineData("1", "this statement")]
    [InlineData("SELECT 1; /*/**/*/ do 'x'", "DO")]
    public void Anything_else_is_refused_on_a_strict_shard(string sql, string subject)
        => Assert.Equal($"{StatementRefusal.NotOnTheList} {subject}", Judge(sql, Strict));

    [Theory]
    [InlineData("CREATE TABLE t (id int); CREATE UNIQUE INDEX ON t (id); ALTER TABLE t ADD x int; DROP TABLE t", "passes")]
    [InlineData("CREATE OR REPLACE VIEW v AS SELECT 1; COMMENT ON VIEW v IS 'x'; TRUNCATE t; ANALYZE", "passes")]
    [InlineData("CREATE PUBLICATION p FOR TABLE t; ALTER PUBLICATION p ADD TABLE u; DROP PUBLICATION p", "passes")]
    [InlineData("CREATE SUBSCRIPTION s CONNECTION 'host=elsewhere' PUBLICATION p", "NotOnTheList CREATE SUBSCRIPTION")]
    [InlineData("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS ''", "NotOnTheList CREATE OR")]
    [InlineData("CREATE TEMP TABLE t (id int)", "NotOnTheList CREATE TEMP")]
    [InlineData("CREATE TRIGGER t AFTER INSERT ON t EXECUTE FUNCTION f()", "NotOnTheList CREATE TRIGGER")]
    [InlineData("CREATE EXTENSION dblink", "NotOnTheList CREATE EXTENSION")]
    [InlineData("ALTER ROLE x PASSWORD 'x'", "AlterRole ALTER ROLE")]
    public void An_owner_makes_tables_on_a_strict_shard_and_nothing_that_runs_text(string sql, string expected)
        => Assert.Equal(expected, Judge(sql, Rules(isStrict: true, allowsDdl: true)));

    private static string Judge(string sql, StatementRules rules)
    {
        byte[] text = Encoding.UTF8.GetBytes(sql);
        StatementVerdict? verdict = StatementFilter.Judge(text, rules);
        if (verdict is null) return "passes";
        // What does not pass is seen by the one scan that every text gets.
        Assert.NotEqual(StatementTraits.None, SqlScanner.Scan(text).Traits & StatementFilter.Matters);
        return verdict.Refusal == StatementRefusal.None ? "is limited" : $"{verdict.Refusal} {verdict.Subject}";
    }

    private static StatementRules Rules(bool isStrict, bool allowsDdl = false) => new()
    {
        IsStrict = isStrict,
        AllowsDdl = allowsDdl,
        Guarded = new Dictionary<string, string?> { ["app.current_tenant_id"] = Own, ["app.tenant_seal"] = null },
        Limits = new Dictionary<string, SettingLimit>
        {
            ["statement_timeout"] = new(SettingUnit.Milliseconds, 5000, "5000ms", IsZeroNone: true),
            ["work_mem"] = new(SettingUnit.Kilobytes, 4096, "4096kB"),
            ["hash_mem_multiplier"] = new(SettingUnit.None, 2, "2"),
        },
    };
}
