/* libpq in C: pipeline mode, single-row mode, COPY, large objects of the wire (a 4 MB value), cancel, notifications. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../step.h"

#define CONNECTIONS 6 /* a tenant in transaction mode has two servers */

static PGconn *open_connection(void)
{
    PGconn *connection = PQconnectdb("");
    if (PQstatus(connection) != CONNECTION_OK) fail("%s", PQerrorMessage(connection));
    return connection;
}

/* The next result has this status; its first value, or "", is left in value. */
static char value[64];
static int next_is(PGconn *connection, ExecStatusType status)
{
    PGresult *result = PQgetResult(connection);
    ExecStatusType actual = result ? PQresultStatus(result) : (ExecStatusType)-1;
    int same = actual == status;
    if (!same) fail("%s instead of %s: %s", result ? PQresStatus(actual) : "nothing", PQresStatus(status), PQerrorMessage(connection));
    snprintf(value, sizeof value, "%s", result && PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return same;
}
static int nothing_is_next(PGconn *connection)
{
    PGresult *result = PQgetResult(connection);
    PQclear(result);
    return result == NULL;
}
static int run(PGconn *connection, const char *sql, ExecStatusType status)
{
    return PQsendQuery(connection, sql) && next_is(connection, status) && (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || nothing_is_next(connection));
}

static void tls(void)
{
    PGconn *connection = open_connection();
    EXPECT(PQsslInUse(connection));
    EXPECT(strcmp(PQparameterStatus(connection, "client_encoding"), "UTF8") == 0);
    EXPECT(run(connection, "SELECT 1", PGRES_TUPLES_OK));
    PQfinish(connection);
}

/* Six connections, each with forty statements under way at once: all sent before any answer is read. */
static void pipelines(void)
{
    PGconn *connections[CONNECTIONS];
    for (int c = 0; c < CONNECTIONS; c++)
    {
        connections[c] = open_connection();
        EXPECT(PQenterPipelineMode(connections[c]));
        EXPECT(PQsendPrepare(connections[c], "sum", "SELECT $1::int * 1000 + $2::int", 0, NULL));
        for (int number = 0; number < 40; number++)
        {
            char first[16], second[16];
            snprintf(first, sizeof first, "%d", c);
            snprintf(second, sizeof second, "%d", number);
            const char *values[] = { first, second };
            EXPECT(PQsendQueryPrepared(connections[c], "sum", 2, values, NULL, NULL, 0));
            if (number % 10 == 9) EXPECT(PQpipelineSync(connections[c]));
        }
    }
    for (int c = CONNECTIONS - 1; c >= 0; c--)
    {
        EXPECT(next_is(connections[c], PGRES_COMMAND_OK) && nothing_is_next(connections[c]));
        for (int number = 0; number < 40; number++)
        {
            EXPECT(next_is(connections[c], PGRES_TUPLES_OK));
            EXPECT(atoi(value) == c * 1000 + number);
            EXPECT(nothing_is_next(connections[c]));
            if (number % 10 == 9) EXPECT(next_is(connections[c], PGRES_PIPELINE_SYNC));
        }
        EXPECT(PQexitPipelineMode(connections[c]));
        PQfinish(connections[c]);
    }
}

static void pipeline_error(void)
{
    PGconn *connection = open_connection();
    EXPECT(run(connection, "DELETE FROM items", PGRES_COMMAND_OK));
    EXPECT(PQenterPipelineMode(connection));
    EXPECT(PQsendQueryParams(connection, "INSERT INTO items (n) VALUES (1)", 0, NULL, NULL, NULL, NULL, 0));
    EXPECT(PQpipelineSync(connection));
    EXPECT(PQsendQueryParams(connection, "INSERT INTO items (n) VALUES (2)", 0, NULL, NULL, NULL, NULL, 0));
    EXPECT(PQsendQueryParams(connection, "SELECT 1/0", 0, NULL, NULL, NULL, NULL, 0));
    EXPECT(PQsendQueryParams(connection, "INSERT INTO items (n) VALUES (3)", 0, NULL, NULL, NULL, NULL, 0));
    EXPECT(PQpipelineSync(connection));
    EXPECT(PQsendQueryParams(connection, "SELECT string_agg(n::text, ',') FROM items", 0, NULL, NULL, NULL, NULL, 0));
    EXPECT(PQpipelineSync(connection));
    EXPECT(next_is(connection, PGRES_COMMAND_OK) && nothing_is_next(connection) && next_is(connection, PGRES_PIPELINE_SYNC));
    EXPECT(next_is(connection, PGRES_COMMAND_OK) && nothing_is_next(connection));
    EXPECT(next_is(connection, PGRES_FATAL_ERROR) && nothing_is_next(connection));
    EXPECT(PQpipelineStatus(connection) == PQ_PIPELINE_ABORTED);
    EXPECT(next_is(connection, PGRES_PIPELINE_ABORTED) && nothing_is_next(connection) && next_is(connection, PGRES_PIPELINE_SYNC));
    EXPECT(next_is(connection, PGRES_TUPLES_OK) && strcmp(value, "1") == 0 && nothing_is_next(connection) && next_is(connection, PGRES_PIPELINE_SYNC));
    PQfinish(connection);
}

/* Answers are wanted while the transaction of the pipeline goes on: Flush instead of Sync, then BEGIN ... COMMIT in one pipeline. */
static void pipeline_flush(void)
{
    PGconn *connection = open_connection();
    EXPECT(PQenterPipelineMode(connection));
    const char *statements[] = { "BEGIN", "SELECT 1", "SELECT 2", "COMMIT" };
    for (int s = 0; s < 4; s++)
    {
        EXPECT(PQsendQueryParams(connection, statements[s], 0, NULL, NULL, NULL, NULL, 0));
        EXPECT(PQsendFlushRequest(connection) && PQflush(connection) == 0);
        EXPECT(next_is(connection, s == 1 || s == 2 ? PGRES_TUPLES_OK : PGRES_COMMAND_OK) && nothing_is_next(connection));
    }
    EXPECT(PQpipelineSync(connection) && next_is(connection, PGRES_PIPELINE_SYNC));
    EXPECT(PQtransactionStatus(connection) == PQTRANS_IDLE);
    PQfinish(connection);
}

static void single_rows(void)
{
    PGconn *connection = open_connection();
    EXPECT(PQsendQuery(connection, "SELECT g FROM generate_series(1, 5000) g") && PQsetSingleRowMode(connection));
    for (int row = 1; row <= 5000; row++) EXPECT(next_is(connection, PGRES_SINGLE_TUPLE) && atoi(value) == row);
    EXPECT(next_is(connection, PGRES_TUPLES_OK) && nothing_is_next(connection));
    PQfinish(connection);
}

static void copies(void)
{
    PGconn *connection = open_connection();
    EXPECT(run(connection, "DELETE FROM items", PGRES_COMMAND_OK));
    EXPECT(run(connection, "COPY items (n) FROM STDIN", PGRES_COPY_IN));
    for (int number = 0; number < 5000; number++)
    {
        char line[16];
        EXPECT(PQputCopyData(connection, line, snprintf(line, sizeof line, "%d\n", number)) == 1);
    }
    EXPECT(PQputCopyEnd(connection, NULL) == 1 && next_is(connection, PGRES_COMMAND_OK) && nothing_is_next(connection));
    EXPECT(run(connection, "COPY items (n) FROM STDIN", PGRES_COPY_IN));
    EXPECT(PQputCopyEnd(connection, "given up") == 1 && next_is(connection, PGRES_FATAL_ERROR) && nothing_is_next(connection));
    EXPECT(run(connection, "COPY (SELECT n FROM items ORDER BY n) TO STDOUT", PGRES_COPY_OUT));
    int lines = 0;
    char *line;
    while (PQgetCopyData(connection, &line, 0) > 0)
    {
        EXPECT(atoi(line) == lines++);
        PQfreemem(line);
    }
    EXPECT(lines == 5000 && next_is(connection, PGRES_COMMAND_OK) && nothing_is_next(connection));
    PQfinish(connection);
}

static void large_value(void)
{
    PGconn *connection = open_connection();
    size_t size = 4 << 20;
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[size] = 0;
    const char *values[] = { text };
    PGresult *result = PQexecParams(connection, "SELECT $1::text", 1, NULL, values, NULL, NULL, 0);
    EXPECT(PQresultStatus(result) == PGRES_TUPLES_OK && strcmp(PQgetvalue(result, 0, 0), text) == 0);
    PQclear(result);
    free(text);
    PQfinish(connection);
}

static void cancelled(void)
{
    PGconn *connection = open_connection();
    char error[256];
    EXPECT(PQsendQuery(connection, "SELECT pg_sleep(30)"));
    poll(NULL, 0, 300);
    PGcancel *cancel = PQgetCancel(connection);
    EXPECT(PQcancel(cancel, error, sizeof error));
    PQfreeCancel(cancel);
    PGresult *result = PQgetResult(connection);
    EXPECT(result && strcmp(PQresultErrorField(result, PG_DIAG_SQLSTATE), "57014") == 0);
    PQclear(result);
    EXPECT(nothing_is_next(connection) && run(connection, "SELECT 1", PGRES_TUPLES_OK));
    PQfinish(connection);
}

static void notifications(void)
{
    PGconn *listener = open_connection(), *speaker = open_connection();
    PGnotify *notify = NULL;
    EXPECT(run(listener, "LISTEN news", PGRES_COMMAND_OK) && run(speaker, "NOTIFY news, 'one'", PGRES_COMMAND_OK));
    for (int tries = 0; tries < 200 && !(notify = PQnotifies(listener)); tries++)
    {
        struct pollfd readable = { PQsocket(listener), POLLIN, 0 };
        poll(&readable, 1, 100);
        EXPECT(PQconsumeInput(listener));
    }
    EXPECT(notify && strcmp(notify->extra, "one") == 0);
    PQfreemem(notify);
    PQfinish(listener);
    PQfinish(speaker);
}

static void described(void)
{
    PGconn *connection = open_connection();
    PQclear(PQprepare(connection, "described", "SELECT $1::int AS a, $2::text AS b", 0, NULL));
    PGresult *result = PQdescribePrepared(connection, "described");
    EXPECT(PQnparams(result) == 2 && PQparamtype(result, 0) == 23 && PQnfields(result) == 2 && strcmp(PQfname(result, 1), "b") == 0);
    PQclear(result);
    EXPECT(run(connection, "BEGIN", PGRES_COMMAND_OK) && run(connection, "DECLARE c CURSOR FOR SELECT 1 AS a", PGRES_COMMAND_OK));
    result = PQdescribePortal(connection, "c");
    EXPECT(PQnfields(result) == 1 && strcmp(PQfname(result, 0), "a") == 0);
    PQclear(result);
    EXPECT(run(connection, "COMMIT", PGRES_COMMAND_OK));
    PQfinish(connection);
}

static void backend_pid(void)
{
    PGconn *connection = open_connection();
    EXPECT(run(connection, "SELECT pg_backend_pid()", PGRES_TUPLES_OK));
    EXPECT(atoi(value) == PQbackendPID(connection));
    PQfinish(connection);
}

int main(void)
{
    printf("client libpq %d.%d\n", PQlibVersion() / 10000, PQlibVersion() % 10000);
    step("TLS", tls);
    step("pipelines on more connections than servers", pipelines);
    step("an error ends its part of the pipeline", pipeline_error);
    step("answers by Flush inside a transaction", pipeline_flush);
    step("single-row mode", single_rows);
    step("COPY in, out and given up", copies);
    step("a value of 4 MB both ways", large_value);
    step("cancel", cancelled);
    step("LISTEN", notifications);
    step("Describe of statements and cursors", described);
    if (strcmp(getenv("DRIVERS_SESSION"), "1") == 0) step("backend pid is the server's", backend_pid);
    printf("end\n");
    return red;
}
