/* Unary and server-streaming calls, and what can be wrong with them.
 * Run it: ctest --preset dev -R rpc_call_test */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/common/rpc/fixture.h"

static void unary_echoes_any_size(void **state)
{
    static const size_t sizes[] = {0, 1, 23, 24, 8191, 65536, 1000000, 4 << 20};
    struct fixture f;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    for (size_t i = 0; i < QR_COUNT(sizes); i++) {
        struct qr_buf reply;
        uint8_t *data = malloc(sizes[i] + 1);
        for (size_t j = 0; j < sizes[i]; j++)
            data[j] = (uint8_t)(j * 7 + j / 251);
        qr_buf_init(&reply, (size_t)8 << 20);
        assert_ok(qr_rpc_unary(channel, "/test.T/Echo", data, sizes[i], 0, &reply, &err), &err);
        assert_int_equal(reply.len, sizes[i]);
        if (sizes[i] > 0)
            assert_memory_equal(reply.data, data, sizes[i]);
        qr_buf_done(&reply);
        free(data);
    }
    fixture_stop(&f);
}

static void errors_come_with_code_and_message(void **state)
{
    static const struct {
        const char *why, *path, *request;
        int64_t deadline_ms;
        int want;
        const char *part;
    } cases[] = {
        {"the handler failed", "/test.T/Fail", "17", 0, QR_E_NOT_FOUND,
         "no job '17'; hint: list them"},
        {"a code that shares its status", "/test.T/Fail", "db", 0, QR_E_DB, "the database is away"},
        {"not registered", "/test.T/Nope", "", 0, QR_E_UNSUPPORTED, "no such method"},
        {"nobody answers", "/test.T/Hold", "", 150, QR_E_TIMEOUT, "/test.T/Hold"},
        {"answer over the limit", "/test.T/Big", "4194305", 0, QR_E_LIMIT, "larger"},
        {"not a path", "test.T.Echo", "", 0, QR_E_INVALID, "not a method path"},
        {"a path with a blank", "/test.T/Ec ho", "", 0, QR_E_INVALID, "not a method path"},
    };
    struct fixture f;

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_buf reply;
        struct qr_err err = {0};
        int rc =
            call_text(channel, cases[i].path, cases[i].request, cases[i].deadline_ms, &reply, &err);
        assert_err(rc, cases[i].want, &err, cases[i].part);
        assert_int_equal(reply.len, 0);
        qr_buf_done(&reply);
    }
    fixture_stop(&f);
}

static void size_limits_hold_on_both_ends(void **state)
{
    const struct qr_rpc_server_config small = {.max_message_bytes = 1000};
    const struct qr_rpc_channel_config narrow = {.max_message_bytes = 500};
    struct fixture f;
    struct qr_buf reply;
    struct qr_err err = {0};
    uint8_t data[2000] = {0};

    (void)state;
    fixture_start(&f, &small);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    QR_AUTO(qr_rpc_channel) reader = fixture_channel(&f, &narrow);
    qr_buf_init(&reply, 10000);
    assert_ok(qr_rpc_unary(channel, "/test.T/Echo", data, 1000, 0, &reply, &err), &err);
    assert_err(qr_rpc_unary(channel, "/test.T/Echo", data, 1001, 0, &reply, &err), QR_E_LIMIT, &err,
               "1001");
    assert_err(qr_rpc_unary(reader, "/test.T/Big", (const uint8_t *)"501", 3, 0, &reply, &err),
               QR_E_LIMIT, &err, "501");
    assert_err(qr_rpc_unary(reader, "/test.T/Echo", data, 501, 0, &reply, &err), QR_E_LIMIT, &err,
               "501"); /* not even sent */
    qr_buf_done(&reply);
    qr_buf_init(&reply, 99);
    assert_err(qr_rpc_unary(channel, "/test.T/Big", (const uint8_t *)"100", 3, 0, &reply, &err),
               QR_E_LIMIT, &err, "99"); /* the caller's own cap */
    qr_buf_done(&reply);
    fixture_stop(&f);
}

static void metadata_and_peer_reach_the_handler(void **state)
{
    const struct qr_rpc_metadata pairs[] = {
        {"authorization", "Bearer s3cret"}, {"x-empty", ""}, {NULL, NULL}};
    const struct qr_rpc_channel_config config = {.metadata = pairs};
    static const struct {
        const char *key, *want;
    } cases[] = {{"authorization", "Bearer s3cret"}, {"x-empty", ""}, {"x-absent", "none"}};
    struct fixture f;
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, &config);
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        assert_ok(call_text(channel, "/test.T/Meta", cases[i].key, 0, &reply, &err), &err);
        assert_string_equal((const char *)reply.data, cases[i].want);
        qr_buf_done(&reply);
    }
    assert_ok(call_text(channel, "/test.T/Meta", "peer", 0, &reply, &err), &err);
    assert_non_null(strstr((const char *)reply.data, "ipv4:127.0.0.1:"));
    qr_buf_done(&reply);
    fixture_stop(&f);
}

