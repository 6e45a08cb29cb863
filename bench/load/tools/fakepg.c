// fakepg: a PostgreSQL backend that executes nothing. It answers each statement at once with the same rows, so that in a benchmark of a proxy the
// proxy is the bottleneck and not the database.
//
//   fakepg --socket DIR --port N [--rows N] [--bytes N]      listens on the Unix socket DIR/.s.PGSQL.N
//   fakepg --port N [...]                                    listens on 127.0.0.1:N
//
// Any user gets in, without a password. Statements of a simple query are looked at as far as their first word: BEGIN, COMMIT and ROLLBACK open and
// close a transaction; SELECT, SHOW, VALUES, TABLE and WITH are answered with --rows rows (default 1) of one value of --bytes bytes (default 1);
// everything else, such as SET or DISCARD ALL, is answered with its command tag. What is parsed and executed by the extended protocol is taken for a
// SELECT without parameters. Transactions have to be opened and closed by simple queries. COPY and function calls are not known.
//
// SIGUSR1 prints a line of JSON with what was served so far; SIGTERM and SIGINT print it and end the program.
#include "bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum
{
    PROTOCOL_3 = 3 << 16,
    CANCEL_REQUEST = 80877102,
    SSL_REQUEST = 80877103,
    GSSENC_REQUEST = 80877104,
    MESSAGE_MAX = 1 << 20, // a longer one ends the connection
};

typedef struct
{
    int fd;
    int started;    // start-up packet seen
    int skips;      // an extended statement failed: nothing is answered until Sync
    char status;    // of the transaction, as ReadyForQuery says it
    Bytes held;     // a message of which the end has not come yet
    Bytes unsent;   // what the socket did not take; while there is any, nothing is read
} Connection;

static struct
{
    unsigned long long accepted, open, most, queries, cancels, sent;
} served;

static volatile sig_atomic_t wants_report, wants_end;
static Bytes rows;        // RowDescription is apart: a portal that was not described has none
static Bytes description;
static Bytes replies;     // to what was received in one go; one send for all of it
static unsigned char received[MESSAGE_MAX + 65536];

static void on_signal(int number)
{
    wants_report = 1;
    if (number != SIGUSR1) wants_end = 1;
}

static void report(void)
{
    printf("{\"accepted\":%llu,\"open\":%llu,\"most\":%llu,\"queries\":%llu,\"cancels\":%llu,\"sent_bytes\":%llu}\n",
        served.accepted, served.open, served.most, served.queries, served.cancels, served.sent);
    fflush(stdout);
}

// --- Replies ------------------------------------------------------------------------------------------------------

static void prepare_rows(unsigned count, unsigned length)
{
    size_t mark = message_begin(&description, 'T');
    bytes_put_int16(&description, 1);
    bytes_put_text(&description, "value");
    bytes_put_int32(&description, 0);           // of no table
    bytes_put_int16(&description, 0);
    bytes_put_int32(&description, 25);          // type text
    bytes_put_int16(&description, (uint16_t)-1);
    bytes_put_int32(&description, (uint32_t)-1);
    bytes_put_int16(&description, 0);           // text format
    message_end(&description, mark);

    for (unsigned row = 0; row < count; row++)
    {
        mark = message_begin(&rows, 'D');
        bytes_put_int16(&rows, 1);
        bytes_put_int32(&rows, length);
        for (unsigned i = 0; i < length; i++) bytes_put_byte(&rows, (unsigned char)('0' + i % 10));
        message_end(&rows, mark);
    }
    char tag[32];
    int tag_length = snprintf(tag, sizeof tag, "SELECT %u", count);
    message_put(&rows, 'C', tag, (size_t)tag_length + 1);
}

static void put_ready(const Connection *connection)
{
    message_put(&replies, 'Z', &connection->status, 1);
}

static void put_parameter(const char *name, const char *value)
{
    size_t mark = message_begin(&replies, 'S');
    bytes_put_text(&replies, name);
    bytes_put_text(&replies, value);
    message_end(&replies, mark);
}

static void put_error(const char *sqlstate, const char *text)
{
    size_t mark = message_begin(&replies, 'E');
    bytes_put_byte(&replies, 'S'), bytes_put_text(&replies, "ERROR");
    bytes_put_byte(&replies, 'V'), bytes_put_text(&replies, "ERROR");
    bytes_put_byte(&replies, 'C'), bytes_put_text(&replies, sqlstate);
    bytes_put_byte(&replies, 'M'), bytes_put_text(&replies, text);
    bytes_put_byte(&replies, 0);
    message_end(&replies, mark);
}

static void put_login(void)
{
    static uint32_t process_id = 1000;
    message_put(&replies, 'R', "\0\0\0\0", 4);
    put_parameter("server_version", "15.0");
    put_parameter("server_encoding", "UTF8");
    put_parameter("client_encoding", "UTF8");
    put_parameter("application_name", "");
    put_parameter("DateStyle", "ISO, MDY");
    put_parameter("TimeZone", "UTC");
    put_parameter("IntervalStyle", "postgres");
    put_parameter("integer_datetimes", "on");
    put_parameter("standard_conforming_strings", "on");
    put_parameter("is_superuser", "off");
    put_parameter("default_transaction_read_only", "off");
    put_parameter("in_hot_standby", "off");
    size_t mark = message_begin(&replies, 'K');
    bytes_put_int32(&replies, ++process_id);
    bytes_put_int32(&replies, process_id * 2654435761u);
    message_end(&replies, mark);
}

