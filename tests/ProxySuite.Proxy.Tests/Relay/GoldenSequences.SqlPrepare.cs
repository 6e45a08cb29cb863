namespace ProxySuite.Proxy.Tests.Relay;

internal static partial class GoldenSequences
{
    /// <summary>PREPARE, EXECUTE and DEALLOCATE, alone and mixed with the protocol's own statements.</summary>
    private const string SqlPrepare = """"
        # prepare and execute on other servers
        Q PREPARE q AS SELECT 1 AS one
        ?Z
        Q EXECUTE q
        ?Z
        Q EXECUTE q
        ?Z
        Q EXECUTE q
        # typed, and wrong arguments
        Q PREPARE q(int, text) AS SELECT $1 + 1, $2 || '!'
        ?Z
        Q EXECUTE q(1, 'a')
        ?Z
        Q EXECUTE q('2', 'b')
        ?Z
        Q EXECUTE q(1)
        Q EXECUTE q(1, 2, 3)
        Q EXECUTE q('x', 'y')
        # prepared with types of the schema
        Q PREPARE q(mood, mood[]) AS SELECT $1, $2[1]
        ?Z
        Q EXECUTE q('good', ARRAY['bad']::mood[])
        ?Z
        Q EXECUTE q('nosuch', NULL)
        # duplicate in SQL
        Q PREPARE s AS SELECT 1
        ?Z
        Q PREPARE s AS SELECT 2
        ?Z
        Q PREPARE s AS SELECT nosuch
        ?Z
        Q EXECUTE s
        # duplicate of a protocol statement
        P s|SELECT 'protocol'
        S
        ?Z
        Q PREPARE s AS SELECT 'sql'
        ?Z
        Q EXECUTE s
        # duplicate in the protocol of one in SQL
        Q PREPARE s AS SELECT 'sql'
        ?Z
        P s|SELECT 'protocol'
        S
        ?Z
        Q EXECUTE s
        # unknown names
        Q EXECUTE nobody
        Q DEALLOCATE nobody
        Q DEALLOCATE PREPARE nobody
        Q EXPLAIN EXECUTE nobody
        Q CREATE TABLE never AS EXECUTE nobody
        # a name of the proxy's in SQL
        Q EXECUTE s1
        Q DEALLOCATE s1
        # protocol statement executed in SQL
        P a|SELECT $1::int * 2|23
        S
        ?Z
        Q EXECUTE a(21)
        ?Z
        Q EXECUTE a(22)
        # SQL statement bound by the protocol
        Q PREPARE a(int) AS SELECT $1 * 3
        ?Z
        D S a
        B |a|14
        D P
        E
        S
        ?Z
        B |a|15
        E
        S
        # SQL statement bound in the batch that prepares it
        P |PREPARE a(int) AS SELECT $1 * 4
        B
        E
        B |a|5
        E
        P |EXECUTE a(6)
        B
        D P
        E
        S
        # protocol statement deallocated in SQL
        P a|SELECT 1
        S
        ?Z
        Q DEALLOCATE a
        ?Z
        B |a
        E
        S
        ?Z
        P a|SELECT 'anew'
        B |a
        E
        S
        # SQL statement closed by the protocol
        Q PREPARE a AS SELECT 1
        ?Z
        C S a
        S
        ?Z
        Q EXECUTE a
        ?Z
        Q PREPARE a AS SELECT 2
        ?Z
        Q EXECUTE a
        # prepare survives a rollback
        Q BEGIN
        Q PREPARE a AS SELECT 'kept'
        Q ROLLBACK
        ?Z
        ?Z
        ?Z
        Q EXECUTE a
        # prepare survives a failed transaction, one behind the failure does not exist
        Q BEGIN
        Q PREPARE a AS SELECT 'kept'
        Q SELECT 1/0
        Q PREPARE b AS SELECT 'not'
        Q DEALLOCATE a
        Q EXECUTE a
        Q ROLLBACK
        Q EXECUTE a
        Q EXECUTE b
        # deallocate survives a rollback
        Q PREPARE a AS SELECT 1
        Q BEGIN
        Q DEALLOCATE a
        Q ROLLBACK
        Q EXECUTE a
        # executed for the first time inside a transaction
        Q PREPARE a AS INSERT INTO t VALUES (7) RETURNING n
        ?Z
        Q BEGIN
        ?Z
        Q EXECUTE a
        ?Z
        Q ROLLBACK
        ?Z
        Q SELECT count(*) FROM t
        # prepare that fails
        Q PREPARE a AS SELECT nosuch
        Q PREPARE a AS SELEC 1
        Q PREPARE a(nosuchtype) AS SELECT $1
        Q PREPARE a AS SELECT $1
        Q PREPARE b AS CREATE TABLE x (n int)
        Q EXECUTE a
        # pipelined prepare, execute, deallocate, execute
        Q PREPARE a AS SELECT 'p'
        Q EXECUTE a
        Q DEALLOCATE a
        Q EXECUTE a
        # several statements with prepare among them
        Q PREPARE a AS SELECT 1; EXECUTE a; DEALLOCATE a; EXECUTE a
        Q EXECUTE a
        # several statements, one fails between two prepares
        Q PREPARE a AS SELECT 1; SELECT 1/0; PREPARE b AS SELECT 2
        ?Z
        Q EXECUTE a
        Q EXECUTE b
        # several statements prepare with types
        Q PREPARE a(int) AS SELECT $1; PREPARE b(text, date) AS SELECT $1, $2; DEALLOCATE a; PREPARE a(text) AS SELECT upper($1)
        ?Z
        Q EXECUTE a('x')
        ?Z
        Q EXECUTE b('y', '2020-01-02')
        # several statements execute what is there
        Q PREPARE a AS SELECT 'first'
        ?Z
        Q SELECT 1; EXECUTE a; SELECT 2
        ?Z
        Q BEGIN; EXECUTE a; COMMIT
        # deallocate all among several
        P p|SELECT 'p'
        S
        Q PREPARE a AS SELECT 1
        ?Z
        Q PREPARE b AS SELECT 2; DEALLOCATE ALL; PREPARE c AS SELECT 3
        ?Z
        Q EXECUTE a
        Q EXECUTE b
        Q EXECUTE c
        B |p
        S
        # explain execute
        Q PREPARE a(int) AS SELECT $1
        ?Z
        Q EXPLAIN (COSTS OFF) EXECUTE a(1)
        ?Z
        Q EXPLAIN VERBOSE EXECUTE a(1)
        # create table as execute
        Q PREPARE a(int) AS SELECT $1 AS n
        ?Z
        Q CREATE TABLE made AS EXECUTE a(5)
        ?Z
        Q SELECT * FROM made
        Q DROP TABLE made
        Q CREATE TEMP TABLE made AS EXECUTE a(6) WITH NO DATA
        ?Z
        Q SELECT * FROM made
        # names in quotes and in capitals
        Q PREPARE "My ""q""" AS SELECT 'quoted'
        Q PREPARE Folded AS SELECT 'folded'
        ?Z
        Q EXECUTE "My ""q"""
        Q EXECUTE FOLDED
        Q EXECUTE "Folded"
        Q EXECUTE folded
        B |folded
        E
        S
        Q DEALLOCATE "My ""q"""
        Q EXECUTE "My ""q"""
        # names in other spelling
        Q PREPARE U&"\0061" AS SELECT 'a'
        ?Z
        Q EXECUTE a
        # places in an error are the client's
        Q PREPARE a(int) AS SELECT $1
        ?Z
        Q EXECUTE a(nosuch)
        Q EXPLAIN EXECUTE a(1 + nosuch)
        Q EXECUTE a(1) AND MORE
        Q /* é */ EXECUTE a(nosuch)
        # a statement called prepare and one called all
        Q PREPARE prepare AS SELECT 'p'
        Q PREPARE "all" AS SELECT 'a'
        ?Z
        Q DEALLOCATE prepare
        Q EXECUTE prepare
        Q DEALLOCATE "all"
        Q EXECUTE "all"
        # names longer than count
        Q PREPARE {n:70} AS SELECT 'long'
        ?Z
        Q EXECUTE {n:63}
        Q EXECUTE "{n:63}"
        B |{n:63}
        E
        S
        P {n:63}|SELECT 'taken'
        S
        # long names of the protocol
        P {n:63}a|SELECT 'a'
        S
        ?Z
        B |{n:63}b
        E
        S
        C S {n:63}c
        S
        Q EXECUTE {n:63}
        # comments and blanks
        Q /* one */ PREPARE -- two\n  a  (  int ) AS -- three\n SELECT $1 /* four */ ;
        ?Z
        Q  EXECUTE /* x */ a /* y */ ( 1 ) ; --
        # extended prepare and execute
        P |PREPARE a(int) AS SELECT $1 + 1
        B
        D P
        E
        S
        ?Z
        P |EXECUTE a(1)
        D S
        B
        D P
        E
        S
        ?Z
        B
        E
        S
        # extended deallocate
        P a|SELECT 1
        S
        ?Z
        P |DEALLOCATE a
        B
        E
        S
        ?Z
        B |a
        S
        # extended prepare of a name that is taken
        Q PREPARE s AS SELECT 'first'
        ?Z
        P |PREPARE s AS SELECT 'second'
        B
        E
        S
        ?Z
        Q EXECUTE s
        ?Z
        Q EXECUTE s
        # extended prepare bound and never executed
        P |PREPARE a AS SELECT 1
        B
        S
        ?Z
        Q EXECUTE a
        # extended statements with a name inside mean what it means now
        Q PREPARE a AS SELECT 'old'
        ?Z
        P x|EXECUTE a
        S
        ?Z
        B |x
        E
        S
        ?Z
        Q DEALLOCATE a
        ?Z
        B |x
        E
        S
        ?Z
        Q PREPARE a AS SELECT 'new'
        ?Z
        B |x
        E
        S
        # extended execute of nothing
        P |EXECUTE nobody
        D S
        B
        E
        S
        # error in a batch in front of a prepare
        P |SELECT 1/0
        B
        E
        P |PREPARE a AS SELECT 1
        B
        E
        S
        Q EXECUTE a
        # simple prepare inside a batch without sync
        P |SELECT 1
        B
        E
        Q PREPARE a AS SELECT 2
        ?Z
        Q EXECUTE a
        # simple execute inside a failed batch
        Q PREPARE a AS SELECT 2
        P |SELECT 1/0
        B
        E
        Q EXECUTE a
        S
        # discard all and plans
        Q PREPARE a AS SELECT 1
        ?Z
        Q DISCARD PLANS
        ?Z
        Q EXECUTE a
        ?Z
        Q DISCARD ALL
        ?Z
        Q EXECUTE a
        # a statement that writes
        Q PREPARE a(int) AS INSERT INTO t VALUES ($1)
        ?Z
        Q EXECUTE a(1)
        ?Z
        Q EXECUTE a(2)
        ?Z
        Q SELECT n FROM t ORDER BY n
        Q TRUNCATE t
        # a statement called transaction
        Q PREPARE transaction AS SELECT 'named transaction'
        ?Z
        Q EXECUTE transaction
        # a prepared set_config
        Q PREPARE a AS SELECT set_config('a.z', 'set', false)
        ?Z
        Q EXECUTE a
        ?Z
        Q SELECT current_setting('a.z')
        # prepared statements in a view
        Q CREATE VIEW named AS SELECT 1 AS execute
        Q SELECT execute FROM named
        Q DROP VIEW named
        """";
}