static void deadline_travels(void **state)
{
    struct fixture f;
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    assert_ok(call_text(channel, "/test.T/Left", "", 3600000, &reply, &err), &err);
    long left = strtol((const char *)reply.data, NULL, 10);
    assert_in_range(left, 3000000, 3700000);
    qr_buf_done(&reply);
    fixture_stop(&f);
}

struct counted {
    unsigned long next;
    unsigned long stop_at; /* 0: never */
};

static int take_count(void *ctx, const uint8_t *data, size_t len)
{
    struct counted *c = ctx;
    char text[32];

    snprintf(text, sizeof text, "%.*s", (int)len, (const char *)data);
    assert_int_equal(strtoul(text, NULL, 10), c->next);
    c->next++;
    return c->stop_at != 0 && c->next == c->stop_at ? QR_E_DATA : QR_OK;
}

static void server_stream_brings_all_in_order(void **state)
{
    struct fixture f;
    struct counted c = {0};
    struct qr_err err = {0};

    (void)state;
    /* the queue is far smaller than the stream, so the server has to wait for its reader */
    fixture_start(
        &f, &(struct qr_rpc_server_config){.max_message_bytes = 1000, .max_queue_bytes = 2000});
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    assert_ok(qr_rpc_server_stream(channel, "/test.T/Count", (const uint8_t *)"5000", 4, 0,
                                   take_count, &c, &err),
              &err);
    assert_int_equal(c.next, 5000);
    c.next = 0;
    assert_ok(qr_rpc_server_stream(channel, "/test.T/Count", (const uint8_t *)"0", 1, 0, take_count,
                                   &c, &err),
              &err);
    assert_int_equal(c.next, 0);
    fixture_stop(&f);
}

static void receiver_can_stop_a_server_stream(void **state)
{
    struct fixture f;
    struct counted c = {.stop_at = 10};
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    assert_err(qr_rpc_server_stream(channel, "/test.T/Count", (const uint8_t *)"100000000", 9, 0,
                                    take_count, &c, &err),
               QR_E_DATA, &err, "stopped");
    assert_int_equal(c.next, 10);
    fixture_stop(&f);
}

static int raise_flag(void *ctx, const uint8_t *data, size_t len)
{
    atomic_bool *flag = ctx;

    (void)data;
    (void)len;
    atomic_store(flag, true);
    return QR_OK;
}

static void *raise_later(void *ctx)
{
    qr_clock_sleep_ms(50);
    atomic_store((atomic_bool *)ctx, true);
    return NULL;
}

static void flag_interrupts_blocking_calls(void **state)
{
    struct fixture f;
    atomic_bool flag = false;
    const struct qr_rpc_channel_config config = {.interrupted = &flag};
    struct qr_buf reply;
    struct qr_err err = {0};
    pthread_t thread;

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, &config);
    pthread_create(&thread, NULL, raise_later, &flag);
    assert_err(call_text(channel, "/test.T/Hold", "", 3600000, &reply, &err), QR_E_CANCELLED, &err,
               "interrupted");
    pthread_join(thread, NULL);
    qr_buf_done(&reply);
    fixture_wait_held(&f, 1);

    atomic_store(&flag, false); /* Watch says its state at once, then is silent for ever */
    assert_err(qr_rpc_server_stream(channel, "/grpc.health.v1.Health/Watch", NULL, 0, 0, raise_flag,
                                    &flag, &err),
               QR_E_CANCELLED, &err, "interrupted");
    fixture_stop(&f);
}

static void unreachable_has_a_hint(void **state)
{
    struct fixture f;
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    fixture_stop(&f);
    assert_err(call_text(channel, "/test.T/Echo", "x", 0, &reply, &err), QR_E_UNREACHABLE, &err,
               "hint: check that it runs");
    assert_non_null(strstr(err.msg, "127.0.0.1:"));
    qr_buf_done(&reply);
}

static void bad_configuration_is_refused(void **state)
{
    static const struct qr_rpc_metadata bad_pairs[] = {{"Bad Key", "x"}, {NULL, NULL}};
    static const struct {
        const char *why;
        struct qr_rpc_server_config config;
        const char *part;
    } cases[] = {
        {"no port", {.listen = "127.0.0.1"}, "HOST:PORT"},
        {"no address", {.listen = NULL}, "HOST:PORT"},
        {"port too large", {.listen = "127.0.0.1:70000"}, "70000"},
        {"port not a number", {.listen = "127.0.0.1:12x"}, "12x"},
        {"too many threads", {.listen = "127.0.0.1:0", .threads = 1000}, "threads"},
        {"queue too small",
         {.listen = "127.0.0.1:0", .max_message_bytes = 9, .max_queue_bytes = 8},
         "queue"},
        {"pings too fast", {.listen = "127.0.0.1:0", .keepalive_ms = 10}, "keepalive_ms"},
        {"illegal metadata", {.listen = "127.0.0.1:0", .metadata = bad_pairs}, "Bad Key"},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_rpc_server *server = NULL;
        struct qr_err err = {0};
        assert_err(qr_rpc_server_new(&cases[i].config, &server, &err), QR_E_INVALID, &err,
                   cases[i].part);
        assert_null(server);
    }
}