// --- Statements ---------------------------------------------------------------------------------------------------

// The first word of a statement, in capitals; answers its length, 0 at the end of the text.
static size_t first_word(const char *sql, const char *end, char *word, size_t word_max)
{
    while (sql < end && strchr(" \t\r\n(", *sql) != NULL) sql++;
    size_t length = 0;
    for (; sql < end && ((*sql | 32) >= 'a' && (*sql | 32) <= 'z') && length < word_max - 1; sql++) word[length++] = (char)(*sql & ~32);
    word[length] = 0;
    return length;
}

static int is_one_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
    {
        if (strcmp(word, *words) == 0) return 1;
    }
    return 0;
}

// One statement of a simple query; answers 0 when there is nothing in it.
static int run_statement(Connection *connection, const char *sql, const char *end)
{
    static const char *const reads[] = { "SELECT", "SHOW", "VALUES", "TABLE", "WITH", NULL };
    static const char *const begins[] = { "BEGIN", "START", NULL };
    static const char *const ends[] = { "COMMIT", "END", "ROLLBACK", "ABORT", NULL };
    char word[24];
    if (first_word(sql, end, word, sizeof word) == 0) return 0;
    served.queries++;
    if (is_one_of(word, reads))
    {
        bytes_put(&replies, description.data, description.length);
        bytes_put(&replies, rows.data, rows.length);
        return 1;
    }
    if (is_one_of(word, begins)) connection->status = 'T';
    if (is_one_of(word, ends)) connection->status = 'I';
    // DISCARD ALL and DEALLOCATE ALL have tags of two words; the rest is close enough to what PostgreSQL says.
    const char *all = (strcmp(word, "DISCARD") == 0 || strcmp(word, "DEALLOCATE") == 0) ? " ALL" : "";
    char tag[32];
    int length = snprintf(tag, sizeof tag, "%s%s", word, all);
    message_put(&replies, 'C', tag, (size_t)length + 1);
    return 1;
}

// The statements of a simple query lie between semicolons outside quotes.
static void run_query(Connection *connection, const char *sql, const char *end)
{
    int count = 0;
    char quote = 0;
    const char *start = sql;
    for (const char *at = sql; at < end; at++)
    {
        if (quote != 0) { if (*at == quote) quote = 0; }
        else if (*at == '\'' || *at == '"') quote = *at;
        else if (*at == ';') { count += run_statement(connection, start, at); start = at + 1; }
    }
    count += run_statement(connection, start, end);
    if (count == 0) message_put(&replies, 'I', "", 0);
    put_ready(connection);
}

// One message behind the start-up; answers 0 when the connection is to end.
static int answer(Connection *connection, char type, const unsigned char *body, size_t length)
{
    if (connection->skips && type != 'S' && type != 'X') return 1;
    switch (type)
    {
    case 'Q':
        if (length == 0 || body[length - 1] != 0) return 0;
        run_query(connection, (const char *)body, (const char *)body + length - 1);
        return 1;
    case 'P': message_put(&replies, '1', "", 0); return 1;
    case 'B': message_put(&replies, '2', "", 0); return 1;
    case 'C': message_put(&replies, '3', "", 0); return 1;
    case 'D':
        if (length > 0 && body[0] == 'S') message_put(&replies, 't', "\0", 2);
        bytes_put(&replies, description.data, description.length);
        return 1;
    case 'E':
        served.queries++;
        bytes_put(&replies, rows.data, rows.length);
        return 1;
    case 'S':
        connection->skips = 0;
        put_ready(connection);
        return 1;
    case 'H': return 1; // what there is to flush is sent anyhow
    case 'X': return 0;
    default:
        put_error("0A000", "the fake backend does not know this message");
        connection->skips = 1;
        return 1;
    }
}

// The first packet of a connection; answers 0 when the connection is to end.
static int start(Connection *connection, const unsigned char *packet, size_t length)
{
    if (length < 8) return 0;
    uint32_t code = read_int32(packet + 4);
    if (code == SSL_REQUEST || code == GSSENC_REQUEST)
    {
        bytes_put_byte(&replies, 'N');
        return 1;
    }
    if (code == CANCEL_REQUEST) served.cancels++;
    // Minor versions above 0 would have to be negotiated; the answers here are the same in all of them.
    if (code >> 16 != PROTOCOL_3 >> 16) return 0;
    connection->started = 1;
    put_login();
    put_ready(connection);
    return 1;
}

