#include "common/histogram.h"

#include <math.h>
#include <stdint.h>

#include "common/base.h"

const double qr_histogram_seconds[] = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                       0.1,    0.2,   0.5,   1,     2,    5,    10};
const size_t qr_histogram_seconds_count = QR_COUNT(qr_histogram_seconds);

void qr_histogram_init(struct qr_histogram *histogram, const double *bounds, size_t n_bounds)
{
    histogram->bounds = bounds;
    histogram->n_bounds = n_bounds < QR_HISTOGRAM_BUCKETS_MAX ? n_bounds : QR_HISTOGRAM_BUCKETS_MAX;
    for (size_t i = 0; i < QR_COUNT(histogram->counts); i++)
        atomic_init(&histogram->counts[i], 0);
    atomic_init(&histogram->sum_micro, 0);
}

void qr_histogram_observe(struct qr_histogram *histogram, double value)
{
    size_t i = 0;

    if (!(value >= 0) || value > 1e12)
        return;
    while (i < histogram->n_bounds && value > histogram->bounds[i])
        i++;
    atomic_fetch_add_explicit(&histogram->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_micro, (uint_fast64_t)llround(value * 1e6),
                              memory_order_relaxed);
}
