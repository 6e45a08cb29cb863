// Latencies in buckets whose width grows with the value, as HdrHistogram has them: 128 to the octave, so any answer is less than 0.8 % too high.
#ifndef PROXYSUITE_HISTOGRAM_H
#define PROXYSUITE_HISTOGRAM_H

#include <stdint.h>

enum
{
    HISTOGRAM_BITS = 7,     // sub-buckets an octave: 2^7
    HISTOGRAM_OCTAVES = 34, // with microseconds: up to 2^40 of them, twelve days
    HISTOGRAM_BUCKETS = (HISTOGRAM_OCTAVES + 1) << HISTOGRAM_BITS,
};

typedef struct
{
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum;
    uint64_t most;
} Histogram;

void histogram_record(Histogram *histogram, uint64_t value);

// The smallest bucket's end below which the given share of all values lies; the largest value itself for 1.
// share: above 0, to 1. Answers 0 when nothing was recorded.
uint64_t histogram_at(const Histogram *histogram, double share);

#endif
