// One client connection: login without a password, turns of one or more queries, and its ends.
#include "tenantload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum
{
    RECEIVE_MAX = 256 * 1024,
    HELD_MAX = 64 * 1024,   // no message that is looked at is longer
    CANCEL_REQUEST = 80877102,
};

static const uint64_t return_after_failure = 100 * 1000000u; // ns

static unsigned char received[HELD_MAX + RECEIVE_MAX];

static int open_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("tenantload: no socket: %s", strerror(errno));
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)run.port) };
    if (inet_pton(AF_INET, run.host, &address.sin_addr) != 1) die("tenantload: %s is no IPv4 address", run.host);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS) return fd;
    close(fd);
    return -1;
}

static void watch(Client *client, uint32_t events, int operation)
{
    struct epoll_event event = { .events = events, .data.ptr = client };
    if (epoll_ctl(run.poller, operation, client->fd, &event) != 0) die("tenantload: epoll_ctl: %s", strerror(errno));
}

// Closes the socket and has the client come back after a while; 0 for at once.
static void leave(Client *client, uint64_t now, uint64_t wait)
{
    bool was_ready = client->state >= CLIENT_IDLE;
    if (client->state == CLIENT_BUSY) run.busy--, client->tenant->busy--;
    if (client->state == CLIENT_IDLE)
    {
        Client **link = &client->tenant->idle;
        while (*link != NULL && *link != client) link = &(*link)->next_idle;
        if (*link != NULL)
        {
            *link = client->next_idle;
            if (*link == NULL) client->tenant->idle_end = link;
        }
    }
    if (client->fd >= 0) close(client->fd);
    client->fd = -1;
    client->state = CLIENT_AWAY;
    client->held.length = 0;
    client->skip = 0;
    client->turn++;
    if (was_ready) run.away++;
    if (!run.is_over) timer_add((Timer){ .at = now + wait, .kind = TIMER_RETURN, .owner = client });
}

void client_end(Client *client)
{
    if (client->fd >= 0) close(client->fd);
    client->fd = -1;
    bytes_free(&client->held);
    bytes_free(&client->key);
}

// The socket broke or the peer hung up.
static void lose(Client *client, uint64_t now)
{
    Group *group = client->tenant->group;
    if (client->state == CLIENT_BUSY)
    {
        // A FATAL error has said why; without one it is a connection failure.
        if (client->error[0] == 0) strcpy(client->error, "08006");
        record_turn(client, now);
        group->closed++;
    }
    else if (client->state == CLIENT_IDLE) group->closed++;
    else
    {
        const char *code = client->error[0] != 0 ? client->error : "08001";
        group->login_failures++;
        count_code(group, code);
        // Too many connections, or still starting: that passes. What else goes wrong at first is wrong with the benchmark.
        bool passes = strncmp(code, "53", 2) == 0 || strncmp(code, "57", 2) == 0 || strncmp(code, "08", 2) == 0;
        if (!passes && !run.is_running) die("tenantload: %s at the login or preparing of %s/%s", code, client->tenant->slug, group->user);
    }
    leave(client, now, return_after_failure);
}

