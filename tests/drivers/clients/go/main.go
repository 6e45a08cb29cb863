// pgx: the statement cache in both modes, simple protocol, its pool, batches, COPY, LISTEN, cancellation by context.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgconn/stmtcache"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

const workers = 6 // connections at a time; a tenant in transaction mode has two servers

var red bool

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(expected, actual interface{}) {
	if !reflect.DeepEqual(expected, actual) {
		panic(fmt.Sprintf("expected %v, got %v", expected, actual))
	}
}

func refused(state string, err error) {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) || failure.Code != state {
		panic(fmt.Sprintf("expected %s, got %v", state, err))
	}
}

func step(name string, run func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	defer func() {
		if failure := recover(); failure != nil {
			red = true
			line := 0
			for depth := 2; depth < 12; depth++ { // the nearest caller in this file that is no helper
				if pc, file, at, found := runtime.Caller(depth); found && strings.HasSuffix(file, "main.go") {
					if name := runtime.FuncForPC(pc).Name(); name != "main.must" && name != "main.equal" && name != "main.refused" {
						line = at
						break
					}
				}
			}
			fmt.Printf("not ok %s: %s (line %d)\n", name, strings.ReplaceAll(fmt.Sprint(failure), "\n", " | "), line)
			return
		}
		fmt.Printf("ok %s\n", name)
	}()
	run(ctx)
}

func config(change func(*pgx.ConnConfig)) *pgx.ConnConfig {
	config, err := pgx.ParseConfig("")
	must(err)
	if change != nil {
		change(config)
	}
	return config
}

func connect(ctx context.Context, change func(*pgx.ConnConfig)) *pgx.Conn {
	connection, err := pgx.ConnectConfig(ctx, config(change))
	must(err)
	return connection
}

func value[T any](ctx context.Context, connection *pgx.Conn, sql string, arguments ...interface{}) (result T) {
	must(connection.QueryRow(ctx, sql, arguments...).Scan(&result))
	return
}

func run(ctx context.Context, connection *pgx.Conn, sql string, arguments ...interface{}) {
	_, err := connection.Exec(ctx, sql, arguments...)
	must(err)
}

// together runs the work on goroutines; the first failure is the step's.
func together(work func(worker int)) {
	var wait sync.WaitGroup
	failures := make(chan interface{}, workers)
	for worker := 0; worker < workers; worker++ {
		wait.Add(1)
		go func(worker int) {
			defer wait.Done()
			defer func() {
				if failure := recover(); failure != nil {
					failures <- failure
				}
			}()
			work(worker)
		}(worker)
	}
	wait.Wait()
	select {
	case failure := <-failures:
		panic(failure)
	default:
	}
}

func cache(mode, capacity int) func(*pgx.ConnConfig) {
	return func(config *pgx.ConnConfig) {
		config.BuildStatementCache = func(connection *pgconn.PgConn) stmtcache.Cache { return stmtcache.New(connection, mode, capacity) }
	}
}

func sums(ctx context.Context, change func(*pgx.ConnConfig)) {
	together(func(worker int) {
		connection := connect(ctx, change)
		defer connection.Close(ctx)
		for number := 0; number < 40; number++ {
			equal(worker*1000+number, value[int](ctx, connection, "SELECT $1::int * 1000 + $2::int", worker, number))
			equal(fmt.Sprintf("%d/%d", worker, number), value[string](ctx, connection, "SELECT $1::text || '/' || $2::text", fmt.Sprint(worker), fmt.Sprint(number)))
		}
	})
}

