/* coordinator/http/metrics.h
 *
 * Writer for the Prometheus text exposition format, version 0.0.4.
 *
 * A family is opened once with its help and type; the samples that follow belong to it. Output goes
 * to a qr_buf, whose failure flag tells at the end whether all fitted. Names follow Prometheus'
 * rules: base units, counters end in _total. Not thread-safe; histograms are. Source:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#pragma once
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

enum qr_metric_type { QR_METRIC_COUNTER, QR_METRIC_GAUGE, QR_METRIC_HISTOGRAM };

struct qr_label {
    const char *name;
    const char *value; /* any bytes: escaped, what is not UTF-8 replaced */
};

struct qr_metrics {
    struct qr_buf *out;
    const char *family; /* of the family that is open; borrowed from the caller, a literal */
};

void qr_metrics_init(struct qr_metrics *metrics, struct qr_buf *out);

/** Open a family. `name` is whole ("quarry_sessions") and borrowed until the next family. */
void qr_metrics_family(struct qr_metrics *metrics, const char *name, enum qr_metric_type type,
                       const char *help);

/** One sample of the open family; `labels` may be NULL when n_labels is 0. */
void qr_metrics_u64(struct qr_metrics *metrics, const struct qr_label *labels, size_t n_labels,
                    uint64_t value);
void qr_metrics_double(struct qr_metrics *metrics, const struct qr_label *labels, size_t n_labels,
                       double value);

/** A family of a single sample without labels. */
void qr_metrics_counter(struct qr_metrics *metrics, const char *name, const char *help,
                        uint64_t value);
void qr_metrics_gauge(struct qr_metrics *metrics, const char *name, const char *help, double value);

/* ------------------------------------------------------------------ histograms */

enum { QR_HISTOGRAM_BUCKETS_MAX = 24 };

/** Fixed buckets, counted with atomics: any thread may observe while another writes it out. */
struct qr_histogram {
    const double *bounds; /* upper bounds, ascending, without +Inf; static storage */
    size_t n_bounds;
    atomic_uint_fast64_t counts[QR_HISTOGRAM_BUCKETS_MAX + 1]; /* the last one is +Inf */
    atomic_uint_fast64_t sum_micro;                            /* sum of values, in millionths */
};

/** 0.5 ms to 10 s, for the durations of transactions and requests. */
extern const double qr_histogram_seconds[];
extern const size_t qr_histogram_seconds_count;

void qr_histogram_init(struct qr_histogram *histogram, const double *bounds, size_t n_bounds);

/** Count one value, 0 or more; below that, and NaN, nothing is counted. */
void qr_histogram_observe(struct qr_histogram *histogram, double value);

/** Buckets, sum and count as one sample set of the open family (QR_METRIC_HISTOGRAM). */
void qr_metrics_histogram(struct qr_metrics *metrics, const struct qr_label *labels,
                          size_t n_labels, struct qr_histogram *histogram);
