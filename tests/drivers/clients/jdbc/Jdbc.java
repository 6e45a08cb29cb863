// PgJDBC: prepareThreshold 0, 1 and 5, fetch size, batches, CopyManager, cancel, LISTEN, savepoints.
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

public final class Jdbc {
    private static final int WORKERS = 6; // connections at a time; a tenant in transaction mode has two servers
    private static boolean red;

    private interface Body { void run() throws Exception; }

    private static Connection connect(String user, String... options) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("sslmode", "verify-full");
        properties.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
        for (int i = 0; i < options.length; i += 2) properties.setProperty(options[i], options[i + 1]);
        return DriverManager.getConnection("jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE"), properties);
    }

    private static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) { statement.execute(sql); }
    }

    private static void equal(Object expected, Object actual) {
        if (!expected.equals(actual)) throw new AssertionError("expected " + expected + ", got " + actual);
    }

    private static SQLException refused(String state, Body body) throws Exception {
        try {
            body.run();
        } catch (SQLException error) {
            equal(state, error.getSQLState());
            return error;
        }
        throw new AssertionError("no error " + state);
    }

    private interface Work { void run(int worker) throws Exception; }

    private static void together(Work work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(WORKERS);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            int worker = i;
            all.add(threads.submit((Callable<Void>) () -> { work.run(worker); return null; }));
        }
        threads.shutdown();
        for (Future<?> one : all) one.get();
    }

    private static void step(String name, Body body) {
        try {
            body.run();
            System.out.println("ok " + name);
        } catch (Throwable failure) {
            red = true;
            String line = "?";
            for (StackTraceElement at : failure.getStackTrace()) if (at.getClassName().equals("Jdbc") && !at.getMethodName().equals("equal")) { line = "" + at.getLineNumber(); break; }
            System.out.println("not ok " + name + ": " + String.valueOf(failure).replace('\n', '|') + " (line " + line + ")");
        }
    }

    private static void prepared(String threshold, String... options) throws Exception {
        String[] all = new String[options.length + 2];
        System.arraycopy(options, 0, all, 2, options.length);
        all[0] = "prepareThreshold";
        all[1] = threshold;
        together(worker -> {
            try (Connection connection = connect("app", all); PreparedStatement sum = connection.prepareStatement("SELECT ? * 1000 + ?, ?::text")) {
                for (int number = 0; number < 40; number++) {
                    sum.setInt(1, worker);
                    sum.setInt(2, number);
                    sum.setString(3, worker + "/" + number);
                    try (ResultSet rows = sum.executeQuery()) {
                        rows.next();
                        equal(worker * 1000 + number, rows.getInt(1));
                        equal(worker + "/" + number, rows.getString(2));
                    }
                }
            }
        });
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("client PgJDBC " + org.postgresql.util.DriverInfo.DRIVER_VERSION + " (Java " + System.getProperty("java.specification.version") + ")");

        step("TLS, parameters of either side", () -> {
            try (Connection connection = connect("app", "ApplicationName", "jay", "options", "-c TimeZone=Asia/Tokyo -c statement_timeout=7s", "readOnly", "true")) {
                equal("jay", value(connection, "SHOW application_name"));
                equal("7s", value(connection, "SHOW statement_timeout"));
                equal(true, connection.isReadOnly());
                refused("25006", () -> { connection.setAutoCommit(false); run(connection, "DELETE FROM items"); });
            }
        });
        step("prepareThreshold 0 (never)", () -> prepared("0"));
        step("prepareThreshold 1 (at once)", () -> prepared("1"));
        step("prepareThreshold 5 (default)", () -> prepared("5"));
        step("prepareThreshold -1 (binary at once)", () -> prepared("-1"));
        step("preferQueryMode simple", () -> prepared("5", "preferQueryMode", "simple"));
        step("preferQueryMode extendedCacheEverything", () -> prepared("1", "preferQueryMode", "extendedCacheEverything"));
        step("a statement cache of two", () -> {
            try (Connection connection = connect("app", "prepareThreshold", "1", "preparedStatementCacheQueries", "2")) {
                for (int number = 0; number < 40; number++) {
                    try (PreparedStatement text = connection.prepareStatement("SELECT ? + " + number % 7)) {
                        text.setInt(1, 1);
                        try (ResultSet rows = text.executeQuery()) { rows.next(); equal(number % 7 + 1, rows.getInt(1)); }
                    }
                }
            }
        });
        step("fetch size inside a transaction", () -> together(worker -> {
            try (Connection connection = connect("app")) {
                connection.setAutoCommit(false);
                try (PreparedStatement numbers = connection.prepareStatement("SELECT g + ? FROM generate_series(1, 1000) g")) {
                    numbers.setInt(1, worker);
                    numbers.setFetchSize(50);
                    int sum = 0;
                    try (ResultSet rows = numbers.executeQuery()) { while (rows.next()) sum += rows.getInt(1); }
                    equal(500500 + 1000 * worker, sum);
                }
                connection.commit();
            }
        }));
        step("WITH HOLD result sets (holdability)", () -> {
            try (Connection connection = connect("app"); Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY, ResultSet.HOLD_CURSORS_OVER_COMMIT)) {
                connection.setAutoCommit(false);
                statement.setFetchSize(10);
                try (ResultSet rows = statement.executeQuery("SELECT g FROM generate_series(1, 100) g")) {
                    rows.absolute(50);
                    connection.commit();
                    equal(50, rows.getInt(1));
                    rows.last();
                    equal(100, rows.getInt(1));
                }
            }
        });
        step("batches, rewritten and not, with generated keys", () -> {
            for (String rewrite : new String[] {"false", "true"}) {
                try (Connection connection = connect("app", "reWriteBatchedInserts", rewrite)) {
                    run(connection, "DELETE FROM items");
                    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO items (n, body) VALUES (?, ?)")) {
                        for (int number = 0; number < 500; number++) { insert.setInt(1, number); insert.setString(2, "row " + number); insert.addBatch(); }
                        equal(500, insert.executeBatch().length);
                    }
                    equal("124750", value(connection, "SELECT sum(n) FROM items"));
                    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO items (n) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                        for (int number = 0; number < 3; number++) { insert.setInt(1, number); insert.addBatch(); }
                        insert.executeBatch();
                        int keys = 0;
                        try (ResultSet rows = insert.getGeneratedKeys()) { while (rows.next()) keys++; }
                        equal(3, keys);
                    }
                }
            }
        });
        step("a batch that fails in the middle", () -> {
            try (Connection connection = connect("app"); PreparedStatement insert = connection.prepareStatement("INSERT INTO items (n) VALUES (1 / ?)")) {
                run(connection, "DELETE FROM items");
                for (int number = 2; number >= 0; number--) { insert.setInt(1, number); insert.addBatch(); }
                BatchUpdateException failed = (BatchUpdateException) refused("22012", insert::executeBatch);
                equal(3, failed.getUpdateCounts().length);
                equal("0", value(connection, "SELECT count(*) FROM items"));
            }
        });
        step("CopyManager in and out", () -> {
            try (Connection connection = connect("app")) {
                run(connection, "DELETE FROM items");
                StringBuilder rows = new StringBuilder();
                for (int number = 0; number < 5000; number++) rows.append(number).append("\trow ").append(number).append('\n');
                var copy = connection.unwrap(PGConnection.class).getCopyAPI();
                equal(5000L, copy.copyIn("COPY items (n, body) FROM STDIN", new StringReader(rows.toString())));
                StringWriter out = new StringWriter();
                copy.copyOut("COPY (SELECT n, body FROM items ORDER BY n) TO STDOUT", out);
                equal(rows.toString(), out.toString());
                refused("22P02", () -> copy.copyIn("COPY items (n) FROM STDIN", new StringReader("no number\n")));
                equal("5000", value(connection, "SELECT count(*) FROM items"));
            }
        });
        step("cancel, and the query time-out", () -> {
            try (Connection connection = connect("app"); Statement statement = connection.createStatement()) {
                new Thread(() -> { try { Thread.sleep(300); statement.cancel(); } catch (Exception error) { throw new IllegalStateException(error); } }).start();
                refused("57014", () -> statement.execute("SELECT pg_sleep(30)"));
                statement.setQueryTimeout(1);
                refused("57014", () -> statement.execute("SELECT pg_sleep(30)"));
                equal("1", value(connection, "SELECT 1"));
            }
        });
        step("LISTEN", () -> {
            try (Connection listener = connect("app"); Connection speaker = connect("app")) {
                run(listener, "LISTEN news");
                run(speaker, "NOTIFY news, 'one'");
                PGNotification[] heard = listener.unwrap(PGConnection.class).getNotifications(20000);
                equal(1, heard.length);
                equal("one", heard[0].getParameter());
            }
        });
        step("savepoints, autosave, isolation", () -> {
            try (Connection connection = connect("app", "autosave", "always")) {
                run(connection, "DELETE FROM items");
                connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
                connection.setAutoCommit(false);
                equal("serializable", value(connection, "SHOW transaction_isolation"));
                run(connection, "INSERT INTO items (n) VALUES (1)");
                refused("22012", () -> run(connection, "SELECT 1/0"));
                Savepoint savepoint = connection.setSavepoint();
                run(connection, "INSERT INTO items (n) VALUES (2)");
                connection.rollback(savepoint);
                connection.commit();
                equal("1", value(connection, "SELECT string_agg(n::text, ',') FROM items"));
            }
        });
        step("a statement prepared before ALTER TABLE", () -> {
            try (Connection owner = connect("owner"); Connection connection = connect("app", "prepareThreshold", "1")) {
                run(owner, "DROP TABLE IF EXISTS altered; CREATE TABLE altered (a int); INSERT INTO altered VALUES (1)");
                try (PreparedStatement all = connection.prepareStatement("SELECT * FROM altered")) {
                    for (int use = 0; use < 3; use++) { try (ResultSet rows = all.executeQuery()) { equal(1, rows.getMetaData().getColumnCount()); } }
                    run(owner, "ALTER TABLE altered ADD b text");
                    try (ResultSet rows = all.executeQuery()) { equal(2, rows.getMetaData().getColumnCount()); }
                }
                run(owner, "DROP TABLE altered");
            }
        });
        step("setSchema, setReadOnly, setClientInfo, isValid, meta data", () -> {
            try (Connection connection = connect("app")) {
                connection.setClientInfo("ApplicationName", "renamed");
                equal("renamed", value(connection, "SHOW application_name"));
                connection.setReadOnly(true);
                connection.setReadOnly(false);
                equal(true, connection.isValid(5));
                boolean found = false;
                try (ResultSet tables = connection.getMetaData().getTables(null, connection.getSchema(), "items", new String[] {"TABLE"})) { found = tables.next(); }
                equal(true, found);
                connection.setSchema("pg_catalog");
                equal("pg_catalog", connection.getSchema());
            }
        });
        step("session state: temporary tables", () -> {
            try (Connection connection = connect("app")) {
                run(connection, "CREATE TEMP TABLE mine (a int)");
                for (int number = 0; number < 5; number++) run(connection, "INSERT INTO mine VALUES (" + number + ")");
                equal("5", value(connection, "SELECT count(*) FROM mine"));
            }
        });
        if (System.getenv("DRIVERS_SESSION").equals("1")) {
            step("backend pid is the server's", () -> {
                try (Connection connection = connect("app")) {
                    equal(value(connection, "SELECT pg_backend_pid()"), "" + connection.unwrap(PGConnection.class).getBackendPID());
                }
            });
        }
        System.out.println("end");
        System.exit(red ? 1 : 0);
    }
}
