#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/extract/bench.h"

/* Processor seconds of this process, or of its children that have ended. */
static double cpu_of(__rusage_who_t who)
{
    struct rusage usage;

    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double bench_cpu_self(void) { return cpu_of(RUSAGE_SELF); }
double bench_cpu_children(void) { return cpu_of(RUSAGE_CHILDREN); }

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(const double *values, int n)
{
    double sorted[BENCH_ROUNDS_MAX];

    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}
