// The command line; usage is in tenantload.c.
#include "tenantload.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_FIRST = 1000 };
enum
{
    OPTION_HOST = OPTION_FIRST, OPTION_PORT, OPTION_SECONDS, OPTION_WARMUP, OPTION_CONNECT_TIMEOUT, OPTION_DRAIN, OPTION_SEED, OPTION_TELL_TENANTS, OPTION_TELL_TIMES, OPTION_WATCH,
    OPTION_GROUP, OPTION_TENANTS, OPTION_USER, OPTION_CONNECTIONS, OPTION_RATE, OPTION_FIXED, OPTION_MODE, OPTION_SQL, OPTION_CHURN, OPTION_ABORT, OPTION_CANCEL,
};

static const struct option known[] = {
    { "host", required_argument, NULL, OPTION_HOST }, { "port", required_argument, NULL, OPTION_PORT },
    { "seconds", required_argument, NULL, OPTION_SECONDS }, { "warmup", required_argument, NULL, OPTION_WARMUP },
    { "connect-timeout", required_argument, NULL, OPTION_CONNECT_TIMEOUT }, { "drain", required_argument, NULL, OPTION_DRAIN },
    { "seed", required_argument, NULL, OPTION_SEED }, { "tell-tenants", no_argument, NULL, OPTION_TELL_TENANTS },
    { "tell-times", required_argument, NULL, OPTION_TELL_TIMES }, { "watch", required_argument, NULL, OPTION_WATCH },
    { "group", required_argument, NULL, OPTION_GROUP }, { "tenants", required_argument, NULL, OPTION_TENANTS },
    { "user", required_argument, NULL, OPTION_USER }, { "connections", required_argument, NULL, OPTION_CONNECTIONS },
    { "rate", required_argument, NULL, OPTION_RATE }, { "fixed", no_argument, NULL, OPTION_FIXED },
    { "mode", required_argument, NULL, OPTION_MODE }, { "sql", required_argument, NULL, OPTION_SQL },
    { "churn", required_argument, NULL, OPTION_CHURN }, { "abort", required_argument, NULL, OPTION_ABORT },
    { "cancel", required_argument, NULL, OPTION_CANCEL }, { NULL, 0, NULL, 0 },
};

static double number(const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != 0 || !(value >= least && value <= most)) die("tenantload: %s is no number from %g to %g", text, least, most);
    return value;
}

static void read_tenants(Group *group, char *text)
{
    char *last = strrchr(text, ':');
    if (last != NULL) *last++ = 0;
    char *first = last == NULL ? NULL : strrchr(text, ':');
    if (first == NULL) die("tenantload: tenants are PREFIX:FIRST:LAST");
    *first++ = 0;
    group->prefix = text;
    group->first = (unsigned)number(first, 0, 1e8);
    group->last = (unsigned)number(last, group->first, 1e8);
}

static void read_mode(Group *group, const char *text)
{
    group->depth = 1;
    if (strcmp(text, "simple") == 0) group->mode = MODE_SIMPLE;
    else if (strcmp(text, "extended") == 0) group->mode = MODE_EXTENDED;
    else if (strcmp(text, "prepared") == 0) group->mode = MODE_PREPARED;
    else if (strncmp(text, "pipeline:", 9) == 0) group->mode = MODE_PIPELINE, group->depth = (unsigned)number(text + 9, 1, 1000);
    else die("tenantload: mode is simple, extended, prepared or pipeline:N, not %s", text);
}

static void put_parse(Bytes *bytes, const char *name, const char *sql)
{
    size_t mark = message_begin(bytes, 'P');
    bytes_put_text(bytes, name);
    bytes_put_text(bytes, sql);
    bytes_put_int16(bytes, 0);
    message_end(bytes, mark);
}

static void put_execute(Bytes *bytes, const char *name)
{
    size_t mark = message_begin(bytes, 'B');
    bytes_put_text(bytes, "");
    bytes_put_text(bytes, name);
    bytes_put(bytes, "\0\0\0\0\0\0", 6); // no formats, no parameters, no result formats
    message_end(bytes, mark);
    message_put(bytes, 'D', "P", 2);
    message_put(bytes, 'E', "\0\0\0\0\0", 5);
}

// The bytes of a turn are the same each time.
static void write_turn(Group *group)
{
    static const char name[] = "tenantload";
    if (group->mode == MODE_SIMPLE)
    {
        message_put(&group->turn, 'Q', group->sql, strlen(group->sql) + 1);
        return;
    }
    if (group->mode == MODE_PREPARED)
    {
        put_parse(&group->prepare, name, group->sql);
        message_put(&group->prepare, 'S', "", 0);
    }
    for (unsigned i = 0; i < group->depth; i++)
    {
        if (group->mode != MODE_PREPARED) put_parse(&group->turn, "", group->sql);
        put_execute(&group->turn, group->mode == MODE_PREPARED ? name : "");
    }
    message_put(&group->turn, 'S', "", 0);
}

