// What the parts of tenantload share: groups of tenants, their tenants, the tenants' client connections, and the clock.
#ifndef PROXYSUITE_TENANTLOAD_H
#define PROXYSUITE_TENANTLOAD_H

#include "bytes.h"
#include "histogram.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { MODE_SIMPLE, MODE_EXTENDED, MODE_PREPARED, MODE_PIPELINE } Mode;

enum { CODES_MAX = 24, TENANTS_MAX = 100000, WATCHED_MAX = 8 };

typedef struct Client Client;
typedef struct Tenant Tenant;

// Tenants that ask the same thing at the same pace, and are counted together.
typedef struct
{
    const char *name;
    const char *prefix;     // slugs are the prefix and a number
    unsigned first, last;   // the numbers
    const char *user;
    const char *sql;
    unsigned connections;   // a tenant
    double rate;            // turns a second and tenant, open loop; 0 for closed loop
    bool is_poisson;
    Mode mode;
    unsigned depth;         // queries a turn: more than 1 in a pipeline
    unsigned churn;         // turns before a client says good-bye and comes again; 0 for never
    double abort_share, cancel_share; // of all turns, 0 to 1
    Bytes prepare;          // sent once after a login; empty unless mode is prepared
    Bytes turn;             // sent each time

    // Counted from here on. Latencies in microseconds.
    Histogram latency;
    uint64_t completed;     // turns that ended within the measured time
    uint64_t failed;        // turns of the measured time that ended with an error
    uint64_t unanswered;    // turns of the measured time that nobody had answered when the program ended
    uint64_t logins, login_failures, closed, aborted, cancelled;
    struct { char code[6]; uint64_t count; } codes[CODES_MAX];
} Group;

struct Tenant
{
    Group *group;
    char slug[64];
    Bytes startup;
    Client *idle;           // free clients, the one that has been free for longest first: the turns go round, as they do where clients are many people
    Client **idle_end;      // the link that ends them
    uint64_t *due;          // ring of the turns that no client was free for, by the time they were due
    size_t due_first, due_count, due_capacity;
    uint64_t completed, failed, latency_sum, latency_most;
    unsigned busy;          // clients with a turn under way
    uint64_t moved_at;      // when it last got an answer, or began to want one
    uint64_t gap_most;      // longest time for which it wanted an answer and got none, in microseconds
};

typedef enum
{
    CLIENT_AWAY,        // no socket; comes back when its timer says so
    CLIENT_CONNECTING,
    CLIENT_LOGIN,       // start-up packet sent
    CLIENT_PREPARING,   // Parse sent
    CLIENT_IDLE,
    CLIENT_BUSY,        // a turn sent
} ClientState;

struct Client
{
    Tenant *tenant;
    int fd;
    ClientState state;
    uint64_t due;           // when the turn should have been sent, in nanoseconds; latency is counted from here
    uint64_t turn;          // number of the turn: a timer of an older one means nothing
    uint32_t process_id;
    Bytes key;
    const Bytes *sending;   // and how much of it the socket has taken
    size_t sent;
    size_t skip;            // bytes of a message's body that are still to come and that nobody looks at
    Bytes held;             // a message of which the end has not come yet
    char error[6];          // SQLSTATE of the turn's first error; empty when there was none
    unsigned turns_left;
    Client *next_idle;
};

typedef enum { TIMER_ARRIVAL, TIMER_RETURN, TIMER_ABORT, TIMER_CANCEL } TimerKind;

typedef struct
{
    uint64_t at;            // nanoseconds
    TimerKind kind;
    void *owner;            // of arrivals the tenant, else the client
    uint64_t turn;
} Timer;

// The run: what the command line said, and what the loop is at.
typedef struct
{
    const char *host;
    unsigned port;
    double seconds, warmup, connect_timeout, drain;
    bool tells_tenants;
    const char *times_path; // a file that is told when the measured time is about to begin and when it is over; NULL for none
    unsigned watched[WATCHED_MAX]; // processes of which the CPU time is told
    unsigned watched_count;
    uint64_t watched_cpu[WATCHED_MAX]; // microseconds within the measured time
    Group *groups;
    unsigned group_count;
    Tenant *tenants;
    unsigned tenant_count;
    Client *clients;
    unsigned client_count;

    int poller;
    bool is_running;        // between the first turn that is due and the last
    bool is_over;           // what is answered is still counted, nothing new is asked
    uint64_t measure_from, measure_to;
    unsigned busy;
    unsigned away;          // without a finished login
} Run;

extern Run run;

// options.c: reads the command line into run; ends the program when it is wrong.
void read_options(int argc, char **argv);

// clock.c
uint64_t now_ns(void);
void seed_random(uint64_t seed);
double random_share(void);  // 0 to below 1
void timer_add(Timer timer);
const Timer *timer_first(void);
Timer timer_take(void);

// client.c
void client_connect(Client *client, uint64_t now);
void client_on_event(Client *client, uint32_t events);
void client_begin_turn(Client *client, uint64_t due, uint64_t now);
void client_abort(Client *client, uint64_t now);
void client_send_cancel(Client *client);
void client_end(Client *client);

// tenantload.c: what a client tells the loop.
void on_turn_wanted(Tenant *tenant, uint64_t now);
void on_client_ready(Client *client, uint64_t now);
void on_turn_done(Client *client, uint64_t now);

// report.c
uint64_t cpu_us(unsigned pid);
void count_code(Group *group, const char *code);
void record_turn(Client *client, uint64_t now);
void record_gap(Tenant *tenant, uint64_t now);
void print_report(double connect_seconds);

#endif