static void send_rest(Client *client, uint64_t now)
{
    const Bytes *sending = client->sending;
    ssize_t taken = send(client->fd, sending->data + client->sent, sending->length - client->sent, MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN) { lose(client, now); return; }
    bool was_partial = client->sent > 0;
    client->sent += taken > 0 ? (size_t)taken : 0;
    if (client->sent < sending->length) watch(client, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    else if (was_partial) watch(client, EPOLLIN, EPOLL_CTL_MOD);
}

static void send_all(Client *client, const Bytes *bytes, uint64_t now)
{
    client->sending = bytes;
    client->sent = 0;
    client->error[0] = 0;
    send_rest(client, now);
}

void client_connect(Client *client, uint64_t now)
{
    client->fd = open_socket();
    client->error[0] = 0;
    client->sending = NULL;
    if (client->fd < 0) { lose(client, now); return; }
    client->state = CLIENT_CONNECTING;
    client->turns_left = client->tenant->group->churn;
    watch(client, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

void client_begin_turn(Client *client, uint64_t due, uint64_t now)
{
    Group *group = client->tenant->group;
    on_turn_wanted(client->tenant, now);
    client->state = CLIENT_BUSY;
    client->due = due;
    client->turn++;
    run.busy++;
    client->tenant->busy++;
    send_all(client, &group->turn, now);
    if (client->state != CLIENT_BUSY) return;
    // Somewhere within the next 5 ms: before the server has begun, while it works, or while its answer is under way.
    if (group->abort_share > 0 && random_share() < group->abort_share)
        timer_add((Timer){ .at = now + (uint64_t)(random_share() * 5e6), .kind = TIMER_ABORT, .owner = client, .turn = client->turn });
    if (group->cancel_share > 0 && random_share() < group->cancel_share)
        timer_add((Timer){ .at = now + (uint64_t)(random_share() * 5e6), .kind = TIMER_CANCEL, .owner = client, .turn = client->turn });
}

// Ends the connection with a reset in the middle of a turn, which nobody counts then.
void client_abort(Client *client, uint64_t now)
{
    struct linger none = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    client->tenant->group->aborted++;
    leave(client, now, 0);
}

// Asks for the running turn to be cancelled, on a connection of its own of which nothing is expected (protocol-flow, "Canceling Requests in Progress").
void client_send_cancel(Client *client)
{
    int fd = open_socket();
    if (fd < 0) return;
    // The connection is made first: on loopback that takes microseconds.
    struct epoll_event event = { .events = EPOLLOUT };
    int poller = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    epoll_wait(poller, &event, 1, 100);
    close(poller);
    Bytes packet = { 0 };
    size_t mark = message_begin(&packet, 0);
    bytes_put_int32(&packet, CANCEL_REQUEST);
    bytes_put_int32(&packet, client->process_id);
    bytes_put(&packet, client->key.data, client->key.length);
    message_end(&packet, mark);
    if (send(fd, packet.data, packet.length, MSG_NOSIGNAL) == (ssize_t)packet.length) client->tenant->group->cancelled++;
    bytes_free(&packet);
    close(fd);
}

// --- What the server says -----------------------------------------------------------------------------------------

static void on_error(Client *client, const unsigned char *body, size_t length)
{
    // Fields are a type and a text each; C is the SQLSTATE (protocol-error-fields). The first error of a turn counts.
    for (size_t at = 0; at < length && body[at] != 0;)
    {
        size_t text = at + 1, end = text;
        while (end < length && body[end] != 0) end++;
        if (body[at] == 'C' && client->error[0] == 0 && end - text == 5) memcpy(client->error, body + text, 5), client->error[5] = 0;
        at = end + 1;
    }
}

static void on_authentication(Client *client, const unsigned char *body, size_t length)
{
    if (length >= 4 && read_int32(body) == 0) return;
    die("tenantload: the server asks %s/%s for a password; give it a host rule of method trust", client->tenant->slug, client->tenant->group->user);
}

static void on_ready(Client *client, uint64_t now)
{
    Group *group = client->tenant->group;
    if (client->state == CLIENT_LOGIN && group->prepare.length > 0)
    {
        client->state = CLIENT_PREPARING;
        send_all(client, &group->prepare, now);
        return;
    }
    if (client->state == CLIENT_BUSY)
    {
        record_turn(client, now);
        run.busy--;
        client->tenant->busy--;
        client->turn++;
        if (client->turns_left > 0 && --client->turns_left == 0)
        {
            static const unsigned char terminate[] = { 'X', 0, 0, 0, 4 };
            // A good-bye that does not fit the socket's buffer is one that the closing says as well.
            if (send(client->fd, terminate, sizeof terminate, MSG_NOSIGNAL) < 0) group->closed++;
            client->state = CLIENT_IDLE;
            leave(client, now, 0);
            return;
        }
        client->state = CLIENT_IDLE;
        on_turn_done(client, now);
        return;
    }
    if (client->error[0] != 0) { lose(client, now); return; } // the statement could not be prepared
    group->logins++;
    client->state = CLIENT_IDLE;
    run.away--;
    on_client_ready(client, now);
}

// Handles the whole messages in the bytes and says how many bytes they had. Stops when the client has left.
static size_t handle(Client *client, const unsigned char *data, size_t length, uint64_t now)
{
    size_t at = 0;
    while (client->fd >= 0 && length - at >= 5)
    {
        unsigned char type = data[at];
        size_t size = (size_t)read_int32(data + at + 1) + 1, there = length - at;
        if (size < 5) die("tenantload: the server sent a message of length %zu", size - 1);
        bool matters = type == 'Z' || type == 'E' || type == 'R' || type == 'K';
        if (there < size)
        {
            if (matters && size > HELD_MAX) die("tenantload: the server sent a message of type %c and %zu bytes", type, size);
            if (matters) return at;
            client->skip = size - there;
            return length;
        }
        const unsigned char *body = data + at + 5;
        at += size;
        if (type == 'Z') on_ready(client, now);
        else if (type == 'E') on_error(client, body, size - 5);
        else if (type == 'R') on_authentication(client, body, size - 5);
        else if (type == 'K' && size >= 9)
        {
            client->process_id = read_int32(body);
            client->key.length = 0;
            bytes_put(&client->key, body + 4, size - 9);
        }
    }
    return at;
}

static void on_readable(Client *client)
{
    size_t held = client->held.length;
    if (held > 0) memcpy(received, client->held.data, held);
    ssize_t count = recv(client->fd, received + held, RECEIVE_MAX, 0);
    uint64_t now = now_ns();
    if (count <= 0)
    {
        if (count == 0 || errno != EAGAIN) lose(client, now);
        return;
    }
    size_t length = held + (size_t)count, from = client->skip < length ? client->skip : length;
    client->skip -= from;
    client->held.length = 0;
    from += handle(client, received + from, length - from, now);
    if (client->fd >= 0 && from < length) bytes_put(&client->held, received + from, length - from);
}

void client_on_event(Client *client, uint32_t events)
{
    if (client->fd < 0) return;
    if (client->state == CLIENT_CONNECTING && events & EPOLLOUT && !(events & (EPOLLERR | EPOLLHUP)))
    {
        client->state = CLIENT_LOGIN;
        watch(client, EPOLLIN, EPOLL_CTL_MOD);
        send_all(client, &client->tenant->startup, now_ns());
        return;
    }
    if (events & EPOLLOUT && client->sending != NULL && client->sent < client->sending->length) send_rest(client, now_ns());
    if (client->fd >= 0 && events & (EPOLLIN | EPOLLERR | EPOLLHUP)) on_readable(client);
}
