namespace ProxySuite.Proxy.Tests.Relay;

internal static partial class GoldenSequences
{
    /// <summary>Orders that no driver sends on purpose, and failures at each stage.</summary>
    private const string Hostile = """"
        # sync between parse and bind
        P |SELECT 1
        S
        B
        S
        E
        S
        # portal lost at its sync
        P |SELECT 1
        B p
        S
        E p
        S
        # portal kept in a transaction over syncs and queries
        Q BEGIN
        P |SELECT generate_series(1, 4)
        B p
        S
        Q SELECT 'between'
        E p|1
        S
        E p|1
        H
        ?s
        E p|0
        S
        Q COMMIT
        E p
        S
        # unnamed portal destroyed by a query
        Q BEGIN
        P |SELECT 1
        B
        S
        Q SELECT 2
        E
        S
        Q ROLLBACK
        # two portals read in turn
        Q BEGIN
        P a|SELECT generate_series(1, 3)
        P b|SELECT generate_series(11, 13)
        B pa|a
        B pb|b
        E pa|1
        E pb|1
        E pa|1
        E pb|5
        E pa|5
        S
        Q COMMIT
        # portal name used twice
        Q BEGIN
        P |SELECT 1
        B p
        B p
        S
        Q ROLLBACK
        # portal closed and used
        Q BEGIN
        P |SELECT 1
        B p
        C P p
        E p
        S
        Q ROLLBACK
        # portal run to its end and again
        Q BEGIN
        P |SELECT 1
        B p
        E p
        E p
        S
        P |INSERT INTO t VALUES (1)
        B p2
        E p2
        E p2
        S
        Q ROLLBACK
        # portal read backwards by SQL
        Q BEGIN
        P |SELECT generate_series(1, 3)
        B p
        E p|1
        S
        Q FETCH 1 FROM p
        Q MOVE FORWARD ALL IN p
        Q CLOSE p
        E p
        S
        Q ROLLBACK
        # cursor of SQL executed by the protocol
        Q BEGIN; DECLARE c CURSOR FOR SELECT generate_series(1, 3)
        D P c
        E c|2
        S
        Q COMMIT
        # row limits on what returns no rows
        P |INSERT INTO t VALUES (1), (2)
        B
        E |1
        S
        P |INSERT INTO t VALUES (3), (4) RETURNING n
        B
        E |1
        E |1
        S
        Q TRUNCATE t
        # negative row limit
        P |SELECT generate_series(1, 3)
        B
        E |-1
        S
        # flush after each message
        P |SELECT $1::text
        H
        ?1
        B ||x
        H
        ?2
        D P
        H
        ?T
        E
        H
        ?C
        S
        # flush alone, many times
        H
        H
        H
        S
        H
        H
        # flush behind an error
        P |SELEC
        H
        ?E
        H
        B
        E
        H
        S
        # syncs behind an error
        P |SELEC
        S
        S
        B
        S
        S
        # error, more, and no sync for a while
        B |nobody
        H
        ?E
        P s|SELECT 1
        B |s
        E
        H
        Q SELECT 'skipped'
        S
        ?Z
        B |s
        S
        # error in the first of three batches
        P |SELECT 1/0
        B
        E
        S
        P a|SELECT 'a'
        B |a
        E
        S
        B |a
        E
        S
        # error in the last of three batches
        P a|SELECT 'a'
        B |a
        E
        S
        B |a
        E
        S
        P |SELECT 1/0
        B
        E
        S
        # writes of a failed batch are undone
        P |INSERT INTO t VALUES (1)
        B
        E
        P |SELECT 1/0
        B
        E
        S
        Q SELECT count(*) FROM t
        # writes in front of a query that fails
        P |INSERT INTO t VALUES (1)
        B
        E
        Q SELECT 1/0
        S
        Q SELECT count(*) FROM t
        Q TRUNCATE t
        # begin inside a batch
        P |BEGIN
        B
        E
        P |INSERT INTO t VALUES (1)
        B
        E
        S
        Q ROLLBACK
        Q SELECT count(*) FROM t
        # commit inside a batch
        P |BEGIN
        B
        E
        P |COMMIT
        B
        E
        P |SELECT 1
        B
        E
        S
        # a failed transaction takes only its end
        Q BEGIN
        Q SELECT 1/0
        P |SELECT 1
        S
        P |ROLLBACK
        B
        E
        S
        # a failed transaction takes binds of its end only
        P s|SELECT 1
        P r|ROLLBACK
        S
        Q BEGIN
        Q SELECT 1/0
        B |s
        S
        C S s
        S
        B |r
        E
        S
        B |s
        S
        # savepoints in batches
        Q BEGIN
        P |SAVEPOINT a
        B
        E
        S
        P |SELECT 1/0
        B
        E
        S
        P |ROLLBACK TO a
        B
        E
        S
        P |SELECT 'alive'
        B
        E
        S
        Q COMMIT
        # closes of everything that is not there
        C S
        C P
        C S x
        C P x
        C S
        H
        S
        # closes between uses
        P s|SELECT 1
        B p|s
        C S s
        E p
        C P p
        E p
        S
        # close of a statement whose portal lives
        Q BEGIN
        P s|SELECT generate_series(1, 3)
        B p|s
        E p|1
        C S s
        E p|1
        S
        B p2|s
        S
        Q ROLLBACK
        # same name over and over
        P s|SELECT 1
        C S s
        P s|SELECT 2
        C S s
        P s|SELECT 3
        B |s
        E
        S
        ?Z
        B |s
        E
        S
        # parse that fails keeps an older name
        P s|SELECT 1
        S
        P s|SELEC
        S
        B |s
        E
        S
        # same name twice in one batch
        P s|SELECT 1
        P s|SELECT 2
        S
        ?Z
        B |s
        S
        # parse of what is known and then fails
        P a|SELECT 1
        S
        ?Z
        P b|SELECT 1
        B |nobody
        S
        ?Z
        B |b
        E
        S
        # many names for one text, one closed
        P a|SELECT 'x'
        P b|SELECT 'x'
        P c|SELECT 'x'
        C S b
        S
        ?Z
        B |a
        E
        B |c
        E
        B |b
        S
        # answers in front of a statement that has to be given
        P a|SELECT 'a'
        P b|SELECT 'b'
        S
        ?Z
        B |a
        E
        B |b
        E
        D S a
        S
        ?Z
        B |b
        E
        B |a
        E
        S
        # types given and not
        P s|SELECT $1, $2|23
        D S s
        B |s|1,x
        E
        S
        P |SELECT $1 + $2|23,20
        D S
        S
        # a type that is none
        P |SELECT $1|999999
        D S
        S
        # types that cannot be told
        P |SELECT $1 = $2
        D S
        S
        # more parameters than types, fewer parameters than values
        P |SELECT $1::int, $3::int
        D S
        B ||1,2,3
        E
        S
        B ||1,2,3
        S
        B ||1
        S
        # nulls and empty values
        P |SELECT $1::text IS NULL, $2::text = ''
        B ||NULL,
        E
        S
        # bad values
        P |SELECT $1::int
        B ||x
        E
        S
        B ||99999999999
        E
        S
        # describe of what returns nothing
        P s|INSERT INTO t VALUES ($1::int)
        D S s
        B |s|1
        D P
        S
        Q SELECT count(*) FROM t
        # describe of both, several times
        P s|SELECT 1 AS a, 'x' AS b
        D S s
        D S s
        B p|s
        D P p
        D P p
        E p
        D P p
        S
        # utilities in the extended protocol
        P |SHOW server_version_num
        D S
        S
        P |EXPLAIN (COSTS OFF) SELECT 1
        B
        D P
        E
        S
        P |CREATE TABLE made (n int)
        B
        D P
        E
        S
        P |DROP TABLE made
        B
        E
        S
        # empty statements in a batch
        P |
        D S
        B
        D P
        E
        P |-- nothing
        B
        E
        P |;
        B
        E
        S
        # empty queries
        Q ;
        Q ;;
        Q /* nothing */
        Q SELECT;
        # several statements with empty ones
        Q ; SELECT 1; ; -- x\n SELECT 2;
        # several statements, the error first, in the middle, last
        Q SELECT 1/0; SELECT 1
        Q SELECT 1; SELEC; SELECT 2
        Q INSERT INTO t VALUES (1); SELECT 1/0
        Q SELECT count(*) FROM t
        # several statements with their own transaction
        Q INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); SELECT 1/0
        Q SELECT n FROM t
        Q TRUNCATE t
        # begin and error and more in one query
        Q BEGIN; INSERT INTO t VALUES (1); SELECT 1/0
        Q SELECT 1
        Q COMMIT
        Q SELECT count(*) FROM t
        # rollback and go on in one query
        Q BEGIN; SELECT 1; ROLLBACK; SELECT 2
        # commit and chain
        Q BEGIN ISOLATION LEVEL SERIALIZABLE
        Q COMMIT AND CHAIN
        Q SHOW transaction_isolation
        Q ROLLBACK AND CHAIN
        Q ROLLBACK
        # copy in of what does not fit
        Q COPY t FROM STDIN
        ?G
        d 1\n2\n
        d x\n
        c
        Q SELECT count(*) FROM t
        # copy in without data
        Q COPY t FROM STDIN
        ?G
        c
        # copy in given up at once
        Q COPY t FROM STDIN
        f no
        Q SELECT count(*) FROM t
        # copy in a query in the middle
        Q COPY t FROM STDIN
        ?G
        d 1\n
        Q SELECT 1
        c
        Q SELECT count(*) FROM t
        # copy in with flushes and syncs inside
        Q COPY t FROM STDIN
        ?G
        H
        d 1\n
        S
        H
        d 2\n
        S
        c
        Q SELECT count(*) FROM t
        Q TRUNCATE t
        # copy in inside a transaction that fails
        Q BEGIN
        Q COPY t FROM STDIN
        ?G
        d x\n
        c
        Q COPY t FROM STDIN
        d 1\n
        c
        Q ROLLBACK
        # copy in behind other statements of one query
        Q SELECT 1; COPY t FROM STDIN; SELECT 2
        ?G
        d 1\n
        c
        Q TRUNCATE t
        # copy in fails in front of other statements
        Q COPY t FROM STDIN; SELECT 'never'
        ?G
        f stop
        Q SELECT 1
        # two copies, the first fails
        Q COPY t FROM STDIN; COPY t FROM STDIN
        ?G
        d x\n
        c
        d 1\n
        c
        Q SELECT count(*) FROM t
        # copy in and out in one query
        Q COPY t FROM STDIN; COPY t TO STDOUT
        ?G
        d 5\n
        c
        Q TRUNCATE t
        # copy refused by a trigger at its end
        Q COPY guarded FROM STDIN
        d 1\n
        c
        Q SELECT 1
        # copy in binary that is none
        Q COPY t FROM STDIN (FORMAT binary)
        ?G
        d not binary
        c
        Q SELECT 1
        # copy in csv cut in the middle of lines
        Q COPY pairs FROM STDIN (FORMAT csv)
        ?G
        d 1,"a
        d b"\n2,
        d c\n3
        d ,d
        c
        Q SELECT * FROM pairs ORDER BY n
        Q TRUNCATE pairs
        # copy in the end marked in the data
        Q COPY t FROM STDIN
        ?G
        d 1\n\.\n
        c
        Q SELECT n FROM t
        Q TRUNCATE t
        # extended copy in fails, sync at once
        P |COPY t FROM STDIN
        B
        E
        H
        ?G
        d x\n
        c
        S
        Q SELECT 1
        # extended copy in given up
        P |COPY t FROM STDIN
        B
        E
        H
        ?G
        f enough
        S
        Q SELECT 1
        # extended copy in with a message that does not belong
        P |COPY t FROM STDIN
        B
        E
        H
        ?G
        P |SELECT 1
        S
        Q SELECT 2
        # extended copy in, another batch behind
        P |COPY t FROM STDIN
        B
        E
        H
        ?G
        d 1\n
        c
        P |SELECT count(*) FROM t
        B
        E
        S
        Q TRUNCATE t
        # extended copy out behind a row limit
        P |COPY (SELECT 1) TO STDOUT
        B
        E |1
        S
        # copy out of nothing, of a table that is none, into an error
        Q COPY t TO STDOUT
        Q COPY nowhere TO STDOUT
        Q COPY (SELECT 1/0) TO STDOUT
        Q SELECT 1
        # late copy messages in a batch
        P |SELECT 1
        d x
        c
        B
        f y
        E
        S
        # set, show and reset across servers
        Q SET work_mem = '5MB'
        ?Z
        Q SHOW work_mem
        ?Z
        Q RESET work_mem
        ?Z
        Q SHOW work_mem
        # set bound and never executed
        P |SET a.never = 'set'
        B
        S
        ?Z
        Q SELECT coalesce(current_setting('a.never', true), '')
        ?Z
        Q SELECT coalesce(current_setting('a.never', true), '')
        # set bound to a named portal, executed later
        Q BEGIN
        P |SET a.late = 'set'
        B p
        S
        E p
        S
        Q COMMIT
        ?Z
        ?Z
        ?Z
        ?Z
        Q SELECT coalesce(current_setting('a.late', true), '')
        ?Z
        Q SELECT coalesce(current_setting('a.late', true), '')
        # set and error in one batch
        P |SET a.lost = 'x'
        B
        E
        P |SELECT 1/0
        B
        E
        S
        ?Z
        Q SELECT coalesce(current_setting('a.lost', true), '')
        # a setting of a failed query
        Q SET a.gone = 'x'; SELECT 1/0
        ?Z
        Q SELECT coalesce(current_setting('a.gone', true), '')
        # datestyle told to the client
        Q SET DateStyle = 'German, DMY'
        ?Z
        Q SELECT date '2020-02-01'
        ?Z
        Q RESET ALL
        ?Z
        Q SELECT date '2020-02-01'
        # the reset of asyncpg
        Q SET a.x = 'y'
        ?Z
        Q SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;
        ?Z
        Q SELECT coalesce(current_setting('a.x', true), '')
        # names of JDBC after discard all
        P S_1|SELECT 1
        B |S_1
        E
        S
        ?Z
        Q DISCARD ALL
        ?Z
        B |S_1
        E
        S
        ?Z
        P S_1|SELECT 2
        B |S_1
        E
        S
        # node's way: describe, flush, execute, sync
        P n|SELECT $1::int
        D S n
        H
        ?T
        B |n|1
        D P
        E
        C P
        S
        ?Z
        B |n|2
        D P
        E
        H
        ?C
        S
        # discards of parts
        P s|SELECT 1
        S
        ?Z
        Q DISCARD SEQUENCES
        Q DISCARD TEMP
        Q DISCARD PLANS
        ?Z
        ?Z
        ?Z
        B |s
        E
        S
        # discard all inside several statements
        Q SELECT 1; DISCARD ALL
        Q DISCARD ALL
        # discard all in a batch
        P |DISCARD ALL
        B
        E
        S
        # deallocate all in a batch
        P s|SELECT 1
        S
        P |DEALLOCATE ALL
        B
        E
        S
        ?Z
        B |s
        S
        # notices in a batch
        P |DO $$ BEGIN RAISE NOTICE 'one'; END $$
        B
        E
        P |SELECT 1
        B
        E
        S
        # long column names and many columns
        Q SELECT 1 AS {c:80}, 2 AS b
        P |SELECT {1,:400}2
        D S
        S
        # very long text with an error at its end
        Q SELECT '{y:70000}'; SELEC
        # very long texts, one behind the other
        P a|SELECT length('{a:70000}')
        P |SELECT length('{b:90000}')
        B |a
        E
        B
        E
        S
        # very long unnamed text behind its sync
        P |SELECT length('{u:70000}')
        S
        ?Z
        B
        D P
        E
        S
        ?Z
        B
        E
        S
        # very long named text on other servers
        P l|SELECT length('{l:100000}'), $1::int
        D S l
        S
        ?Z
        B |l|1
        E
        S
        ?Z
        B |l|2
        E
        S
        ?Z
        D S l
        S
        # very long text that fails to parse
        P l|SELECT length('{l:100000}'), nosuch
        S
        ?Z
        B |l
        S
        ?Z
        P |SELEC '{l:100000}'
        S
        ?Z
        B
        S
        # very long text in a batch that failed before
        B |nobody
        P l|SELECT '{l:100000}'
        S
        ?Z
        B |l
        S
        # longer than is kept
        P l|SELECT length('{l:1200000}')
        S
        ?Z
        B |l
        E
        S
        ?Z
        P |SELECT length('{m:1300000}')
        S
        ?Z
        B
        E
        S
        ?Z
        B |l
        E
        S
        # a long value, a long error
        P |SELECT length($1)
        B ||{v:200000}
        E
        S
        Q SELECT '{e:2000}'::int
        # syntax errors of all sizes
        Q )
        Q '
        Q SELECT $
        Q SELECT 1 FROM
        Q SELECT "{i:100}"
        P |SELECT $1 $2
        S
        # parameters in a simple query
        Q SELECT $1
        # transactions that are none
        Q COMMIT
        Q ROLLBACK
        Q SAVEPOINT x
        Q BEGIN; BEGIN
        Q COMMIT; COMMIT
        # a deferred error at the end of a batch
        P |INSERT INTO deferred VALUES (-1)
        B
        E
        S
        P |SELECT 1
        B
        E
        S
        # a deferred error at commit inside a batch
        Q BEGIN
        P |INSERT INTO deferred VALUES (-1)
        B
        E
        P |COMMIT
        B
        E
        P |SELECT 1
        B
        E
        S
        # vacuum where it may not be
        Q SELECT 1; VACUUM t
        Q BEGIN; VACUUM t
        Q ROLLBACK
        P |SELECT 1
        B
        E
        P |VACUUM t
        B
        E
        S
        """";
}
