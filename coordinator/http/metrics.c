#include "coordinator/http/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const type_names[] = {"counter", "gauge", "histogram"};

void qr_metrics_init(struct qr_metrics *metrics, struct qr_buf *out)
{
    metrics->out = out;
    metrics->family = "";
}

/* Length of the UTF-8 character at `text`; 0 when the bytes are not one (overlong forms and
 * surrogates included). RFC 3629. */
static size_t utf8_len(const unsigned char *text)
{
    unsigned char a = text[0];
    size_t len = a < 0x80                ? 1
                 : a >= 0xC2 && a < 0xE0 ? 2
                 : a >= 0xE0 && a < 0xF0 ? 3
                 : a >= 0xF0 && a < 0xF5 ? 4
                                         : 0;
    for (size_t i = 1; i < len; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    if ((a == 0xE0 && text[1] < 0xA0) || (a == 0xED && text[1] >= 0xA0) ||
        (a == 0xF0 && text[1] < 0x90) || (a == 0xF4 && text[1] >= 0x90))
        return 0;
    return len;
}

/* Label values escape backslash, newline and quote; help texts the first two. */
static void put_escaped(struct qr_buf *out, const char *text, bool quote)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at) {
        size_t len = utf8_len(at);
        if (len == 0) {
            qr_buf_append_str(out, "\xEF\xBF\xBD"); /* U+FFFD */
            len = 1;
        } else if (*at == '\\') {
            qr_buf_append_str(out, "\\\\");
        } else if (*at == '\n') {
            qr_buf_append_str(out, "\\n");
        } else if (*at == '"' && quote) {
            qr_buf_append_str(out, "\\\"");
        } else {
            qr_buf_append(out, at, len);
        }
        at += len;
    }
}

void qr_metrics_family(struct qr_metrics *metrics, const char *name, enum qr_metric_type type,
                       const char *help)
{
    metrics->family = name;
    qr_buf_printf(metrics->out, "# HELP %s ", name);
    put_escaped(metrics->out, help, false);
    qr_buf_printf(metrics->out, "\n# TYPE %s %s\n", name, type_names[type]);
}

static void put_labels(struct qr_buf *out, const struct qr_label *labels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        qr_buf_printf(out, "%s%s=\"", i == 0 ? "" : ",", labels[i].name);
        put_escaped(out, labels[i].value ? labels[i].value : "", true);
        qr_buf_append_str(out, "\"");
    }
}

/* `suffix` and `le` are for the parts of a histogram; "" and NULL otherwise. */
static void put_series(struct qr_metrics *metrics, const char *suffix,
                       const struct qr_label *labels, size_t n, const char *le)
{
    struct qr_buf *out = metrics->out;

    qr_buf_append_str(out, metrics->family);
    qr_buf_append_str(out, suffix);
    if (n > 0 || le) {
        qr_buf_append_str(out, "{");
        put_labels(out, labels, n);
        if (le)
            qr_buf_printf(out, "%sle=\"%s\"", n > 0 ? "," : "", le);
        qr_buf_append_str(out, "}");
    }
    qr_buf_append_str(out, " ");
}

static void put_double(struct qr_buf *out, double value)
{
    if (isnan(value))
        qr_buf_append_str(out, "NaN\n");
    else if (isinf(value))
        qr_buf_append_str(out, value > 0 ? "+Inf\n" : "-Inf\n");
    else
        qr_buf_printf(out, "%.15g\n", value);
}

void qr_metrics_u64(struct qr_metrics *metrics, const struct qr_label *labels, size_t n_labels,
                    uint64_t value)
{
    put_series(metrics, "", labels, n_labels, NULL);
    qr_buf_printf(metrics->out, "%" PRIu64 "\n", value);
}

void qr_metrics_double(struct qr_metrics *metrics, const struct qr_label *labels, size_t n_labels,
                       double value)
{
    put_series(metrics, "", labels, n_labels, NULL);
    put_double(metrics->out, value);
}

void qr_metrics_counter(struct qr_metrics *metrics, const char *name, const char *help,
                        uint64_t value)
{
    qr_metrics_family(metrics, name, QR_METRIC_COUNTER, help);
    qr_metrics_u64(metrics, NULL, 0, value);
}

void qr_metrics_gauge(struct qr_metrics *metrics, const char *name, const char *help, double value)
{
    qr_metrics_family(metrics, name, QR_METRIC_GAUGE, help);
    qr_metrics_double(metrics, NULL, 0, value);
}

void qr_metrics_histogram(struct qr_metrics *metrics, const struct qr_label *labels,
                          size_t n_labels, struct qr_histogram *histogram)
{
    uint64_t seen = 0;
    char le[32];

    /* The count is the sum of what was read, so buckets and count agree while others observe. */
    for (size_t i = 0; i <= histogram->n_bounds; i++) {
        seen += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        if (i < histogram->n_bounds)
            snprintf(le, sizeof le, "%.15g", histogram->bounds[i]);
        put_series(metrics, "_bucket", labels, n_labels, i < histogram->n_bounds ? le : "+Inf");
        qr_buf_printf(metrics->out, "%" PRIu64 "\n", seen);
    }
    put_series(metrics, "_sum", labels, n_labels, NULL);
    uint64_t sum = atomic_load_explicit(&histogram->sum_micro, memory_order_relaxed);
    put_double(metrics->out, (double)sum / 1e6);
    put_series(metrics, "_count", labels, n_labels, NULL);
    qr_buf_printf(metrics->out, "%" PRIu64 "\n", seen);
}
