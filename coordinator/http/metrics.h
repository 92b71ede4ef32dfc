/* coordinator/http/metrics.h
 *
 * Writer for the Prometheus text exposition format, version 0.0.4.
 *
 * A family is opened once with its help and type; the samples that follow belong to it. Output goes
 * to a qr_buf, whose failure flag tells at the end whether all fitted. Names follow Prometheus'
 * rules: base units, counters end in _total. Not thread-safe. Source:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/histogram.h"

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

/** Buckets, sum and count as one sample set of the open family (QR_METRIC_HISTOGRAM). */
void qr_metrics_histogram(struct qr_metrics *metrics, const struct qr_label *labels,
                          size_t n_labels, struct qr_histogram *histogram);
