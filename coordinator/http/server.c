#include "coordinator/http/http.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/log.h"
#include "coordinator/http/listen.h"

struct qr_http {
    struct MHD_Daemon *daemon; /* NULL once stopped */
    struct qr_http_sources sources;
    size_t body_bytes_max;
    char address[80];
};

/* ------------------------------------------------------------------ answers */

static const char text_type[] = "text/plain; charset=utf-8";
static const char metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";

/* Hands `body` (malloc) to the connection; `allow` is the Allow header of a 405. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              char *body, size_t len, const char *allow)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result queued = MHD_NO;

    if (!response) {
        free(body);
        return MHD_NO;
    }
    if (MHD_add_response_header(response, "Content-Type", type) == MHD_YES &&
        MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
        (!allow || MHD_add_response_header(response, "Allow", allow) == MHD_YES))
        queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status,
                                   const char *text, const char *allow)
{
    char *body = strdup(text);

    return body ? answer(connection, status, text_type, body, strlen(body), allow) : MHD_NO;
}

static enum MHD_Result get_metrics(struct qr_http *http, struct MHD_Connection *connection)
{
    struct qr_metrics metrics;
    struct qr_buf buf;

    qr_buf_init(&buf, http->body_bytes_max);
    qr_metrics_init(&metrics, &buf);
    if (http->sources.metrics)
        http->sources.metrics(http->sources.ctx, &metrics);
    size_t len = buf.len;
    char *body = qr_buf_take(&buf);
    qr_buf_done(&buf);
    if (!body)
        return answer_text(connection, 500, "the metrics do not fit in the largest answer\n", NULL);
    return answer(connection, 200, metrics_type, body, len, NULL);
}

static enum MHD_Result get_healthz(struct qr_http *http, struct MHD_Connection *connection)
{
    (void)http;
    return answer_text(connection, 200, "alive\n", NULL);
}

static enum MHD_Result get_readyz(struct qr_http *http, struct MHD_Connection *connection)
{
    char reason[300] = "";
    char text[320];

    if (!http->sources.ready || http->sources.ready(http->sources.ctx, reason, sizeof reason))
        return answer_text(connection, 200, "ready\n", NULL);
    snprintf(text, sizeof text, "not ready: %s\n", reason[0] ? reason : "no reason given");
    return answer_text(connection, 503, text, NULL);
}

static enum MHD_Result get_health(struct qr_http *http, struct MHD_Connection *connection)
{
    struct qr_buf buf;
    bool well = true;

    qr_buf_init(&buf, http->body_bytes_max);
    if (http->sources.health)
        well = http->sources.health(http->sources.ctx, &buf);
    else
        qr_buf_append_str(&buf, "ok\n");
    size_t len = buf.len;
    char *body = qr_buf_take(&buf);
    qr_buf_done(&buf);
    if (!body)
        return answer_text(connection, 500, "no memory for an answer\n", NULL);
    return answer(connection, well ? 200 : 503, text_type, body, len, NULL);
}

/* ------------------------------------------------------------------ routes */

static const struct route {
    const char *path;
    enum MHD_Result (*get)(struct qr_http *http, struct MHD_Connection *connection);
} routes[] = {
    {"/metrics", get_metrics},
    {"/healthz", get_healthz},
    {"/readyz", get_readyz},
    {"/health", get_health},
};

static enum MHD_Result not_found(struct MHD_Connection *connection)
{
    struct qr_buf buf;

    qr_buf_init(&buf, 4096);
    qr_buf_append_str(&buf, "no such page; hint: there are");
    for (size_t i = 0; i < QR_COUNT(routes); i++)
        qr_buf_printf(&buf, "%s %s", i == 0 ? "" : ",", routes[i].path);
    qr_buf_append_str(&buf, "\n");
    size_t len = buf.len;
    char *body = qr_buf_take(&buf);
    qr_buf_done(&buf);
    return body ? answer(connection, 404, text_type, body, len, NULL) : MHD_NO;
}

/* Answers on the first call for a request, so a body is never read into memory: the library answers
 * and closes. Signature: MHD_AccessHandlerCallback. */
static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload_data,
                              size_t *upload_size, void **request)
{
    struct qr_http *http = ctx;
    const struct route *route = NULL;
    (void)version;
    (void)upload_data;
    (void)upload_size;
    (void)request;

    for (size_t i = 0; i < QR_COUNT(routes); i++)
        if (strcmp(url, routes[i].path) == 0)
            route = &routes[i];
    if (!route)
        return not_found(connection);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_text(connection, 405, "this page is only read; hint: use GET or HEAD\n",
                           "GET, HEAD");
    return route->get(http, connection);
}

/* ------------------------------------------------------------------ life */

QR_PRINTF(2, 0)
static void log_message(void *ctx, const char *fmt, va_list args)
{
    char text[300];
    (void)ctx;

    if (!qr_log_enabled(QR_LOG_DEBUG))
        return;
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    qr_log(QR_LOG_DEBUG, "http.library", "text=\"%s\"", text);
}

int qr_http_new(const struct qr_http_config *config, const struct qr_http_sources *sources,
                struct qr_http **ret, struct qr_err *err)
{
    QR_AUTO(qr_http) http = calloc(1, sizeof *http);
    int fd = -1;

    if (!http)
        return qr_fail(err, QR_E_NOMEM, "start the HTTP server: out of memory");
    http->sources = *sources;
    http->body_bytes_max = config->body_bytes_max ? config->body_bytes_max : (size_t)8 << 20;
    int rc = qr_listen_tcp(config->listen ? config->listen : "127.0.0.1:7421", &fd, http->address,
                           sizeof http->address, err);
    if (rc < 0)
        return qr_err_wrap(err, rc, "start the HTTP server");
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle,
        http, MHD_OPTION_EXTERNAL_LOGGER, log_message,
        NULL, /* first, or early errors go to stderr */
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        config->connections_max ? config->connections_max : 64U, MHD_OPTION_CONNECTION_TIMEOUT,
        config->idle_timeout_s ? config->idle_timeout_s : 10U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        config->header_bytes_max ? config->header_bytes_max : (size_t)16 << 10, MHD_OPTION_END);
    if (!http->daemon) {
        /* Whether the library closed fd depends on how far it came; a descriptor lost at a failed
         * start is better than closing somebody else's. */
        return qr_fail(err, QR_E_INTERNAL, "start the HTTP server on %s", http->address);
    }
    *ret = qr_steal(&http);
    return QR_OK;
}

const char *qr_http_address(const struct qr_http *http) { return http->address; }

void qr_http_stop(struct qr_http *http)
{
    if (http->daemon)
        MHD_stop_daemon(http->daemon); /* closes connections where they are, joins the thread */
    http->daemon = NULL;
}

void qr_http_free(struct qr_http *http)
{
    if (!http)
        return;
    qr_http_stop(http);
    free(http);
}
