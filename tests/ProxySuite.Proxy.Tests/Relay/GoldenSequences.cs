using ProxySuite.Wire.Frames;
using static ProxySuite.Testing.Protocol.FrontendBytes;

namespace ProxySuite.Proxy.Tests.Relay;

/// <summary>What a client sends, with pauses in which it waits for a message of the server.</summary>
/// <param name="Name">What it is about.</param>
/// <param name="Steps">Bytes to send, or the type of a message to wait for.</param>
internal sealed record GoldenSequence(string Name, params object[] Steps);

/// <summary>Message orders that drivers use, and hostile ones; each ends in a state in which a Query is answered.</summary>
internal static partial class GoldenSequences
{
    private const BackendMessage CopyInResponse = BackendMessage.CopyInResponse;
    private const BackendMessage ErrorResponse = BackendMessage.ErrorResponse;

    public static IReadOnlyList<GoldenSequence> All { get; } = [.. Ordinary, .. GoldenNotation.Read(SqlPrepare), .. GoldenNotation.Read(Hostile)];

    private static IReadOnlyList<GoldenSequence> Ordinary =>
    [
        new("several syncs", Sync, Sync, Sync),
        new("flush alone", Flush, Sync),
        new("empty query", Query("")),
        new("only a comment", Query("-- nothing")),
        new("empty statement, extended", Parse("", ""), Bind("", ""), DescribePortal(""), Execute(), Sync),
        new("several statements", Query("SELECT 1; SELECT 2; SELECT 3")),
        new("several statements with an error in the middle", Query("SELECT 1; SELECT 1/0; SELECT 3")),
        new("a transaction over several statements with an error", Query("BEGIN; SELECT 1/0; COMMIT"), Query("SELECT 1"), Query("ROLLBACK")),
        new("pipelined simple queries", Query("SELECT 1"), Query("SELECT 1/0"), Query("SELECT 3")),
        new("syntax error", Query("SELEC 1")),
        new("syntax error, extended", Parse("", "SELEC 1"), Bind("", ""), Execute(), Sync),
        new("unnamed round", Parse("", "SELECT $1::int + 1", 23), Bind("", "", "41"), DescribePortal(""), Execute(), Sync),
        new("flush instead of sync", Parse("", "SELECT 7"), DescribeStatement(""), Flush, BackendMessage.RowDescription, Bind("", ""), Execute(), Sync),
        new("unnamed behind its sync", Parse("", "SELECT 'behind'"), Sync, BackendMessage.ReadyForQuery, Bind("", ""), Execute(), Sync),
        new("unnamed described behind its sync", Parse("", "SELECT $1::date"), DescribeStatement(""), Sync, BackendMessage.ReadyForQuery, Bind("", "", "2020-02-02"), Execute(), Sync),
        new("unnamed twice", Parse("", "SELECT 1"), Parse("", "SELECT 2"), Bind("", ""), Execute(), Sync),
        new("unnamed destroyed by a query", Parse("", "SELECT 1"), Sync, BackendMessage.ReadyForQuery, Query("SELECT 2"), Bind("", ""), Execute(), Sync),
        new("unnamed closed", Parse("", "SELECT 1"), CloseStatement(""), Bind("", ""), Sync),
        new("no unnamed", Bind("", ""), Execute(), Sync),
        new("named round", Parse("s", "SELECT $1::text"), Bind("p", "s", "x"), DescribeStatement("s"), DescribePortal("p"), Execute("p"), ClosePortal("p"), CloseStatement("s"), Sync),
        new("named over several syncs", Parse("s", "SELECT 'named'"), Sync, Bind("", "s"), Execute(), Sync, Bind("", "s"), Execute(), Sync),
        new("named twice", Parse("s", "SELECT 1"), Sync, Parse("s", "SELECT 2"), Sync, Bind("", "s"), Execute(), Sync),
        new("named closed and made anew", Parse("s", "SELECT 1"), CloseStatement("s"), Parse("s", "SELECT 2"), Bind("", "s"), Execute(), Sync),
        new("named failed and made anew", Parse("s", "SELEC"), Sync, Parse("s", "SELECT 2"), Bind("", "s"), Execute(), Sync),
        new("same text under two names", Parse("s", "SELECT 'same'"), Parse("z", "SELECT 'same'"), Bind("", "s"), Execute(), Bind("", "z"), Execute(), Sync),
        new("unknown statement", Bind("", "nobody"), Execute(), Sync),
        new("unknown statement described", DescribeStatement("nobody"), Sync),
        new("unknown portal", Execute("nobody"), Sync),
        new("unknown portal described", DescribePortal("nobody"), Sync),
        new("close of unknown names", CloseStatement("nobody"), ClosePortal("nobody"), Sync),
        new("a name of the proxy's", Parse("proxysuite_1", "SELECT 'mine'"), Bind("", "proxysuite_1"), Execute(), Sync),
        new("too few parameters", Parse("s", "SELECT $1::int"), Bind("", "s"), Execute(), Sync),
        new("a parameter that is none", Parse("s", "SELECT $1::int"), Bind("", "s", "x"), Execute(), Sync),
        new("two statements in one parse", Parse("", "SELECT 1; SELECT 2"), Sync),
        new("error in the middle of a pipeline", Parse("", "SELECT 1"), Bind("", ""), Execute(), Parse("", "SELECT 1/0"), Bind("", ""), Execute(), Parse("", "SELECT 3"), Bind("", ""), Execute(), Sync),
        new("error between syncs", Parse("", "SELECT 1/0"), Bind("", ""), Execute(), Sync, Parse("", "SELECT 2"), Bind("", ""), Execute(), Sync),
        new("query inside a failed batch", Parse("", "SELECT 1/0"), Bind("", ""), Execute(), Query("SELECT 'skipped'"), Sync),
        new("query behind a batch without sync", Parse("", "SELECT 1"), Bind("", ""), Execute(), Query("SELECT 2")),
        new("close and reparse behind an error", Parse("s", "SELECT 'old'"), Sync, Bind("", "nobody"), CloseStatement("s"), Parse("s", "SELECT 'new'"), Sync, ErrorResponse, BackendMessage.ReadyForQuery, Bind("", "s"), Execute(), Sync),
        new("error at commit", Query("INSERT INTO deferred VALUES (-1)"), Parse("", "INSERT INTO deferred VALUES (-1)"), Bind("", ""), Execute(), Sync),
        new("portal suspended in a transaction", Query("BEGIN"), Parse("", "SELECT generate_series(1, 5)"), Bind("p", ""), Execute("p", 2), Execute("p", 2), Sync, Execute("p", 2), Execute("p", 2), Sync, Query("COMMIT")),
        new("portal suspended without a transaction", Parse("", "SELECT generate_series(1, 5)"), Bind("p", ""), Execute("p", 2), Sync, Execute("p", 2), Sync),
        new("portal of a failed transaction", Query("BEGIN"), Parse("", "SELECT 1"), Bind("p", ""), Sync, Query("SELECT 1/0"), Execute("p"), Sync, Query("ROLLBACK")),
        new("savepoints", Query("BEGIN"), Query("SAVEPOINT a"), Query("SELECT 1/0"), Query("ROLLBACK TO a"), Query("SELECT 2"), Query("COMMIT")),
        new("commit of a failed transaction", Query("BEGIN"), Query("SELECT 1/0"), Query("COMMIT")),
        new("begin inside begin", Query("BEGIN"), Query("BEGIN"), Query("ROLLBACK"), Query("ROLLBACK")),
        new("rows returned by a write", Query("CREATE TABLE w (n int)"), Parse("", "INSERT INTO w VALUES ($1::int) RETURNING n"), Bind("", "", "5"), DescribePortal(""), Execute(), Sync, Query("DROP TABLE w")),
        new("copy in", Query("COPY t FROM STDIN"), CopyInResponse, CopyData("1\n2\n"), CopyDone, Query("SELECT count(*) FROM t"), Query("TRUNCATE t")),
        new("copy in sent blindly", Query("COPY t FROM STDIN"), CopyData("1\n"), CopyDone, Query("TRUNCATE t")),
        new("copy in that fails", Query("COPY t FROM STDIN"), CopyInResponse, CopyData("x\n"), ErrorResponse, CopyData("2\n"), CopyDone, Query("SELECT 1")),
        new("copy in given up", Query("COPY t FROM STDIN"), CopyInResponse, CopyFail("changed my mind"), Query("SELECT 1")),
        new("copy in of a table that is none", Query("COPY nowhere FROM STDIN"), CopyData("1\n"), CopyDone, Query("SELECT 1")),
        new("extended copy in", Parse("", "COPY t FROM STDIN"), Bind("", ""), Execute(), Sync, CopyInResponse, CopyData("1\n"), CopyDone, Sync, Query("TRUNCATE t")),
        new("extended copy in, three syncs and one answer", Parse("", "COPY t FROM STDIN"), Bind("", ""), Execute(), Sync, Sync, CopyInResponse, CopyData("1\n"), Flush, CopyDone, Sync, Query("TRUNCATE t")),
        new("extended copy in sent blindly", Parse("", "COPY t FROM STDIN"), Bind("", ""), Execute(), CopyData("1\n"), CopyDone, Sync, Query("TRUNCATE t")),
        new("extended copy in that fails", Parse("", "COPY t FROM STDIN"), Bind("", ""), Execute(), Flush, CopyInResponse, CopyData("x\n"), CopyDone, Sync, Query("SELECT 1")),
        new("extended copy in that fails before its sync is read", Parse("", "COPY guarded FROM STDIN"), Bind("", ""), Execute(), Sync, ErrorResponse, CopyDone, Sync, Query("SELECT 1")),
        new("two copies in one query", Query("COPY t FROM STDIN; COPY t FROM STDIN"), CopyInResponse, CopyData("1\n"), CopyDone, CopyInResponse, CopyData("2\n"), CopyDone, Query("TRUNCATE t")),
        new("copy out", Query("COPY (SELECT generate_series(1, 3)) TO STDOUT"), Query("SELECT 1")),
        new("extended copy out", Parse("", "COPY (SELECT generate_series(1, 3)) TO STDOUT"), Bind("", ""), DescribePortal(""), Execute(), Sync),
        new("copy out that fails", Query("COPY (SELECT 1/(3-n) FROM generate_series(1, 5) n) TO STDOUT"), Query("SELECT 1")),
        new("late copy messages", CopyData("1\n"), CopyDone, CopyFail("x"), Query("SELECT 1")),
        new("settings over several queries", Query("SET a.b = 'c'"), BackendMessage.ReadyForQuery, Query("SELECT current_setting('a.b')"), Query("RESET a.b"), BackendMessage.ReadyForQuery, Query("SELECT coalesce(current_setting('a.b', true), '')")),
        new("settings in a pipeline", Query("SELECT 1/0"), Query("SET a.d = 'kept'"), Query("SET work_mem = 'nonsense'"), BackendMessage.ReadyForQuery, Query("SELECT current_setting('a.d')"), Query("SELECT current_setting('a.d')")),
        new("settings rolled back", Query("BEGIN"), Query("SET a.e = 'gone'"), Query("ROLLBACK"), BackendMessage.ReadyForQuery, Query("SELECT coalesce(current_setting('a.e', true), '')")),
        new("set local", Query("BEGIN"), Query("SET LOCAL a.f = 'inside'"), Query("SELECT current_setting('a.f')"), Query("COMMIT")),
        new("temporary table", Query("CREATE TEMP TABLE tmp (n int)"), BackendMessage.ReadyForQuery, Query("INSERT INTO tmp VALUES (1)"), BackendMessage.ReadyForQuery, Query("SELECT * FROM tmp")),
        new("prepare and execute in SQL", Query("PREPARE q(int) AS SELECT $1 + 1"), BackendMessage.ReadyForQuery, Query("EXECUTE q(1)"), BackendMessage.ReadyForQuery, Query("DEALLOCATE q"), Query("EXECUTE q(1)")),
        new("cursor with hold", Query("DECLARE h CURSOR WITH HOLD FOR SELECT generate_series(1, 3)"), BackendMessage.ReadyForQuery, Query("FETCH 2 FROM h"), BackendMessage.ReadyForQuery, Query("FETCH 2 FROM h"), Query("CLOSE h")),
        new("notify to oneself", Query("LISTEN news"), BackendMessage.ReadyForQuery, Query("NOTIFY news, 'hello'"), BackendMessage.NotificationResponse, Query("SELECT 1")),
        new("discard all and on", Parse("s", "SELECT 1"), Sync, Query("SET a.g = '1'"), Query("DISCARD ALL"), Parse("s", "SELECT 2"), Bind("", "s"), Execute(), Sync, Query("SELECT coalesce(current_setting('a.g', true), '')")),
        new("discard all in a transaction", Parse("s", "SELECT 1"), Sync, Query("BEGIN"), Query("DISCARD ALL"), Query("ROLLBACK"), Bind("", "s"), Execute(), Sync),
        new("deallocate all", Parse("s", "SELECT 1"), Sync, Query("DEALLOCATE ALL"), Bind("", "s"), Execute(), Sync),
        new("notice", Query("DO $$ BEGIN RAISE NOTICE 'hello'; END $$"), Query("SELECT 1")),
        new("a large row", Query("SELECT repeat('x', 300000)")),
        new("a large parameter", Parse("", "SELECT length($1::text)"), Bind("", "", new string('x', 300_000)), Execute(), Sync),
        new("a large statement", Parse("s", "SELECT length('" + new string('x', 300_000) + "')"), Bind("", "s"), Execute(), Sync, Bind("", "s"), Execute(), Sync),
        new("a large query", Query("SELECT length('" + new string('x', 300_000) + "')")),
    ];
}