// Answers the whole messages in the bytes; says how many bytes they had, or -1 when the connection is to end.
static long answer_all(Connection *connection, const unsigned char *data, size_t length)
{
    size_t at = 0;
    while (1)
    {
        size_t header = connection->started ? 5 : 4;
        if (length - at < header) return (long)at;
        size_t size = read_int32(data + at + header - 4) + header - 4;
        if (size < header || size > MESSAGE_MAX) return -1;
        if (length - at < size) return (long)at;
        int goes_on = connection->started
            ? answer(connection, (char)data[at], data + at + 5, size - 5)
            : start(connection, data + at, size);
        if (!goes_on) return -1;
        at += size;
    }
}

// --- Sockets ------------------------------------------------------------------------------------------------------

static int poller;

static void watch(Connection *connection, uint32_t events, int operation)
{
    struct epoll_event event = { .events = events, .data.ptr = connection };
    if (epoll_ctl(poller, operation, connection->fd, &event) != 0) die("epoll_ctl: %s", strerror(errno));
}

static void end_connection(Connection *connection)
{
    close(connection->fd);
    bytes_free(&connection->held);
    bytes_free(&connection->unsent);
    free(connection);
    served.open--;
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // refused on a Unix socket, which needs none
        Connection *connection = calloc(1, sizeof *connection);
        if (connection == NULL) die("out of memory");
        connection->fd = fd;
        connection->status = 'I';
        watch(connection, EPOLLIN, EPOLL_CTL_ADD);
        served.accepted++;
        if (++served.open > served.most) served.most = served.open;
    }
}

// Sends what there is; what the socket does not take is kept, and reading stops until it is gone. Answers 0 when the peer has left.
static int send_replies(Connection *connection, const unsigned char *data, size_t length)
{
    ssize_t taken = length == 0 ? 0 : send(connection->fd, data, length, MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN) return 0;
    if (taken < 0) taken = 0;
    served.sent += (unsigned long long)taken;
    if ((size_t)taken == length) return 1;
    bytes_put(&connection->unsent, data + taken, length - (size_t)taken);
    watch(connection, EPOLLOUT, EPOLL_CTL_MOD);
    return 1;
}

static int on_writable(Connection *connection)
{
    ssize_t taken = send(connection->fd, connection->unsent.data, connection->unsent.length, MSG_NOSIGNAL);
    if (taken < 0) return errno == EAGAIN;
    served.sent += (unsigned long long)taken;
    bytes_drop(&connection->unsent, (size_t)taken);
    if (connection->unsent.length == 0)
    {
        bytes_free(&connection->unsent);
        watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    }
    return 1;
}

static int on_readable(Connection *connection)
{
    size_t held = connection->held.length;
    if (held > 0) memcpy(received, connection->held.data, held);
    ssize_t count = recv(connection->fd, received + held, sizeof received - held, 0);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    size_t length = held + (size_t)count;
    replies.length = 0;
    long used = answer_all(connection, received, length);
    if (used < 0) return 0;
    connection->held.length = 0;
    if ((size_t)used < length) bytes_put(&connection->held, received + used, length - (size_t)used);
    else if (held > 0) bytes_free(&connection->held);
    return send_replies(connection, replies.data, replies.length);
}

static int listen_on(const char *directory, unsigned port)
{
    int listener = socket(directory != NULL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int bound;
    if (directory != NULL)
    {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%u", directory, port);
        if (length >= (int)sizeof address.sun_path) die("fakepg: the socket's path is too long: %s", directory);
        unlink(address.sun_path);
        bound = bind(listener, (struct sockaddr *)&address, sizeof address);
    }
    else
    {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int on = 1;
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        bound = bind(listener, (struct sockaddr *)&address, sizeof address);
    }
    if (listener < 0 || bound != 0 || listen(listener, 4096) != 0) die("fakepg: cannot listen on port %u: %s", port, strerror(errno));
    return listener;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        { "socket", required_argument, NULL, 's' }, { "port", required_argument, NULL, 'p' }, { "rows", required_argument, NULL, 'r' },
        { "bytes", required_argument, NULL, 'b' }, { NULL, 0, NULL, 0 },
    };
    const char *directory = NULL;
    unsigned port = 0, row_count = 1, row_bytes = 1;
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
    {
        if (option == 's') directory = optarg;
        else if (option == 'p') port = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'r') row_count = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == 'b') row_bytes = (unsigned)strtoul(optarg, NULL, 10);
        else return 2;
    }
    if (port == 0 || port > 65535) die("usage: fakepg [--socket DIR] --port N [--rows N] [--bytes N]");
    prepare_rows(row_count, row_bytes);

    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGUSR1, &action, NULL), sigaction(SIGTERM, &action, NULL), sigaction(SIGINT, &action, NULL);

    int listener = listen_on(directory, port);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event listening = { .events = EPOLLIN, .data.ptr = NULL };
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &listening);
    while (!wants_end)
    {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, 1000); // bounded: a signal between the test and the wait is seen a second later
        for (int i = 0; i < count; i++)
        {
            Connection *connection = events[i].data.ptr;
            if (connection == NULL) accept_all(listener);
            else if (!(events[i].events & EPOLLOUT ? on_writable(connection) : on_readable(connection))) end_connection(connection);
        }
        if (wants_report) { wants_report = 0; report(); }
    }
    return 0;
}
