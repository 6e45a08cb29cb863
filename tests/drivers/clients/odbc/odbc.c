/* psqlODBC through unixODBC, in C: server-side prepare on and off, cursors by Declare/Fetch, transactions, cancel. */
#include <sql.h>
#include <sqlext.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../step.h"

#define CONNECTIONS 6 /* a tenant in transaction mode has two servers */

static SQLHENV environment;

static char state[6];
static int diagnose(SQLSMALLINT type, SQLHANDLE handle)
{
    SQLCHAR text[256] = "";
    SQLSMALLINT length;
    SQLINTEGER native;
    state[0] = 0;
    SQLGetDiagRec(type, handle, 1, (SQLCHAR *)state, &native, text, sizeof text, &length);
    fail("%s %s", state, text);
    return 0;
}

static SQLHDBC open_connection(const char *options)
{
    SQLHDBC connection;
    char text[1024];
    snprintf(text, sizeof text, "DRIVER={PostgreSQL Unicode};SERVER=%s;PORT=%s;DATABASE=%s;UID=app;PWD={%s};SSLmode=verify-full;%s",
        getenv("PGHOST"), getenv("PGPORT"), getenv("PGDATABASE"), getenv("PGPASSWORD"), options);
    SQLAllocHandle(SQL_HANDLE_DBC, environment, &connection);
    if (!SQL_SUCCEEDED(SQLDriverConnect(connection, NULL, (SQLCHAR *)text, SQL_NTS, NULL, 0, NULL, SQL_DRIVER_NOPROMPT))) diagnose(SQL_HANDLE_DBC, connection);
    return connection;
}
static void close_connection(SQLHDBC connection)
{
    SQLEndTran(SQL_HANDLE_DBC, connection, SQL_ROLLBACK);
    SQLDisconnect(connection);
    SQLFreeHandle(SQL_HANDLE_DBC, connection);
}
static SQLHSTMT new_statement(SQLHDBC connection)
{
    SQLHSTMT statement;
    SQLAllocHandle(SQL_HANDLE_STMT, connection, &statement);
    return statement;
}
static int run(SQLHDBC connection, const char *sql)
{
    SQLHSTMT statement = new_statement(connection);
    SQLRETURN done = SQLExecDirect(statement, (SQLCHAR *)sql, SQL_NTS);
    int good = SQL_SUCCEEDED(done) || done == SQL_NO_DATA; /* what changed no row */
    if (!good) diagnose(SQL_HANDLE_STMT, statement);
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    return good;
}
static int number(SQLHDBC connection, const char *sql)
{
    SQLHSTMT statement = new_statement(connection);
    SQLINTEGER value = -1;
    if (!SQL_SUCCEEDED(SQLExecDirect(statement, (SQLCHAR *)sql, SQL_NTS)) || !SQL_SUCCEEDED(SQLFetch(statement))) diagnose(SQL_HANDLE_STMT, statement);
    SQLGetData(statement, 1, SQL_C_SLONG, &value, 0, NULL);
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    return value;
}

static const char *prepare_options;
static void prepared(void)
{
    SQLHDBC connections[CONNECTIONS];
    SQLHSTMT statements[CONNECTIONS];
    SQLINTEGER parameter = 0;
    for (int c = 0; c < CONNECTIONS; c++)
    {
        char sql[64];
        connections[c] = open_connection(prepare_options);
        statements[c] = new_statement(connections[c]);
        snprintf(sql, sizeof sql, "SELECT ?::int * 1000 + %d", c);
        if (!SQL_SUCCEEDED(SQLPrepare(statements[c], (SQLCHAR *)sql, SQL_NTS))) diagnose(SQL_HANDLE_STMT, statements[c]);
        SQLBindParameter(statements[c], 1, SQL_PARAM_INPUT, SQL_C_SLONG, SQL_INTEGER, 0, 0, &parameter, 0, NULL);
    }
    for (parameter = 0; parameter < 20; parameter++)
    {
        for (int c = 0; c < CONNECTIONS; c++)
        {
            SQLINTEGER value = -1;
            if (!SQL_SUCCEEDED(SQLExecute(statements[c])) || !SQL_SUCCEEDED(SQLFetch(statements[c]))) diagnose(SQL_HANDLE_STMT, statements[c]);
            SQLGetData(statements[c], 1, SQL_C_SLONG, &value, 0, NULL);
            EXPECT(value == parameter * 1000 + c);
            SQLFreeStmt(statements[c], SQL_CLOSE);
        }
    }
    for (int c = 0; c < CONNECTIONS; c++)
    {
        SQLFreeHandle(SQL_HANDLE_STMT, statements[c]);
        close_connection(connections[c]);
    }
}

static void cursor(void)
{
    SQLHDBC connection = open_connection("UseDeclareFetch=1;Fetch=50;");
    SQLSetConnectAttr(connection, SQL_ATTR_AUTOCOMMIT, (SQLPOINTER)SQL_AUTOCOMMIT_OFF, 0);
    SQLHSTMT statement = new_statement(connection);
    if (!SQL_SUCCEEDED(SQLExecDirect(statement, (SQLCHAR *)"SELECT g FROM generate_series(1, 1000) g", SQL_NTS))) diagnose(SQL_HANDLE_STMT, statement);
    SQLINTEGER value, sum = 0;
    while (SQL_SUCCEEDED(SQLFetch(statement)))
    {
        SQLGetData(statement, 1, SQL_C_SLONG, &value, 0, NULL);
        sum += value;
    }
    EXPECT(sum == 500500);
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    close_connection(connection);
}

