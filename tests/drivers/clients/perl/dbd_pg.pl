# DBD::Pg: server-side prepare now and later, COPY, asynchronous queries, notifications, cancel.
use strict;
use warnings;
use DBI;
use DBD::Pg qw(:async);

$| = 1;
my $session = $ENV{DRIVERS_SESSION} eq '1'; # the server is the client's own: session mode, or PostgreSQL itself
my $workers = 6; # connections at a time; a tenant in transaction mode has two servers
my $red = 0;

sub connect_as {
    my ($user, %options) = @_;
    return DBI->connect('dbi:Pg:', $user, $ENV{PGPASSWORD}, { RaiseError => 1, PrintError => 0, AutoCommit => 1, %options });
}

sub equal {
    my ($expected, $actual) = @_;
    die "expected '$expected', got '" . ($actual // 'nothing') . "' (line " . (caller)[2] . ")\n" unless defined $actual && $expected eq $actual;
}

sub refused {
    my ($state, $handle, $work) = @_;
    eval { $work->(); 1 } and die "no error $state (line " . (caller)[2] . ")\n";
    equal($state, $handle->state);
}

sub step {
    my ($name, $work) = @_;
    if (eval { $work->(); 1 }) { print "ok $name\n"; return; }
    $red = 1;
    (my $failure = $@) =~ s/\n/ | /g;
    print "not ok $name: $failure\n";
}

print "client DBD::Pg $DBD::Pg::VERSION (Perl " . sprintf('%vd', $^V) . ")\n";

step 'TLS, parameters of either side', sub {
    local $ENV{PGOPTIONS} = '-c TimeZone=Asia/Tokyo -c statement_timeout=7s';
    my $db = connect_as('app');
    equal('Asia/Tokyo 7s', join ' ', $db->selectrow_array("SELECT current_setting('TimeZone'), current_setting('statement_timeout')"));
    $db->do("SET application_name = 'perl'");
    equal('perl', $db->selectrow_array('SHOW application_name'));
};

for my $prepare (0, 1, 2) {
    step "pg_server_prepare $prepare on more connections than servers", sub {
        my @connections = map { connect_as('app', pg_server_prepare => $prepare, pg_switch_prepared => 2) } 1 .. $workers;
        my @statements = map { $connections[$_]->prepare("SELECT ?::int * 1000 + $_") } 0 .. $workers - 1;
        for my $number (0 .. 19) {
            for my $worker (0 .. $workers - 1) {
                $statements[$worker]->execute($number);
                equal($number * 1000 + $worker, $statements[$worker]->fetchrow_array);
                $statements[$worker]->finish;
            }
        }
    };
}

step 'prepared at once (pg_prepare_now), dropped and prepared again', sub {
    my $db = connect_as('app');
    for my $number (0 .. 9) {
        my $statement = $db->prepare("SELECT ?::text || $number", { pg_prepare_now => 1 });
        $statement->execute('x');
        equal("x$number", $statement->fetchrow_array);
    }
};

step 'asynchronous queries on several connections', sub {
    my @connections = map { connect_as('app') } 1 .. $workers;
    $connections[$_]->do("SELECT pg_sleep(0.02), $_", { pg_async => PG_ASYNC }) for 0 .. $workers - 1;
    equal(1, $_->pg_result) for @connections;
};

step 'COPY in and out', sub {
    my $db = connect_as('app');
    $db->do('DELETE FROM items');
    $db->do('COPY items (n, body) FROM STDIN');
    $db->pg_putcopydata("$_\trow $_\n") for 0 .. 4999;
    $db->pg_putcopyend;
    $db->do('COPY (SELECT n FROM items ORDER BY n) TO STDOUT');
    my ($lines, $line) = (0, '');
    while ($db->pg_getcopydata($line) >= 0) { equal($lines++, $line + 0) }
    equal(5000, $lines);
    $db->do('COPY items (n) FROM STDIN');
    $db->pg_putcopydata("no number\n");
    refused('22P02', $db, sub { $db->pg_putcopyend });
    equal(5000, $db->selectrow_array('SELECT count(*) FROM items'));
};

step 'LISTEN', sub {
    my ($listener, $speaker) = (connect_as('app'), connect_as('app'));
    $listener->do('LISTEN news');
    $speaker->do("NOTIFY news, 'one'");
    my $heard;
    for (1 .. 400) {
        last if $heard = $listener->pg_notifies;
        select undef, undef, undef, 0.05;
    }
    equal('news one', "$heard->[0] $heard->[2]");
};

step 'cancel', sub {
    my $db = connect_as('app');
    my $sleep = $db->prepare('SELECT pg_sleep(30)', { pg_async => PG_ASYNC });
    $sleep->execute;
    select undef, undef, undef, 0.3;
    $db->pg_cancel;
    equal(1, $db->selectrow_array('SELECT 1'));
};

step 'transactions, savepoints, errors', sub {
    my $db = connect_as('app');
    $db->do('DELETE FROM items');
    $db->begin_work;
    $db->do('INSERT INTO items (n) VALUES (?)', undef, 1);
    $db->pg_savepoint('s');
    refused('22012', $db, sub { $db->do('SELECT 1 / ?::int', undef, 0) });
    $db->pg_rollback_to('s');
    $db->commit;
    $db->begin_work;
    $db->do('DELETE FROM items');
    $db->rollback;
    equal(1, $db->selectrow_array('SELECT count(*) FROM items'));
};

step 'placeholders, arrays, bytea, execute_array', sub {
    my $db = connect_as('app');
    my ($array, $bytes) = $db->selectrow_array('SELECT ?::int[], ?::bytea', undef, [1, 2, 3], 'abc');
    equal('1,2,3 abc', join(',', @$array) . " $bytes");
    my $insert = $db->prepare('INSERT INTO items (n, body) VALUES (?, ?)');
    $insert->execute_array({}, [1 .. 20], [map { "row $_" } 1 .. 20]);
    equal(20, $db->selectrow_array("SELECT count(*) FROM items WHERE body LIKE 'row%' AND n > 0 AND n <= 20 AND id > (SELECT max(id) - 20 FROM items)"));
};

step 'last_insert_id inside a transaction', sub {
    my $db = connect_as('app', AutoCommit => 0);
    $db->do('INSERT INTO items (n) VALUES (1)');
    equal($db->selectrow_array('SELECT max(id) FROM items'), $db->last_insert_id(undef, undef, 'items', undef));
    $db->commit;
};

step 'ping and meta data', sub {
    my $db = connect_as('app');
    equal(1, $db->ping > 0 ? 1 : 0);
    equal('id n body', join ' ', map { $_->{COLUMN_NAME} } @{ $db->column_info(undef, undef, 'items', '%')->fetchall_arrayref({}) }[0 .. 2]);
};

if ($session) {
    step "backend pid is the server's", sub {
        my $db = connect_as('app');
        equal($db->{pg_pid}, $db->selectrow_array('SELECT pg_backend_pid()'));
    };
}
print "end\n";
exit $red;
