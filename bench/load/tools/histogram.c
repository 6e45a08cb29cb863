#include "histogram.h"

static unsigned bucket_of(uint64_t value)
{
    if (value < 1u << HISTOGRAM_BITS) return (unsigned)value;
    unsigned octave = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
    if (octave >= HISTOGRAM_OCTAVES) return HISTOGRAM_BUCKETS - 1;
    // Below the leading bit, the next seven say where in the octave.
    return ((octave + 1) << HISTOGRAM_BITS) + (unsigned)((value >> octave) - (1u << HISTOGRAM_BITS));
}

static uint64_t end_of(unsigned bucket)
{
    if (bucket < 1u << HISTOGRAM_BITS) return bucket;
    unsigned octave = (bucket >> HISTOGRAM_BITS) - 1;
    uint64_t within = (bucket & ((1u << HISTOGRAM_BITS) - 1)) + (1u << HISTOGRAM_BITS);
    return ((within + 1) << octave) - 1;
}

void histogram_record(Histogram *histogram, uint64_t value)
{
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->most) histogram->most = value;
}

uint64_t histogram_at(const Histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count;
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
    {
        seen += histogram->buckets[bucket];
        if (seen > 0 && (double)seen >= wanted)
        {
            uint64_t end = end_of(bucket);
            return end < histogram->most ? end : histogram->most;
        }
    }
    return histogram->most;
}
