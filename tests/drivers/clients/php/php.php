<?php
// PHP: PDO with emulated and real prepared statements, and the functions of extension pgsql.
const WORKERS = 6; // connections at a time; a tenant in transaction mode has two servers
$session = getenv('DRIVERS_SESSION') === '1'; // the server is the client's own: session mode, or PostgreSQL itself
$red = 0;

function pdo(array $options = [], string $more = ''): PDO {
    $dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s;sslmode=verify-full;sslrootcert=%s%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'), getenv('PGSSLROOTCERT'), $more);
    return new PDO($dsn, 'app', getenv('PGPASSWORD'), $options + [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
}
function equal($expected, $actual): void {
    if ($expected !== $actual) throw new Exception('expected ' . json_encode($expected) . ', got ' . json_encode($actual));
}
function refused(string $state, callable $work): void {
    try { $work(); } catch (PDOException $error) { equal($state, $error->getCode()); return; }
    throw new Exception("no error $state");
}
function step(string $name, callable $work): void {
    try {
        $work();
        echo "ok $name\n";
    } catch (Throwable $failure) {
        $GLOBALS['red'] = 1;
        $line = current(array_filter($failure->getTrace(), fn($at) => !in_array($at['function'], ['step'])))['line'] ?? $failure->getLine();
        echo "not ok $name: ", str_replace("\n", ' | ', $failure->getMessage()), " (line $line)\n";
    }
}
set_error_handler(fn($number, $text) => throw new Exception($text)); // the functions of pgsql warn where others throw

echo 'client PHP ' . PHP_VERSION . ', PDO and pgsql (libpq ' . pg_version(pg_connect(''))['client'] . ")\n";

step('TLS, parameters of either side', function () {
    $db = pdo([], ";options='-c TimeZone=Asia/Tokyo -c statement_timeout=7s';application_name=elephant");
    equal(['elephant', 'Asia/Tokyo', '7s'], $db->query("SELECT current_setting('application_name'), current_setting('TimeZone'), current_setting('statement_timeout')")->fetch(PDO::FETCH_NUM));
});
foreach (['real' => [PDO::ATTR_EMULATE_PREPARES => false], 'emulated' => [PDO::ATTR_EMULATE_PREPARES => true],
          'disabled' => [PDO::PGSQL_ATTR_DISABLE_PREPARES => true]] as $kind => $options) {
    step("PDO, $kind prepares on more connections than servers", function () use ($options) {
        $connections = array_map(fn() => pdo($options), range(1, WORKERS));
        $statements = array_map(fn($db, $worker) => $db->prepare("SELECT CAST(:n AS int) * 1000 + $worker"), $connections, range(0, WORKERS - 1));
        for ($number = 0; $number < 20; $number++) {
            foreach ($statements as $worker => $statement) {
                $statement->execute(['n' => $number]);
                equal($number * 1000 + $worker, (int)$statement->fetchColumn());
            }
        }
    });
}
step('PDO, statements closed and prepared again', function () {
    $db = pdo([PDO::ATTR_EMULATE_PREPARES => false]);
    for ($number = 0; $number < 30; $number++) {
        $statement = $db->prepare('SELECT ?::int + ' . $number % 3); // the one before is deallocated by SQL when it goes out of scope
        $statement->execute([$number]);
        equal($number + $number % 3, $statement->fetchColumn());
    }
});
step('PDO, transactions and savepoints', function () {
    $db = pdo();
    $db->exec('DELETE FROM items');
    $db->beginTransaction();
    $db->prepare('INSERT INTO items (n) VALUES (?)')->execute([1]);
    $db->exec('SAVEPOINT s');
    refused('22012', fn() => $db->query('SELECT 1/0'));
    refused('25P02', fn() => $db->query('SELECT 1'));
    $db->exec('ROLLBACK TO s');
    $db->commit();
    $db->beginTransaction();
    $db->exec('DELETE FROM items');
    $db->rollBack();
    equal(1, $db->query('SELECT count(*) FROM items')->fetchColumn());
});
step('PDO, scrollable cursor', function () {
    $db = pdo();
    $db->beginTransaction();
    $statement = $db->prepare('SELECT g FROM generate_series(1, 100) g', [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
    $statement->execute();
    equal(50, $statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_ABS, 50)[0]);
    equal(49, $statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_PRIOR)[0]);
    $db->commit();
});
step('PDO, COPY and LISTEN', function () {
    $db = pdo();
    $db->exec('DELETE FROM items');
    equal(true, $db->pgsqlCopyFromArray('items', array_map(fn($n) => "$n\trow $n", range(0, 4999)), "\t", '\\\\N', 'n, body'));
    equal(5000, count($db->pgsqlCopyToArray('items')));
    $db->exec('LISTEN news');
    pdo()->exec("NOTIFY news, 'one'");
    equal('one', $db->pgsqlGetNotify(PDO::FETCH_ASSOC, 20000)['payload']);
});
step('pgsql, prepared and parameters', function () {
    $connections = array_map(fn($worker) => pg_connect('', PGSQL_CONNECT_FORCE_NEW), range(0, WORKERS - 1));
    foreach ($connections as $worker => $db) pg_prepare($db, 'mine', "SELECT \$1::int * 1000 + $worker");
    for ($number = 0; $number < 20; $number++) {
        foreach ($connections as $worker => $db) {
            equal((string)($number * 1000 + $worker), pg_fetch_result(pg_execute($db, 'mine', [$number]), 0, 0));
            equal("$worker/$number", pg_fetch_result(pg_query_params($db, "SELECT \$1 || '/' || \$2", [$worker, $number]), 0, 0));
        }
    }
});
step('pgsql, asynchronous, cancel', function () {
    $db = pg_connect('', PGSQL_CONNECT_FORCE_NEW);
    pg_send_query($db, 'SELECT 1; SELECT 2');
    equal(['1', '2'], [pg_fetch_result(pg_get_result($db), 0, 0), pg_fetch_result(pg_get_result($db), 0, 0)]);
    equal(false, pg_get_result($db));
    pg_send_query($db, 'SELECT pg_sleep(30)');
    usleep(300000);
    equal(true, pg_cancel_query($db));
    equal('1', pg_fetch_result(pg_query($db, 'SELECT 1'), 0, 0));
});
step('pgsql, insert, select, convert by meta data', function () {
    $db = pg_connect('', PGSQL_CONNECT_FORCE_NEW);
    pg_query($db, 'DELETE FROM items');
    $schema = pg_fetch_result(pg_query($db, 'SELECT current_schema()'), 0, 0);
    pg_insert($db, "$schema.items", ['n' => 77, 'body' => "it's"]);
    equal("it's", pg_select($db, "$schema.items", ['n' => 77])[0]['body']);
    pg_copy_from($db, 'items (n)', ["78\n"]);
    equal(true, in_array('n', array_keys(pg_meta_data($db, "$schema.items"))));
});
step('persistent connections', function () {
    $db = pg_pconnect('');
    pg_query($db, "SET application_name = 'kept'");
    equal('1', pg_fetch_result(pg_query(pg_pconnect(''), 'SELECT 1'), 0, 0));
    pdo([PDO::ATTR_PERSISTENT => true])->query('SELECT 1');
});
if ($session) {
    step("backend pid is the server's", function () {
        $db = pg_connect('', PGSQL_CONNECT_FORCE_NEW);
        equal(pg_fetch_result(pg_query($db, 'SELECT pg_backend_pid()'), 0, 0), (string)pg_get_pid($db));
    });
}
echo "end\n";
exit($red);
