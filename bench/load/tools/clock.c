// Time, chance, and the timers of the loop (a binary heap).
#include "tenantload.h"

#include <stdlib.h>
#include <time.h>

uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t random_state;

void seed_random(uint64_t seed)
{
    random_state = seed * 0x9e3779b97f4a7c15u | 1;
}

double random_share(void)
{
    // xorshift64*: good enough for arrivals, and the same choices for the same seed.
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (double)((random_state * 0x2545f4914f6cdd1du) >> 11) / 9007199254740992.0;
}

static Timer *heap;
static size_t heap_count, heap_capacity;

void timer_add(Timer timer)
{
    if (heap_count == heap_capacity)
    {
        heap_capacity = heap_capacity == 0 ? 1024 : 2 * heap_capacity;
        heap = realloc(heap, heap_capacity * sizeof *heap);
        if (heap == NULL) die("out of memory");
    }
    size_t at = heap_count++;
    for (; at > 0 && heap[(at - 1) / 2].at > timer.at; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = timer;
}

const Timer *timer_first(void)
{
    return heap_count == 0 ? NULL : heap;
}

Timer timer_take(void)
{
    Timer first = heap[0];
    Timer last = heap[--heap_count];
    size_t at = 0;
    while (1)
    {
        size_t child = 2 * at + 1;
        if (child >= heap_count) break;
        if (child + 1 < heap_count && heap[child + 1].at < heap[child].at) child++;
        if (heap[child].at >= last.at) break;
        heap[at] = heap[child];
        at = child;
    }
    if (heap_count > 0) heap[at] = last;
    return first;
}
