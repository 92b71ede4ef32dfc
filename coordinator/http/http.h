/* coordinator/http/http.h
 *
 * The coordinator's HTTP side: /metrics for Prometheus, /healthz (alive), /readyz (can serve),
 * /health (the fleet).
 *
 * One thread serves all connections without blocking on any of them, so a slow client costs a
 * socket and nothing else; connections, header sizes and idle times have limits. Handlers answer
 * from memory: a source must return quickly and never wait for the database. Only this folder
 * includes <microhttpd.h>. Metric names: docs/metrics.md.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "coordinator/http/metrics.h"

struct qr_http;

/** A zero takes the default. Copied. */
struct qr_http_config {
    const char *listen;       /* "HOST:PORT", "[::1]:PORT"; port 0 picks a free one. NULL:
                               * "127.0.0.1:7421" */
    unsigned connections_max; /* at once; default 64 */
    unsigned idle_timeout_s;  /* a silent connection is closed after; default 10 */
    size_t header_bytes_max;  /* request line and headers; default 16 KiB */
    size_t body_bytes_max;    /* largest answer; default 8 MiB */
};

/** Where answers come from; called on the HTTP thread. The struct is copied, ctx borrowed. */
struct qr_http_sources {
    void *ctx;
    /** Write every family. NULL: /metrics is empty. */
    void (*metrics)(void *ctx, struct qr_metrics *out);
    /** Whether requests can be served now; false with a text that says why not. NULL: always. */
    bool (*ready)(void *ctx, char *reason, size_t cap);
    /** Write what is wrong with the fleet, a line each, or that all is well; false in the first
     *  case. NULL: it is. */
    bool (*health)(void *ctx, struct qr_buf *out);
};

/**
 * Bind, listen and serve.
 *
 * Errors: QR_E_INVALID, not an address; QR_E_IO, the address cannot be bound (err->sys is errno),
 * with a hint when it is taken; QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_http_new(const struct qr_http_config *config,
                              const struct qr_http_sources *sources, struct qr_http **ret,
                              struct qr_err *err);

/** "127.0.0.1:7421", with the port that was picked. Lives as long as the server. */
const char *qr_http_address(const struct qr_http *http);

/** Closes the listening socket and every connection; waits only for a source that is being asked
 *  right now. After it no source is called. May be called twice. */
void qr_http_stop(struct qr_http *http);

/** Stops, then frees. */
void qr_http_free(struct qr_http *http);
QR_DEFINE_AUTO(qr_http)
