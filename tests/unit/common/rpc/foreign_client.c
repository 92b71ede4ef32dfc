/* Our client against a server that is not ours: foreign_test.py starts it and gives its address in
 * QUARRY_TEST_PEER. Its service is test.P; the last test makes the server die. */
#include <stdlib.h>

#include "grpc/health/v1/health.pb-c.h"
#include "tests/unit/common/rpc/fixture.h"

static struct qr_rpc_channel *connect_peer(const struct qr_rpc_channel_config *config)
{
    struct qr_rpc_channel *channel = NULL;
    struct qr_err err = {0};

    assert_ok(qr_rpc_channel_new(getenv("QUARRY_TEST_PEER"), config, &channel, &err), &err);
    return channel;
}

static void unary_of_any_size(void **state)
{
    static const size_t sizes[] = {0, 1, 1000, 65536, 1000000};
    struct qr_err err = {0};

    (void)state;
    QR_AUTO(qr_rpc_channel) channel = connect_peer(NULL);
    for (size_t i = 0; i < QR_COUNT(sizes); i++) {
        uint8_t *data = malloc(sizes[i] + 1);
        struct qr_buf reply;
        memset(data, 'a' + (int)i, sizes[i]);
        qr_buf_init(&reply, sizes[i]);
        assert_ok(qr_rpc_unary(channel, "/test.P/Echo", data, sizes[i], 0, &reply, &err), &err);
        assert_int_equal(reply.len, sizes[i]);
        assert_true(sizes[i] == 0 || memcmp(reply.data, data, sizes[i]) == 0);
        qr_buf_done(&reply);
        free(data);
    }
}

static void errors_are_translated(void **state)
{
    static const struct {
        const char *path, *request;
        int64_t deadline_ms;
        int want;
        const char *part;
    } cases[] = {
        {"/test.P/Fail", "NOT_FOUND", 0, QR_E_NOT_FOUND, "failed as asked: m\xc3\xbcll"},
        {"/test.P/Fail", "PERMISSION_DENIED", 0, QR_E_DENIED, "failed as asked"},
        {"/test.P/Fail", "UNAUTHENTICATED", 0, QR_E_DENIED, "failed as asked"},
        {"/test.P/Fail", "FAILED_PRECONDITION", 0, QR_E_STALE, "failed as asked"},
        {"/test.P/Fail", "UNAVAILABLE", 0, QR_E_UNREACHABLE, "failed as asked"},
        {"/test.P/Fail", "ALREADY_EXISTS", 0, QR_E_EXISTS, "failed as asked"},
        {"/test.P/Fail", "DATA_LOSS", 0, QR_E_INTERNAL, "failed as asked"},
        {"/test.P/Nope", "", 0, QR_E_UNSUPPORTED, "Method not found"},
        {"/test.P/Slow", "", 200, QR_E_TIMEOUT, "/test.P/Slow"},
        {"/test.P/Raise", "", 0, QR_E_INTERNAL, "planted"},
    };

    (void)state;
    QR_AUTO(qr_rpc_channel) channel = connect_peer(NULL);
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_buf reply;
        struct qr_err err = {0};
        int rc =
            call_text(channel, cases[i].path, cases[i].request, cases[i].deadline_ms, &reply, &err);
        assert_err(rc, cases[i].want, &err, cases[i].part);
        assert_null(strstr(err.msg, "hint: check that it runs")); /* it does run */
        qr_buf_done(&reply);
    }
}

static void server_limit_is_reported(void **state)
{
    uint8_t *data = calloc(1, 2000001); /* its limit is 2,000,000 */
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    QR_AUTO(qr_rpc_channel) channel = connect_peer(NULL);
    qr_buf_init(&reply, 10);
    assert_err(qr_rpc_unary(channel, "/test.P/Echo", data, 2000001, 0, &reply, &err), QR_E_LIMIT,
               &err, "2000001");
    qr_buf_done(&reply);
    free(data);
}

static void metadata_travels_both_ways(void **state)
{
    static const struct qr_rpc_metadata pairs[] = {{"x-token", "s3cret"}, {NULL, NULL}};
    struct qr_buf reply;
    struct qr_err err = {0};
    struct recorder r;
    struct qr_rpc_stream *s = NULL;

    (void)state;
    QR_AUTO(qr_rpc_channel)
    channel = connect_peer(&(struct qr_rpc_channel_config){.metadata = pairs});
    assert_ok(call_text(channel, "/test.P/Meta", "x-token", 0, &reply, &err), &err);
    assert_string_equal((const char *)reply.data, "s3cret");
    qr_buf_done(&reply);
    recorder_init(&r);
    assert_ok(qr_rpc_stream_open(channel, "/test.P/Bidi", &recorder_handler, &r, &s, &err), &err);
    recorder_wait(&r, &r.opened, 1);
    assert_string_equal(qr_rpc_stream_metadata(s, "x-server"), "python");
    qr_rpc_stream_finish(s, QR_OK, NULL);
    recorder_wait(&r, &r.closed, 1);
    assert_int_equal(r.code, QR_OK);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
}

static int take_number(void *ctx, const uint8_t *data, size_t len)
{
    long *next = ctx;
    char text[32];

    snprintf(text, sizeof text, "%.*s", (int)len, (const char *)data);
    assert_int_equal(strtol(text, NULL, 10), *next);
    return ++*next == 777777 ? QR_E_CANCELLED : QR_OK;
}