static void second_server_on_a_port_is_refused(void **state)
{
    struct fixture f;
    struct qr_err err = {0};
    QR_AUTO(qr_rpc_server) second = NULL;

    (void)state;
    fixture_start(&f, NULL);
    const struct qr_rpc_server_config same = {.listen = qr_rpc_server_address(f.server)};
    assert_ok(qr_rpc_server_new(&same, &second, &err), &err);
    assert_err(qr_rpc_server_start(second, &err), QR_E_EXISTS, &err, "hint: stop what listens");
    fixture_stop(&f);
}

static void calls_over_the_limit_are_refused(void **state)
{
    struct fixture f;
    struct recorder r[2];
    struct qr_rpc_stream *s[2];
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, &(struct qr_rpc_server_config){.max_calls = 2});
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    for (int i = 0; i < 2; i++) {
        recorder_init(&r[i]);
        assert_ok(
            qr_rpc_stream_open(channel, "/test.T/Bidi", &recorder_handler, &r[i], &s[i], &err),
            &err);
        recorder_wait(&r[i], &r[i].opened, 1);
    }
    assert_err(call_text(channel, "/test.T/Echo", "x", 0, &reply, &err), QR_E_LIMIT, &err,
               "too many calls");
    qr_buf_done(&reply);
    for (int i = 0; i < 2; i++) {
        qr_rpc_stream_finish(s[i], QR_OK, NULL);
        recorder_wait(&r[i], &r[i].closed, 1);
        qr_rpc_stream_unref(s[i]);
        recorder_done(&r[i]);
    }
    fixture_stop(&f);
}

static void unix_sockets_work(void **state)
{
    char folder[] = "/tmp/quarry_rpc_XXXXXX";
    char listen[64];
    struct fixture f;
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(listen, sizeof listen, "unix:%s/socket", folder);
    fixture_start(&f, &(struct qr_rpc_server_config){.listen = listen});
    assert_string_equal(qr_rpc_server_address(f.server), listen);
    struct qr_rpc_channel *channel = fixture_channel(&f, NULL);
    assert_ok(call_text(channel, "/test.T/Echo", "x", 0, &reply, &err), &err);
    assert_string_equal((const char *)reply.data, "x");
    qr_buf_done(&reply);
    qr_rpc_channel_free(channel);
    fixture_stop(&f);
    assert_int_equal(rmdir(folder), 0); /* the socket is gone */
}

static void method_paths_are_unique(void **state)
{
    struct fixture f;
    struct qr_err err = {0};
    QR_AUTO(qr_rpc_server) server = NULL;
    const struct qr_rpc_server_config config = {.listen = "127.0.0.1:0"};

    (void)state;
    assert_ok(qr_rpc_server_new(&config, &server, &err), &err);
    assert_ok(qr_rpc_server_add_stream(server, "/a.B/C", &recorder_handler, NULL, &err), &err);
    assert_err(qr_rpc_server_add_stream(server, "/a.B/C", &recorder_handler, NULL, &err),
               QR_E_EXISTS, &err, "/a.B/C");
    assert_err(qr_rpc_server_add_stream(server, "a.B/C", &recorder_handler, NULL, &err),
               QR_E_INVALID, &err, "a.B/C");
    fixture_start(&f, NULL);
    assert_err(qr_rpc_server_add_stream(f.server, "/a.B/D", &recorder_handler, NULL, &err),
               QR_E_INVALID, &err, "already started");
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary_echoes_any_size),
        cmocka_unit_test(errors_come_with_code_and_message),
        cmocka_unit_test(size_limits_hold_on_both_ends),
        cmocka_unit_test(metadata_and_peer_reach_the_handler),
        cmocka_unit_test(deadline_travels),
        cmocka_unit_test(server_stream_brings_all_in_order),
        cmocka_unit_test(receiver_can_stop_a_server_stream),
        cmocka_unit_test(flag_interrupts_blocking_calls),
        cmocka_unit_test(unreachable_has_a_hint),
        cmocka_unit_test(bad_configuration_is_refused),
        cmocka_unit_test(second_server_on_a_port_is_refused),
        cmocka_unit_test(calls_over_the_limit_are_refused),
        cmocka_unit_test(unix_sockets_work),
        cmocka_unit_test(method_paths_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
