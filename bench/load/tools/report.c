// What was counted, and how it is printed: one JSON object a line, first the groups, then with --tell-tenants the tenants.
#include "tenantload.h"

#include <stdio.h>
#include <string.h>

void count_code(Group *group, const char *code)
{
    unsigned at = 0;
    // The last place takes whatever comes after all others are taken.
    while (at < CODES_MAX - 1 && group->codes[at].count > 0 && strcmp(group->codes[at].code, code) != 0) at++;
    if (group->codes[at].count == 0) strcpy(group->codes[at].code, at < CODES_MAX - 1 ? code : "other");
    group->codes[at].count++;
}

// What lies outside the measured time is cut off.
void record_gap(Tenant *tenant, uint64_t now)
{
    uint64_t from = tenant->moved_at > run.measure_from ? tenant->moved_at : run.measure_from, to = now < run.measure_to ? now : run.measure_to;
    if (to > from && (to - from) / 1000 > tenant->gap_most) tenant->gap_most = (to - from) / 1000;
    tenant->moved_at = now;
}

// A turn has its answer. It belongs to the time in which it was due; throughput belongs to the time in which it ended.
void record_turn(Client *client, uint64_t now)
{
    Tenant *tenant = client->tenant;
    Group *group = tenant->group;
    bool is_failed = client->error[0] != 0;
    record_gap(tenant, now);
    if (client->due >= run.measure_from && client->due < run.measure_to)
    {
        if (is_failed)
        {
            group->failed++;
            tenant->failed++;
            count_code(group, client->error);
        }
        else
        {
            uint64_t latency = (now - client->due) / 1000;
            histogram_record(&group->latency, latency);
            tenant->latency_sum += latency;
            if (latency > tenant->latency_most) tenant->latency_most = latency;
        }
    }
    if (!is_failed && now >= run.measure_from && now < run.measure_to)
    {
        group->completed++;
        tenant->completed++;
    }
}

static void print_group(const Group *group, double connect_seconds)
{
    const Histogram *latency = &group->latency;
    double seconds = (double)(run.measure_to - run.measure_from) / 1e9;
    unsigned tenants = group->last - group->first + 1;
    printf("{\"group\":\"%s\",\"tenants\":%u,\"connections\":%u,\"seconds\":%.3f,\"connect_s\":%.3f,\"offered_per_s\":%.1f,\"queries\":%llu,\"per_s\":%.1f,",
        group->name, tenants, tenants * group->connections, seconds, connect_seconds, group->rate * tenants * group->depth,
        (unsigned long long)(group->completed * group->depth), (double)group->completed * group->depth / seconds);
    printf("\"turns\":%llu,\"mean_ms\":%.3f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f,",
        (unsigned long long)latency->count, latency->count == 0 ? 0 : (double)latency->sum / (double)latency->count / 1e3,
        (double)histogram_at(latency, 0.5) / 1e3, (double)histogram_at(latency, 0.9) / 1e3, (double)histogram_at(latency, 0.99) / 1e3,
        (double)histogram_at(latency, 0.999) / 1e3, (double)latency->most / 1e3);
    printf("\"failed\":%llu,\"unanswered\":%llu,\"logins\":%llu,\"login_failures\":%llu,\"closed\":%llu,\"aborted\":%llu,\"cancelled\":%llu,\"codes\":{",
        (unsigned long long)group->failed, (unsigned long long)group->unanswered, (unsigned long long)group->logins,
        (unsigned long long)group->login_failures, (unsigned long long)group->closed, (unsigned long long)group->aborted, (unsigned long long)group->cancelled);
    for (unsigned i = 0; i < CODES_MAX && group->codes[i].count > 0; i++)
        printf("%s\"%s\":%llu", i > 0 ? "," : "", group->codes[i].code, (unsigned long long)group->codes[i].count);
    printf("}}\n");
}

// User and system time of a process so far, to the clock tick of 10 ms; 0 when it is gone.
uint64_t cpu_us(unsigned pid)
{
    char path[32], line[1024];
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    char *read = fgets(line, sizeof line, file);
    fclose(file);
    // The second field is a name in brackets that may hold anything; utime and stime are the 14th and 15th (proc_pid_stat).
    char *name_end = read == NULL ? NULL : strrchr(line, ')');
    unsigned long long user, system;
    if (name_end == NULL || sscanf(name_end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2) return 0;
    return (user + system) * 10000;
}

void print_report(double connect_seconds)
{
    for (unsigned i = 0; i < run.group_count; i++) print_group(&run.groups[i], connect_seconds);
    for (unsigned i = 0; i < run.watched_count; i++) printf("{\"pid\":%u,\"cpu_us\":%llu}\n", run.watched[i], (unsigned long long)run.watched_cpu[i]);
    if (!run.tells_tenants) return;
    for (unsigned i = 0; i < run.tenant_count; i++)
    {
        const Tenant *tenant = &run.tenants[i];
        printf("{\"tenant\":\"%s\",\"group\":\"%s\",\"queries\":%llu,\"failed\":%llu,\"latency_s\":%.6f,\"max_ms\":%.3f,\"gap_ms\":%.3f}\n", tenant->slug, tenant->group->name,
            (unsigned long long)(tenant->completed * tenant->group->depth), (unsigned long long)tenant->failed, (double)tenant->latency_sum / 1e6,
            (double)tenant->latency_most / 1e3, (double)tenant->gap_most / 1e3);
    }
}
