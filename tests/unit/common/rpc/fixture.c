#include "tests/unit/common/rpc/fixture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* -- recorder ----------------------------------------------------------------------------- */

static void note(struct recorder *r, int *counter, const void *text, size_t len)
{
    pthread_mutex_lock(&r->lock);
    (*counter)++;
    qr_buf_append(&r->log, text, strnlen(text, len < 16 ? len : 16));
    qr_buf_append_str(&r->log, "\n");
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void record_open(void *ctx, struct qr_rpc_stream *s)
{
    struct recorder *r = ctx;

    pthread_mutex_lock(&r->lock);
    bool pause = r->pause_first;
    pthread_mutex_unlock(&r->lock);
    if (pause)
        qr_rpc_stream_pause_reads(s);
    note(r, &r->opened, "open", 4);
}

static void record_message(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    struct recorder *r = ctx;

    (void)s;
    pthread_mutex_lock(&r->lock);
    r->bytes += (int)len;
    pthread_mutex_unlock(&r->lock);
    note(r, &r->messages, data, len);
}

static void record_half_closed(void *ctx, struct qr_rpc_stream *s)
{
    struct recorder *r = ctx;

    note(r, &r->half_closed, "half", 4);
    pthread_mutex_lock(&r->lock);
    int code = r->finish_after_half;
    pthread_mutex_unlock(&r->lock);
    if (code <= 0)
        qr_rpc_stream_finish(s, code, "finished by the test");
}

static void record_writable(void *ctx, struct qr_rpc_stream *s)
{
    struct recorder *r = ctx;

    (void)s;
    note(r, &r->writable, "writable", 8);
}

static void record_closed(void *ctx, struct qr_rpc_stream *s, int code, const char *message)
{
    struct recorder *r = ctx;

    (void)s;
    pthread_mutex_lock(&r->lock);
    r->code = code;
    snprintf(r->text, sizeof r->text, "%s", message);
    pthread_mutex_unlock(&r->lock);
    note(r, &r->closed, "closed", 6);
}

const struct qr_rpc_stream_handler recorder_handler = {
    .open = record_open,
    .message = record_message,
    .half_closed = record_half_closed,
    .writable = record_writable,
    .closed = record_closed,
};

void recorder_init(struct recorder *r)
{
    memset(r, 0, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    qr_buf_init(&r->log, (size_t)1 << 20);
}

void recorder_set(struct recorder *r, bool pause_first, int finish_after_half)
{
    pthread_mutex_lock(&r->lock);
    r->pause_first = pause_first;
    r->finish_after_half = finish_after_half;
    pthread_mutex_unlock(&r->lock);
}

void recorder_done(struct recorder *r)
{
    qr_rpc_stream_unref(r->stream);
    qr_buf_done(&r->log);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
}

int recorder_get(struct recorder *r, const int *counter)
{
    pthread_mutex_lock(&r->lock);
    int value = *counter;
    pthread_mutex_unlock(&r->lock);
    return value;
}

static void wait_changed(pthread_cond_t *changed, pthread_mutex_t *lock, const char *what)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    if (pthread_cond_timedwait(changed, lock, &until) != 0) {
        pthread_mutex_unlock(lock);
        fail_msg("waited in vain; so far:\n%s", what);
    }
}

void recorder_wait(struct recorder *r, const int *counter, int want)
{
    pthread_mutex_lock(&r->lock);
    while (*counter < want)
        wait_changed(&r->changed, &r->lock, r->log.data ? (const char *)r->log.data : "");
    pthread_mutex_unlock(&r->lock);
}

/* -- methods ------------------------------------------------------------------------------ */

static void echo(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    (void)ctx;
    qr_rpc_call_reply(call, request, len);
}

static void refuse(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    struct qr_err err;

    (void)ctx;
    if (len == 2 && memcmp(request, "db", 2) == 0)
        qr_fail(&err, QR_E_DB, "the database is away");
    else
        qr_fail(&err, QR_E_NOT_FOUND, "no job '%.*s'; hint: list them", (int)len,
                (const char *)request);
    qr_rpc_call_fail(call, &err);
}

static void meta(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    char key[64];

    (void)ctx;
    snprintf(key, sizeof key, "%.*s", (int)len, (const char *)request);
    const char *value =
        strcmp(key, "peer") == 0 ? qr_rpc_call_peer(call) : qr_rpc_call_metadata(call, key);
    char copy[256]; /* the value dies with the call */
    snprintf(copy, sizeof copy, "%s", value ? value : "none");
    qr_rpc_call_reply(call, (const uint8_t *)copy, strlen(copy));
}

static void left(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    char text[32];

    (void)ctx;
    (void)request;
    (void)len;
    snprintf(text, sizeof text, "%" PRId64, qr_rpc_call_deadline_ms(call));
    qr_rpc_call_reply(call, (const uint8_t *)text, strlen(text));
}

static void hold(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    struct fixture *f = ctx;

    (void)request;
    (void)len;
    pthread_mutex_lock(&f->lock);
    f->held[f->n_held++] = call;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static unsigned long number_of(const uint8_t *text, size_t len)
{
    char copy[32];

    snprintf(copy, sizeof copy, "%.*s", (int)len, (const char *)text);
    return strtoul(copy, NULL, 10);
}

static void big(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    size_t size = number_of(request, len);
    uint8_t *data = malloc(size + 1);

    (void)ctx;
    memset(data, 'x', size);
    qr_rpc_call_reply(call, data, size);
    free(data);
}

/* -- Count: a server stream that sends as fast as its reader takes ------------------------ */

struct counting {
    unsigned long next, end;
};

static void count_on(void *ctx, struct qr_rpc_stream *s)
{
    struct counting *c = qr_rpc_stream_user(s);
    char text[32];

    (void)ctx;
    while (c && c->next < c->end) {
        int n = snprintf(text, sizeof text, "%lu", c->next);
        if (qr_rpc_stream_send(s, QR_RPC_BULK, (const uint8_t *)text, (size_t)n) != QR_OK)
            return; /* goes on when writable */
        c->next++;
    }
    qr_rpc_stream_finish(s, QR_OK, NULL);
}

static void count_message(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    struct counting *c = calloc(1, sizeof *c);

    c->end = number_of(data, len);
    qr_rpc_stream_set_user(s, c);
    count_on(ctx, s);
}

static void count_closed(void *ctx, struct qr_rpc_stream *s, int code, const char *message)
{
    (void)ctx;
    (void)code;
    (void)message;
    free(qr_rpc_stream_user(s));
}

static const struct qr_rpc_stream_handler count_handler = {
    .message = count_message,
    .writable = count_on,
    .closed = count_closed,
};

/* -- Bidi --------------------------------------------------------------------------------- */

static void bidi_message(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    (void)ctx;
    if (qr_rpc_stream_send(s, QR_RPC_CONTROL, data, len) != QR_OK)
        qr_rpc_stream_cancel(s, QR_E_LIMIT, "peer does not read");
}

static void bidi_half_closed(void *ctx, struct qr_rpc_stream *s)
{
    (void)ctx;
    qr_rpc_stream_finish(s, QR_OK, "all echoed");
}

static const struct qr_rpc_stream_handler bidi_handler = {
    .message = bidi_message,
    .half_closed = bidi_half_closed,
};

/* -- Record: the test looks at the server's end ------------------------------------------- */

static void server_side_open(void *ctx, struct qr_rpc_stream *s)
{
    struct recorder *r = ctx;

    pthread_mutex_lock(&r->lock);
    qr_rpc_stream_unref(r->stream);
    r->stream = qr_rpc_stream_ref(s);
    pthread_mutex_unlock(&r->lock);
    record_open(ctx, s);
}

/* -- fixture ------------------------------------------------------------------------------ */

void fixture_start(struct fixture *f, const struct qr_rpc_server_config *config)
{
    struct qr_rpc_server_config c = config ? *config : (struct qr_rpc_server_config){0};
    struct qr_rpc_stream_handler record = recorder_handler;
    struct qr_err err = {0};

    memset(f, 0, sizeof *f);
    recorder_init(&f->server_side);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    record.open = server_side_open;
    if (!c.listen)
        c.listen = "127.0.0.1:0";
    assert_ok(qr_rpc_server_new(&c, &f->server, &err), &err);
    assert_ok(qr_rpc_health_new(f->server, &f->health, &err), &err);
    const struct {
        const char *path;
        qr_rpc_unary_fn fn;
    } unary[] = {{"/test.T/Echo", echo}, {"/test.T/Fail", refuse}, {"/test.T/Meta", meta},
                 {"/test.T/Left", left}, {"/test.T/Hold", hold},   {"/test.T/Big", big}};
    for (size_t i = 0; i < QR_COUNT(unary); i++)
        assert_ok(qr_rpc_server_add_unary(f->server, unary[i].path, unary[i].fn, f, &err), &err);
    assert_ok(qr_rpc_server_add_stream(f->server, "/test.T/Count", &count_handler, f, &err), &err);
    assert_ok(qr_rpc_server_add_stream(f->server, "/test.T/Bidi", &bidi_handler, f, &err), &err);
    assert_ok(qr_rpc_server_add_stream(f->server, "/test.T/Record", &record, &f->server_side, &err),
              &err);
    assert_ok(qr_rpc_server_start(f->server, &err), &err);
}

void fixture_stop(struct fixture *f)
{
    qr_rpc_server_free(f->server);
    qr_rpc_health_free(f->health);
    for (size_t i = 0; i < f->n_held; i++)
        qr_rpc_call_reply(f->held[i], NULL, 0); /* too late, but owed */
    recorder_done(&f->server_side);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

struct qr_rpc_channel *fixture_channel(struct fixture *f,
                                       const struct qr_rpc_channel_config *config)
{
    struct qr_rpc_channel *channel = NULL;
    struct qr_err err = {0};

    assert_ok(qr_rpc_channel_new(qr_rpc_server_address(f->server), config, &channel, &err), &err);
    return channel;
}

struct qr_rpc_stream *fixture_stream(struct fixture *f, int n)
{
    recorder_wait(&f->server_side, &f->server_side.opened, n);
    pthread_mutex_lock(&f->server_side.lock);
    struct qr_rpc_stream *s = f->server_side.stream;
    pthread_mutex_unlock(&f->server_side.lock);
    return s;
}

void fixture_wait_held(struct fixture *f, size_t want)
{
    pthread_mutex_lock(&f->lock);
    while (f->n_held < want)
        wait_changed(&f->changed, &f->lock, "no call held");
    pthread_mutex_unlock(&f->lock);
}

int call_text(struct qr_rpc_channel *channel, const char *path, const char *request,
              int64_t deadline_ms, struct qr_buf *reply, struct qr_err *err)
{
    qr_buf_init(reply, (size_t)64 << 20);
    return qr_rpc_unary(channel, path, (const uint8_t *)request, strlen(request), deadline_ms,
                        reply, err);
}