static void server_stream_in_order(void **state)
{
    long next = 0;
    struct qr_err err = {0};

    (void)state;
    QR_AUTO(qr_rpc_channel) channel = connect_peer(NULL);
    assert_ok(qr_rpc_server_stream(channel, "/test.P/Count", (const uint8_t *)"2000", 4, 0,
                                   take_number, &next, &err),
              &err);
    assert_int_equal(next, 2000);
    next = 777770; /* the server counts on from what it is told after the colon */
    assert_err(qr_rpc_server_stream(channel, "/test.P/Count", (const uint8_t *)"99999999:777770",
                                    15, 0, take_number, &next, &err),
               QR_E_CANCELLED, &err, "stopped");
}

static void bidi_echoes_until_the_half_close(void **state)
{
    struct recorder r;
    struct qr_rpc_stream *s = NULL;
    struct qr_err err = {0};
    char text[32];

    (void)state;
    QR_AUTO(qr_rpc_channel) channel = connect_peer(NULL);
    recorder_init(&r);
    assert_ok(qr_rpc_stream_open(channel, "/test.P/Bidi", &recorder_handler, &r, &s, &err), &err);
    for (int i = 0; i < 500; i++) {
        int n = snprintf(text, sizeof text, "message %d", i);
        assert_int_equal(qr_rpc_stream_send(s, QR_RPC_BULK, (const uint8_t *)text, (size_t)n),
                         QR_OK);
    }
    recorder_wait(&r, &r.messages, 500);
    assert_int_equal(recorder_get(&r, &r.closed), 0);
    qr_rpc_stream_finish(s, QR_OK, NULL);
    recorder_wait(&r, &r.closed, 1);
    assert_int_equal(r.code, QR_OK);
    assert_string_equal(r.text, "500 echoed");
    qr_rpc_stream_unref(s);
    recorder_done(&r);
}

static void queue_drains_before_the_server_has_answered(void **state)
{
    const struct qr_rpc_channel_config config = {.max_message_bytes = 60000,
                                                 .max_queue_bytes = 300000};
    static const uint8_t chunk[60000];
    struct recorder r;
    struct qr_rpc_stream *s = NULL;
    struct qr_err err = {0};

    (void)state;
    QR_AUTO(qr_rpc_channel) channel = connect_peer(&config);
    recorder_init(&r);
    assert_ok(qr_rpc_stream_open(channel, "/test.P/Sink", &recorder_handler, &r, &s, &err), &err);
    for (int sent = 0, told = 0; sent < 200;) {
        int rc = qr_rpc_stream_send(s, QR_RPC_BULK, chunk, sizeof chunk);
        if (rc == QR_OK) {
            sent++;
            continue;
        }
        assert_int_equal(rc, QR_E_LIMIT);
        recorder_wait(&r, &r.writable, ++told);
    }
    assert_int_equal(recorder_get(&r, &r.opened), 0);
    qr_rpc_stream_finish(s, QR_OK, NULL);
    recorder_wait(&r, &r.closed, 1);
    assert_int_equal(r.code, QR_OK);
    assert_true(r.writable > 0);
    assert_non_null(strstr((const char *)r.log.data, "12000000"));
    qr_rpc_stream_unref(s);
    recorder_done(&r);
}

static int note_status(void *ctx, const uint8_t *data, size_t len)
{
    Grpc__Health__V1__HealthCheckResponse *response =
        grpc__health__v1__health_check_response__unpack(NULL, len, data);

    assert_non_null(response);
    *(int *)ctx = *(int *)ctx * 10 + (int)response->status;
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
    return QR_OK;
}

static void health_of_the_peer(void **state)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    uint8_t packed[32];
    struct qr_buf reply;
    struct qr_err err = {0};
    int seen = 0;

    (void)state;
    QR_AUTO(qr_rpc_channel) channel = connect_peer(NULL);
    request.service = (char *)(uintptr_t) "test.P";
    size_t len = grpc__health__v1__health_check_request__pack(&request, packed);
    qr_buf_init(&reply, 100);
    assert_ok(qr_rpc_unary(channel, "/grpc.health.v1.Health/Check", packed, len, 0, &reply, &err),
              &err);
    note_status(&seen, reply.data, reply.len);
    qr_buf_done(&reply);
    assert_ok(qr_rpc_server_stream(channel, "/grpc.health.v1.Health/Watch", packed, len, 0,
                                   note_status, &seen, &err),
              &err);
    assert_int_equal(seen, 1321); /* Check: serving. Watch: unknown, not serving, serving, end */
}

static void killed_server_is_unreachable(void **state)
{
    struct recorder r;
    struct qr_rpc_stream *s = NULL;
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    QR_AUTO(qr_rpc_channel) channel = connect_peer(NULL);
    recorder_init(&r);
    assert_ok(qr_rpc_stream_open(channel, "/test.P/Bidi", &recorder_handler, &r, &s, &err), &err);
    assert_int_equal(qr_rpc_stream_send(s, QR_RPC_BULK, (const uint8_t *)"x", 1), QR_OK);
    recorder_wait(&r, &r.messages, 1);
    assert_err(call_text(channel, "/test.P/Die", "", 0, &reply, &err), QR_E_UNREACHABLE, &err, "");
    qr_buf_done(&reply);
    recorder_wait(&r, &r.closed, 1);
    assert_int_equal(r.code, QR_E_UNREACHABLE);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary_of_any_size),
        cmocka_unit_test(errors_are_translated),
        cmocka_unit_test(server_limit_is_reported),
        cmocka_unit_test(metadata_travels_both_ways),
        cmocka_unit_test(server_stream_in_order),
        cmocka_unit_test(bidi_echoes_until_the_half_close),
        cmocka_unit_test(queue_drains_before_the_server_has_answered),
        cmocka_unit_test(health_of_the_peer),
        cmocka_unit_test(killed_server_is_unreachable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
