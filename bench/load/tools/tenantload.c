// tenantload: many tenants with different demands at once, through one port, from one thread.
//
//   tenantload --port N [--host 127.0.0.1] [--seconds 10] [--warmup 2] [--connect-timeout 60] [--drain 5] [--seed N] [--tell-tenants]
//              [--watch PID] [--tell-times FILE]
//              --group NAME --tenants PREFIX:FIRST:LAST [--user app] [--connections 1] [--rate R [--fixed]] [--mode simple|extended|prepared|pipeline:N]
//              [--sql TEXT] [--churn TURNS] [--abort SHARE] [--cancel SHARE]      and further groups
//
// The tenants of a group are the databases PREFIX1, PREFIX2 and so on. Each has --connections clients, which log in without a password (a host rule of
// method trust) before the clock starts. Without --rate each client sends its next turn as soon as it has the answer to the last one (closed loop).
// With --rate each tenant has that many turns a second (open loop), at random times (Poisson) or --fixed ones; a turn that finds all of its tenant's
// clients busy waits for one. Latency is counted from the time at which a turn was due, so what waits because something else was slow counts as slow. A
// turn is one query, or N in a pipeline with one Sync.
//
// --churn: a client says good-bye after so many turns and comes again. --abort: that share of all turns is cut off by a reset of the connection within
// 5 ms. --cancel: for that share a cancel request is sent within 5 ms. A client that was cut off comes back at once, one that was thrown out after 100 ms.
//
// Prints a line of JSON for each group, times in milliseconds: turns that were due within --seconds behind --warmup, their latencies, errors by SQLSTATE
// (08006: the connection was lost in a turn, 08001: before the login was done), and what was unanswered when --drain seconds more were over. With --watch a
// line follows for each such process, with the CPU time it used within --seconds; with --tell-tenants one for each tenant: its gap_ms is the longest time for
// which it wanted an answer and got none. --tell-times writes a line into a file (a FIFO) one second before --seconds begin, or at the start where --warmup is
// shorter, and another when they are over: for a script that reads counters then, so that reading them costs the measured time nothing.
#include "tenantload.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

Run run;

enum { LOGINS_AT_ONCE = 128 }; // as many as any listener's backlog holds

static void due_put(Tenant *tenant, uint64_t due)
{
    if (tenant->due_count == tenant->due_capacity)
    {
        size_t capacity = tenant->due_capacity == 0 ? 16 : 2 * tenant->due_capacity;
        uint64_t *ring = malloc(capacity * sizeof *ring);
        if (ring == NULL) die("out of memory");
        for (size_t i = 0; i < tenant->due_count; i++) ring[i] = tenant->due[(tenant->due_first + i) % tenant->due_capacity];
        free(tenant->due);
        tenant->due = ring;
        tenant->due_first = 0;
        tenant->due_capacity = capacity;
    }
    tenant->due[(tenant->due_first + tenant->due_count++) % tenant->due_capacity] = due;
}

static uint64_t due_take(Tenant *tenant)
{
    uint64_t due = tenant->due[tenant->due_first];
    tenant->due_first = (tenant->due_first + 1) % tenant->due_capacity;
    tenant->due_count--;
    return due;
}

static void arrange_arrival(Tenant *tenant, uint64_t after)
{
    double pause = tenant->group->is_poisson ? -log(1 - random_share()) / tenant->group->rate : 1 / tenant->group->rate;
    uint64_t at = after + (uint64_t)(pause * 1e9);
    if (at < run.measure_to) timer_add((Timer){ .at = at, .kind = TIMER_ARRIVAL, .owner = tenant });
}

// A tenant that wanted nothing wants something from now on. To be called before it is counted.
void on_turn_wanted(Tenant *tenant, uint64_t now)
{
    if (tenant->busy == 0 && tenant->due_count == 0) tenant->moved_at = now;
}

// A free client takes the tenant's next turn, if there is one.
static void give_turn(Client *client, uint64_t now)
{
    Tenant *tenant = client->tenant;
    if (tenant->due_count > 0)
    {
        // Taken off the queue behind the start: a tenant that has waited until now does not begin to.
        client_begin_turn(client, tenant->due[tenant->due_first], now);
        due_take(tenant);
        return;
    }
    if (run.is_running && !run.is_over && tenant->group->rate == 0)
    {
        client_begin_turn(client, now, now);
        return;
    }
    client->next_idle = NULL;
    *tenant->idle_end = client;
    tenant->idle_end = &client->next_idle;
}

// The client that has been free for longest, NULL where all are busy.
static Client *idle_take(Tenant *tenant)
{
    Client *client = tenant->idle;
    if (client == NULL) return NULL;
    tenant->idle = client->next_idle;
    if (tenant->idle == NULL) tenant->idle_end = &tenant->idle;
    return client;
}

void on_client_ready(Client *client, uint64_t now)
{
    give_turn(client, now);
}

void on_turn_done(Client *client, uint64_t now)
{
    give_turn(client, now);
}

static void on_arrival(Tenant *tenant, uint64_t due, uint64_t now)
{
    arrange_arrival(tenant, due);
    Client *client = idle_take(tenant);
    if (client != NULL)
    {
        client_begin_turn(client, due, now);
        return;
    }
    on_turn_wanted(tenant, due);
    due_put(tenant, due);
}