static void transactions(void)
{
    SQLHDBC connection = open_connection("Protocol=7.4-2;"); /* -2: an error rolls back its statement alone, by savepoints */
    EXPECT(run(connection, "DELETE FROM items"));
    SQLSetConnectAttr(connection, SQL_ATTR_AUTOCOMMIT, (SQLPOINTER)SQL_AUTOCOMMIT_OFF, 0);
    EXPECT(run(connection, "INSERT INTO items (n) VALUES (1)"));
    SQLHSTMT failing = new_statement(connection);
    EXPECT(!SQL_SUCCEEDED(SQLExecDirect(failing, (SQLCHAR *)"SELECT 1/0", SQL_NTS)));
    SQLFreeHandle(SQL_HANDLE_STMT, failing);
    EXPECT(run(connection, "INSERT INTO items (n) VALUES (2)"));
    EXPECT(SQL_SUCCEEDED(SQLEndTran(SQL_HANDLE_DBC, connection, SQL_COMMIT)));
    EXPECT(run(connection, "DELETE FROM items"));
    EXPECT(SQL_SUCCEEDED(SQLEndTran(SQL_HANDLE_DBC, connection, SQL_ROLLBACK)));
    EXPECT(number(connection, "SELECT count(*) FROM items") == 2);
    close_connection(connection);
}

static void *cancel_soon(void *statement)
{
    poll(NULL, 0, 300);
    SQLCancel(statement);
    return NULL;
}
static void cancelled(void)
{
    SQLHDBC connection = open_connection("");
    SQLHSTMT statement = new_statement(connection);
    pthread_t canceller;
    pthread_create(&canceller, NULL, cancel_soon, statement);
    SQLRETURN answer = SQLExecDirect(statement, (SQLCHAR *)"SELECT pg_sleep(30)", SQL_NTS);
    pthread_join(canceller, NULL);
    EXPECT(!SQL_SUCCEEDED(answer));
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    EXPECT(number(connection, "SELECT 7") == 7);
    close_connection(connection);
}

static void catalogue(void)
{
    SQLHDBC connection = open_connection("");
    SQLHSTMT statement = new_statement(connection);
    int columns = 0;
    EXPECT(SQL_SUCCEEDED(SQLColumns(statement, NULL, 0, NULL, 0, (SQLCHAR *)"items", SQL_NTS, NULL, 0)));
    while (SQL_SUCCEEDED(SQLFetch(statement))) columns++;
    EXPECT(columns == 3);
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    close_connection(connection);
}

static void settings(void)
{
    SQLHDBC connection = open_connection("ConnSettings=set TimeZone to 'Asia/Tokyo';");
    for (int use = 0; use < 4; use++) EXPECT(number(connection, "SELECT (current_setting('TimeZone') = 'Asia/Tokyo')::int") == 1);
    close_connection(connection);
}

static void rows_in_arrays(void)
{
    SQLHDBC connection = open_connection("");
    EXPECT(run(connection, "DELETE FROM items"));
    SQLHSTMT statement = new_statement(connection);
    SQLINTEGER numbers[100];
    for (int n = 0; n < 100; n++) numbers[n] = n;
    SQLSetStmtAttr(statement, SQL_ATTR_PARAMSET_SIZE, (SQLPOINTER)100, 0);
    SQLBindParameter(statement, 1, SQL_PARAM_INPUT, SQL_C_SLONG, SQL_INTEGER, 0, 0, numbers, 0, NULL);
    if (!SQL_SUCCEEDED(SQLExecDirect(statement, (SQLCHAR *)"INSERT INTO items (n) VALUES (?)", SQL_NTS))) diagnose(SQL_HANDLE_STMT, statement);
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    EXPECT(number(connection, "SELECT sum(n)::int FROM items") == 4950);
    close_connection(connection);
}

int main(void)
{
    SQLCHAR version[32] = "?";
    SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &environment);
    SQLSetEnvAttr(environment, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
    SQLHDBC connection = open_connection("");
    SQLGetInfo(connection, SQL_DRIVER_VER, version, sizeof version, NULL);
    close_connection(connection);
    printf("client psqlODBC %s%s%s\n", version, failure[0] ? " " : "", failure);
    prepare_options = "UseServerSidePrepare=1;";
    step("server-side prepare on more connections than servers", prepared);
    prepare_options = "UseServerSidePrepare=0;";
    step("client-side parameters on more connections than servers", prepared);
    step("cursor (UseDeclareFetch)", cursor);
    step("transactions, an error rolled back by the driver's savepoint", transactions);
    step("arrays of parameters", rows_in_arrays);
    step("settings at the start (ConnSettings)", settings);
    step("catalogue functions", catalogue);
    step("cancel", cancelled);
    printf("end\n");
    return red;
}
