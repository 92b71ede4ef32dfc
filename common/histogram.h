/* common/histogram.h
 *
 * Values counted in fixed buckets, with atomics: any number of threads may observe while another
 * one reads. For durations and sizes that become a Prometheus histogram
 * (coordinator/http/metrics.h).
 */
#pragma once
#include <stdatomic.h>
#include <stddef.h>

enum { QR_HISTOGRAM_BUCKETS_MAX = 24 };

struct qr_histogram {
    const double *bounds; /* upper bounds, ascending, without infinity; static storage */
    size_t n_bounds;
    atomic_uint_fast64_t counts[QR_HISTOGRAM_BUCKETS_MAX + 1]; /* the last one: beyond all bounds */
    atomic_uint_fast64_t sum_micro;                            /* sum of values, in millionths */
};

/** 0.5 ms to 10 s, for the durations of transactions and requests. */
extern const double qr_histogram_seconds[];
extern const size_t qr_histogram_seconds_count;

/** `bounds` is borrowed; more than QR_HISTOGRAM_BUCKETS_MAX are cut off. */
void qr_histogram_init(struct qr_histogram *histogram, const double *bounds, size_t n_bounds);

/** Count one value, 0 or more; below that, and NaN, nothing is counted. */
void qr_histogram_observe(struct qr_histogram *histogram, double value);