static Group *add_group(const char *name)
{
    run.groups = realloc(run.groups, (run.group_count + 1) * sizeof *run.groups);
    if (run.groups == NULL) die("out of memory");
    Group *group = &run.groups[run.group_count++];
    memset(group, 0, sizeof *group);
    group->name = name;
    group->user = "app";
    group->sql = "SELECT 1";
    group->connections = group->depth = 1;
    group->is_poisson = true;
    return group;
}

static void add_tenant(Group *group, unsigned tenant_number)
{
    Tenant *tenant = &run.tenants[run.tenant_count++];
    tenant->idle_end = &tenant->idle;
    tenant->group = group;
    snprintf(tenant->slug, sizeof tenant->slug, "%s%u", group->prefix, tenant_number);
    size_t mark = message_begin(&tenant->startup, 0);
    bytes_put_int32(&tenant->startup, 3 << 16);
    bytes_put_text(&tenant->startup, "user"), bytes_put_text(&tenant->startup, group->user);
    bytes_put_text(&tenant->startup, "database"), bytes_put_text(&tenant->startup, tenant->slug);
    bytes_put_byte(&tenant->startup, 0);
    message_end(&tenant->startup, mark);
    for (unsigned i = 0; i < group->connections; i++)
    {
        Client *client = &run.clients[run.client_count++];
        client->tenant = tenant;
        client->fd = -1;
    }
}

void read_options(int argc, char **argv)
{
    Group *group = NULL;
    uint64_t seed = now_ns();
    run = (Run){ .host = "127.0.0.1", .seconds = 10, .warmup = 2, .connect_timeout = 60, .drain = 5 };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
    {
        if (option >= OPTION_TENANTS && group == NULL) die("tenantload: --%s stands behind its --group", known[option - OPTION_FIRST].name);
        switch (option)
        {
        case OPTION_HOST: run.host = optarg; break;
        case OPTION_PORT: run.port = (unsigned)number(optarg, 1, 65535); break;
        case OPTION_SECONDS: run.seconds = number(optarg, 0.1, 86400); break;
        case OPTION_WARMUP: run.warmup = number(optarg, 0, 3600); break;
        case OPTION_CONNECT_TIMEOUT: run.connect_timeout = number(optarg, 1, 3600); break;
        case OPTION_DRAIN: run.drain = number(optarg, 0, 3600); break;
        case OPTION_SEED: seed = (uint64_t)number(optarg, 0, 1e15); break;
        case OPTION_TELL_TENANTS: run.tells_tenants = true; break;
        case OPTION_TELL_TIMES: run.times_path = optarg; break;
        case OPTION_WATCH:
            if (run.watched_count == WATCHED_MAX) die("tenantload: at most %d processes are watched", WATCHED_MAX);
            run.watched[run.watched_count++] = (unsigned)number(optarg, 1, 1e9);
            break;
        case OPTION_GROUP: group = add_group(optarg); break;
        case OPTION_TENANTS: read_tenants(group, optarg); break;
        case OPTION_USER: group->user = optarg; break;
        case OPTION_CONNECTIONS: group->connections = (unsigned)number(optarg, 1, 10000); break;
        case OPTION_RATE: group->rate = number(optarg, 0.001, 1e6); break;
        case OPTION_FIXED: group->is_poisson = false; break;
        case OPTION_MODE: read_mode(group, optarg); break;
        case OPTION_SQL: group->sql = optarg; break;
        case OPTION_CHURN: group->churn = (unsigned)number(optarg, 1, 1e9); break;
        case OPTION_ABORT: group->abort_share = number(optarg, 0, 1); break;
        case OPTION_CANCEL: group->cancel_share = number(optarg, 0, 1); break;
        default: exit(2);
        }
    }
    if (optind < argc) die("tenantload: what is %s?", argv[optind]);
    if (run.port == 0 || run.group_count == 0) die("usage: tenantload --port N --group NAME --tenants PREFIX:FIRST:LAST [OPTION...]; see tenantload.c");
    seed_random(seed);

    size_t tenants = 0, clients = 0;
    for (unsigned i = 0; i < run.group_count; i++)
    {
        group = &run.groups[i];
        if (group->prefix == NULL) die("tenantload: group %s has no --tenants", group->name);
        tenants += group->last - group->first + 1;
        clients += (size_t)(group->last - group->first + 1) * group->connections;
        write_turn(group);
    }
    if (tenants > TENANTS_MAX) die("tenantload: more than %d tenants", TENANTS_MAX);
    run.tenants = calloc(tenants, sizeof *run.tenants);
    run.clients = calloc(clients, sizeof *run.clients);
    if (run.tenants == NULL || run.clients == NULL) die("out of memory");
    for (unsigned i = 0; i < run.group_count; i++)
    {
        group = &run.groups[i];
        for (unsigned n = group->first; n <= group->last; n++) add_tenant(group, n);
    }
}