static void on_timer(Timer timer, uint64_t now)
{
    if (timer.kind == TIMER_ARRIVAL) { on_arrival(timer.owner, timer.at, now); return; }
    Client *client = timer.owner;
    if (timer.kind == TIMER_RETURN) { if (!run.is_over) client_connect(client, now); return; }
    if (client->state != CLIENT_BUSY || client->turn != timer.turn) return;
    if (timer.kind == TIMER_ABORT) client_abort(client, now);
    else client_send_cancel(client);
}

// One round: waits for sockets or the next timer, whichever comes first and for at most 100 ms, and handles both.
static void turn_loop(void)
{
    struct epoll_event events[512];
    uint64_t now = now_ns(), wait = 100 * 1000000u;
    const Timer *first = timer_first();
    if (first != NULL) wait = first->at <= now ? 0 : first->at - now < wait ? first->at - now : wait;
    struct timespec limit = { .tv_sec = 0, .tv_nsec = (long)wait };
    int count = epoll_pwait2(run.poller, events, 512, &limit, NULL);
    if (count < 0 && errno != EINTR) die("tenantload: epoll_pwait2: %s", strerror(errno));
    for (int i = 0; i < count; i++) client_on_event(events[i].data.ptr, events[i].events);
    now = now_ns();
    // What becomes due meanwhile waits for the next round, so that sockets are not starved.
    while ((first = timer_first()) != NULL && first->at <= now) on_timer(timer_take(), now);
}

static double connect_all(void)
{
    uint64_t begun = now_ns();
    run.away = run.client_count;
    unsigned begun_count = 0;
    while (run.away > 0)
    {
        uint64_t now = now_ns();
        unsigned ready = run.client_count - run.away;
        if ((double)(now - begun) / 1e9 > run.connect_timeout)
            die("tenantload: only %u of %u clients were let in within %g s", ready, run.client_count, run.connect_timeout);
        while (begun_count < run.client_count && begun_count < ready + LOGINS_AT_ONCE) client_connect(&run.clients[begun_count++], now);
        turn_loop();
    }
    return (double)(now_ns() - begun) / 1e9;
}

static void start_all(void)
{
    uint64_t now = now_ns();
    run.measure_from = now + (uint64_t)(run.warmup * 1e9);
    run.measure_to = run.measure_from + (uint64_t)(run.seconds * 1e9);
    run.is_running = true;
    for (unsigned i = 0; i < run.tenant_count; i++)
    {
        Tenant *tenant = &run.tenants[i];
        if (tenant->group->rate > 0)
        {
            // Fixed ones begin somewhere within the first pause, so that tenants do not march in step.
            double shift = tenant->group->is_poisson ? 0 : random_share() / tenant->group->rate;
            arrange_arrival(tenant, now - (uint64_t)(shift * 1e9));
            continue;
        }
        Client *client;
        while ((client = idle_take(tenant)) != NULL) client_begin_turn(client, now_ns(), now_ns());
    }
}

static uint64_t backlog(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < run.tenant_count; i++) sum += run.tenants[i].due_count;
    return sum;
}

// What nobody has answered took at least as long as it has been due until now.
static void record_unanswered(Group *group, uint64_t due, uint64_t now)
{
    if (due < run.measure_from || due >= run.measure_to) return;
    group->unanswered++;
    histogram_record(&group->latency, (now - due) / 1000);
}

static void finish(void)
{
    uint64_t until = run.measure_to + (uint64_t)(run.drain * 1e9);
    run.is_over = true;
    while ((run.busy > 0 || backlog() > 0) && now_ns() < until) turn_loop();
    uint64_t now = now_ns();
    for (unsigned i = 0; i < run.client_count; i++)
    {
        Client *client = &run.clients[i];
        if (client->state == CLIENT_BUSY) record_unanswered(client->tenant->group, client->due, now);
        client_end(client);
    }
    for (unsigned i = 0; i < run.tenant_count; i++)
    {
        if (run.tenants[i].busy > 0 || run.tenants[i].due_count > 0) record_gap(&run.tenants[i], now);
        while (run.tenants[i].due_count > 0) record_unanswered(run.tenants[i].group, due_take(&run.tenants[i]), now);
    }
}

static void tell_time(const char *what)
{
    if (run.times_path == NULL) return;
    FILE *file = fopen(run.times_path, "a");
    if (file == NULL) die("tenantload: %s: %s", run.times_path, strerror(errno));
    fprintf(file, "%s %.6f\n", what, (double)now_ns() / 1e9);
    fclose(file);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
    if (run.client_count + 64 > files.rlim_cur) die("tenantload: %u clients need more than the %llu open files that are allowed (ulimit -Hn)", run.client_count, (unsigned long long)files.rlim_cur);
    prctl(PR_SET_TIMERSLACK, 1000ul); // ns; 50 µs by default, which would count as the server's
    run.poller = epoll_create1(EPOLL_CLOEXEC);

    double connect_seconds = connect_all();
    start_all();
    while (now_ns() + 1000000000u < run.measure_from) turn_loop();
    tell_time("begins");
    while (now_ns() < run.measure_from) turn_loop();
    for (unsigned i = 0; i < run.watched_count; i++) run.watched_cpu[i] = cpu_us(run.watched[i]);
    while (now_ns() < run.measure_to) turn_loop();
    for (unsigned i = 0; i < run.watched_count; i++) run.watched_cpu[i] = cpu_us(run.watched[i]) - run.watched_cpu[i];
    tell_time("ends");
    finish();
    print_report(connect_seconds);
    return 0;
}