func main() {
	fmt.Printf("client pgx 4.15.0 (%s)\n", runtime.Version())

	step("TLS, parameters of either side", func(ctx context.Context) {
		connection := connect(ctx, func(config *pgx.ConnConfig) {
			config.RuntimeParams = map[string]string{"application_name": "gopher", "statement_timeout": "7000", "TimeZone": "Asia/Tokyo"}
		})
		defer connection.Close(ctx)
		_, encrypted := connection.PgConn().Conn().(*tls.Conn)
		equal(true, encrypted)
		equal("gopher", value[string](ctx, connection, "SHOW application_name"))
		equal("7s", value[string](ctx, connection, "SHOW statement_timeout"))
		equal("Asia/Tokyo", connection.PgConn().ParameterStatus("TimeZone"))
	})
	step("a certificate of another authority is not taken", func(ctx context.Context) {
		_, err := pgx.ConnectConfig(ctx, config(func(config *pgx.ConnConfig) { config.TLSConfig.RootCAs = x509.NewCertPool(); config.TLSConfig.VerifyPeerCertificate = nil }))
		equal(true, err != nil)
	})
	step("statement cache, mode prepare", func(ctx context.Context) { sums(ctx, cache(stmtcache.ModePrepare, 512)) })
	step("statement cache, mode describe", func(ctx context.Context) { sums(ctx, cache(stmtcache.ModeDescribe, 512)) })
	step("statement cache of one", func(ctx context.Context) { sums(ctx, cache(stmtcache.ModePrepare, 1)) })
	step("no statement cache", func(ctx context.Context) { sums(ctx, func(config *pgx.ConnConfig) { config.BuildStatementCache = nil }) })
	step("simple protocol", func(ctx context.Context) { sums(ctx, func(config *pgx.ConnConfig) { config.PreferSimpleProtocol = true }) })
	step("named statements", func(ctx context.Context) {
		together(func(worker int) {
			connection := connect(ctx, nil)
			defer connection.Close(ctx)
			_, err := connection.Prepare(ctx, "mine", fmt.Sprintf("SELECT $1::int + %d", worker))
			must(err)
			for number := 0; number < 20; number++ {
				equal(worker+number, value[int](ctx, connection, "mine", number))
			}
			must(connection.Deallocate(ctx, "mine"))
			refused("26000", connection.QueryRow(ctx, "EXECUTE mine(1)").Scan(new(int)))
		})
	})
	step("pool", func(ctx context.Context) {
		options, err := pgxpool.ParseConfig("pool_max_conns=6")
		must(err)
		pool, err := pgxpool.ConnectConfig(ctx, options)
		must(err)
		defer pool.Close()
		together(func(worker int) {
			for number := 0; number < 20; number++ {
				var sum int
				must(pool.QueryRow(ctx, "SELECT $1::int + $2::int", worker, number).Scan(&sum))
				equal(worker+number, sum)
			}
		})
	})
	step("batch, and one that fails", func(ctx context.Context) {
		connection := connect(ctx, nil)
		defer connection.Close(ctx)
		batch := &pgx.Batch{}
		for number := 0; number < 100; number++ {
			batch.Queue("SELECT $1::int", number)
		}
		results := connection.SendBatch(ctx, batch)
		for number := 0; number < 100; number++ {
			var answer int
			must(results.QueryRow().Scan(&answer))
			equal(number, answer)
		}
		must(results.Close())
		run(ctx, connection, "DELETE FROM items")
		failing := &pgx.Batch{}
		failing.Queue("INSERT INTO items (n) VALUES ($1)", 1)
		failing.Queue("SELECT 1 / $1::int", 0)
		refused("22012", connection.SendBatch(ctx, failing).Close())
		equal(0, value[int](ctx, connection, "SELECT count(*)::int FROM items"))
	})
	step("COPY in", func(ctx context.Context) {
		connection := connect(ctx, nil)
		defer connection.Close(ctx)
		run(ctx, connection, "DELETE FROM items")
		copied, err := connection.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"n", "body"}, pgx.CopyFromSlice(5000, func(i int) ([]interface{}, error) {
			return []interface{}{i, fmt.Sprintf("row %d", i)}, nil
		}))
		must(err)
		equal(int64(5000), copied)
		_, err = connection.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"n"}, pgx.CopyFromSlice(2, func(i int) ([]interface{}, error) {
			return nil, errors.New("given up")
		}))
		equal(true, err != nil)
		equal(5000, value[int](ctx, connection, "SELECT count(*)::int FROM items"))
	})
	step("COPY out", func(ctx context.Context) {
		connection := connect(ctx, nil)
		defer connection.Close(ctx)
		var out strings.Builder
		_, err := connection.PgConn().CopyTo(ctx, &out, "COPY (SELECT g FROM generate_series(1, 5000) g) TO STDOUT")
		must(err)
		equal(5000, strings.Count(out.String(), "\n"))
	})
	step("LISTEN hears while the client waits", func(ctx context.Context) {
		listener, speaker := connect(ctx, nil), connect(ctx, nil)
		defer listener.Close(ctx)
		defer speaker.Close(ctx)
		run(ctx, listener, "LISTEN news")
		run(ctx, speaker, "SELECT pg_notify($1, $2)", "news", "one")
		notification, err := listener.WaitForNotification(ctx)
		must(err)
		equal("one", notification.Payload)
	})
	step("cancel through the protocol, and by context", func(ctx context.Context) {
		connection := connect(ctx, nil)
		defer connection.Close(ctx)
		time.AfterFunc(300*time.Millisecond, func() { _ = connection.PgConn().CancelRequest(context.Background()) })
		_, err := connection.Exec(ctx, "SELECT pg_sleep(30)")
		refused("57014", err)
		equal(1, value[int](ctx, connection, "SELECT 1"))
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		_, err = connection.Exec(short, "SELECT pg_sleep(30)")
		equal(true, pgconn.Timeout(err))
	})
	step("transactions and savepoints", func(ctx context.Context) {
		connection := connect(ctx, nil)
		defer connection.Close(ctx)
		run(ctx, connection, "DELETE FROM items")
		outer, err := connection.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
		must(err)
		_, err = outer.Exec(ctx, "INSERT INTO items (n) VALUES ($1)", 1)
		must(err)
		inner, err := outer.Begin(ctx)
		must(err)
		_, err = inner.Exec(ctx, "SELECT 1 / $1::int", 0)
		refused("22012", err)
		must(inner.Rollback(ctx))
		must(outer.Commit(ctx))
		equal(1, value[int](ctx, connection, "SELECT count(*)::int FROM items"))
	})
	step("a statement prepared before ALTER TABLE", func(ctx context.Context) {
		owner, connection := connect(ctx, func(config *pgx.ConnConfig) { config.User = "owner" }), connect(ctx, nil)
		defer owner.Close(ctx)
		defer connection.Close(ctx)
		run(ctx, owner, "DROP TABLE IF EXISTS altered")
		run(ctx, owner, "CREATE TABLE altered (a int)")
		run(ctx, owner, "INSERT INTO altered VALUES (1)")
		columns := func() (int, error) {
			rows, err := connection.Query(ctx, "SELECT * FROM altered")
			must(err)
			rows.Next()
			count := len(rows.FieldDescriptions())
			rows.Close()
			return count, rows.Err()
		}
		before, err := columns()
		must(err)
		equal(1, before)
		run(ctx, owner, "ALTER TABLE altered ADD b text")
		// On PostgreSQL the first use fails with 0A000, and pgx drops the statement from its cache; a proxy may do better.
		if _, err := columns(); err != nil {
			refused("0A000", err)
		}
		after, err := columns()
		must(err)
		equal(2, after)
		run(ctx, owner, "DROP TABLE altered")
	})
	step("session state: temporary tables", func(ctx context.Context) {
		connection := connect(ctx, nil)
		defer connection.Close(ctx)
		run(ctx, connection, "CREATE TEMP TABLE mine (a int)")
		for number := 0; number < 5; number++ {
			run(ctx, connection, "INSERT INTO mine VALUES ($1)", number)
		}
		equal(5, value[int](ctx, connection, "SELECT count(*)::int FROM mine"))
	})
	if os.Getenv("DRIVERS_SESSION") == "1" {
		step("backend pid is the server's", func(ctx context.Context) {
			connection := connect(ctx, nil)
			defer connection.Close(ctx)
			equal(int(connection.PgConn().PID()), value[int](ctx, connection, "SELECT pg_backend_pid()"))
		})
	}
	fmt.Println("end")
	if red {
		os.Exit(1)
	}
}
