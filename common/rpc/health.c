#include "common/rpc/health.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"

#define STATE(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

struct service {
    const char *name;
    bool serving;
};

/* One Watch. It is its stream's user pointer. */
struct watcher {
    struct watcher *prev, *next;
    struct qr_rpc_stream *stream; /* borrowed: removed in `closed` */
    char *name;
    int told; /* what it heard last */
};

struct qr_rpc_health {
    pthread_mutex_t lock; /* taken before a stream's own */
    /* under the lock: */
    struct service services[QR_RPC_HEALTH_SERVICES];
    size_t n_services;
    struct watcher *watchers;
};

static struct service *find(struct qr_rpc_health *h, const char *name)
{
    for (size_t i = 0; i < h->n_services; i++)
        if (strcmp(h->services[i].name, name) == 0)
            return &h->services[i];
    return NULL;
}

static int state_of(struct qr_rpc_health *h, const char *name)
{
    const struct service *service = find(h, name);

    return !service           ? STATE(SERVICE_UNKNOWN)
           : service->serving ? STATE(SERVING)
                              : STATE(NOT_SERVING);
}

static size_t pack(int state, uint8_t out[16])
{
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)state;
    return grpc__health__v1__health_check_response__pack(&response, out);
}

/* The name a request asks about, caller frees; NULL when it is no request. */
static char *parse(const uint8_t *data, size_t len)
{
    Grpc__Health__V1__HealthCheckRequest *request =
        grpc__health__v1__health_check_request__unpack(NULL, len, data);
    char *name = request ? strdup(request->service) : NULL;

    grpc__health__v1__health_check_request__free_unpacked(request, NULL);
    return name;
}

static void check(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    struct qr_rpc_health *h = ctx;
    struct qr_err err;
    uint8_t out[16];
    char *name = parse(request, len);

    if (!name) {
        qr_fail(&err, QR_E_DATA, "not a HealthCheckRequest");
        qr_rpc_call_fail(call, &err);
        return;
    }
    pthread_mutex_lock(&h->lock);
    int state = state_of(h, name);
    pthread_mutex_unlock(&h->lock);
    if (state == STATE(SERVICE_UNKNOWN)) {
        qr_fail(&err, QR_E_NOT_FOUND, "no service '%s'", name);
        qr_rpc_call_fail(call, &err);
    } else {
        qr_rpc_call_reply(call, out, pack(state, out));
    }
    free(name);
}

/* With the lock held. A watcher that does not read its few bytes is dropped. */
static void tell(struct qr_rpc_health *h, struct watcher *w)
{
    uint8_t out[16];
    int state = state_of(h, w->name);

    if (w->told == state)
        return;
    w->told = state;
    if (qr_rpc_stream_send(w->stream, QR_RPC_CONTROL, out, pack(state, out)) == QR_E_LIMIT)
        qr_rpc_stream_cancel(w->stream, QR_E_LIMIT, "the watcher does not read");
}

static void watch_message(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    struct qr_rpc_health *h = ctx;
    struct watcher *w = qr_rpc_stream_user(s) ? NULL : calloc(1, sizeof *w);
    char *name = w ? parse(data, len) : NULL;

    if (!name) {
        free(w);
        qr_rpc_stream_finish(s, QR_E_DATA, "not one HealthCheckRequest");
        return;
    }
    w->stream = s;
    w->name = name;
    w->told = -1;
    qr_rpc_stream_set_user(s, w);
    pthread_mutex_lock(&h->lock);
    w->next = h->watchers;
    if (w->next)
        w->next->prev = w;
    h->watchers = w;
    tell(h, w);
    pthread_mutex_unlock(&h->lock);
}

static void watch_closed(void *ctx, struct qr_rpc_stream *s, int code, const char *message)
{
    struct qr_rpc_health *h = ctx;
    struct watcher *w = qr_rpc_stream_user(s);

    (void)code;
    (void)message;
    if (!w)
        return;
    pthread_mutex_lock(&h->lock);
    if (w->prev)
        w->prev->next = w->next;
    else
        h->watchers = w->next;
    if (w->next)
        w->next->prev = w->prev;
    pthread_mutex_unlock(&h->lock);
    free(w->name);
    free(w);
}

static const struct qr_rpc_stream_handler watch_handler = {
    .message = watch_message,
    .closed = watch_closed,
};

int qr_rpc_health_new(struct qr_rpc_server *server, struct qr_rpc_health **ret, struct qr_err *err)
{
    struct qr_rpc_health *h = calloc(1, sizeof *h);

    if (!h)
        return qr_fail(err, QR_E_NOMEM, "health service");
    pthread_mutex_init(&h->lock, NULL);
    h->services[h->n_services++] = (struct service){.name = ""};
    int rc = qr_rpc_server_add_unary(server, "/grpc.health.v1.Health/Check", check, h, err);
    if (rc == QR_OK)
        rc = qr_rpc_server_add_stream(server, "/grpc.health.v1.Health/Watch", &watch_handler, h,
                                      err);
    if (rc < 0) {
        qr_rpc_health_free(h);
        return rc;
    }
    *ret = h;
    return QR_OK;
}

void qr_rpc_health_free(struct qr_rpc_health *h)
{
    if (!h)
        return;
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void qr_rpc_health_set(struct qr_rpc_health *h, const char *service, bool serving)
{
    pthread_mutex_lock(&h->lock);
    struct service *row = find(h, service);
    if (!row) {
        if (h->n_services == QR_RPC_HEALTH_SERVICES)
            abort();
        row = &h->services[h->n_services++];
        row->name = service;
    }
    row->serving = serving;
    for (struct watcher *w = h->watchers; w; w = w->next)
        tell(h, w);
    pthread_mutex_unlock(&h->lock);
}
