/* Stopping a server with anything live on it.
 * Run it: ctest --preset dev -R rpc_shutdown_test */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/common/rpc/fixture.h"

static struct qr_rpc_stream *open_stream(struct qr_rpc_channel *channel, const char *path,
                                         struct recorder *r)
{
    struct qr_rpc_stream *s = NULL;
    struct qr_err err = {0};

    recorder_init(r);
    assert_ok(qr_rpc_stream_open(channel, path, &recorder_handler, r, &s, &err), &err);
    recorder_wait(r, &r->opened, 1);
    return s;
}

static void server_that_never_started_is_freed(void **state)
{
    const struct qr_rpc_server_config config = {.listen = "127.0.0.1:0"};
    struct qr_rpc_server *server = NULL;
    struct qr_err err = {0};

    (void)state;
    assert_ok(qr_rpc_server_new(&config, &server, &err), &err);
    qr_rpc_server_stop(server, 1000);
    qr_rpc_server_free(server);
    qr_rpc_server_free(NULL);
    qr_rpc_channel_free(NULL);
}

static void idle_connections_do_not_hold_the_stop(void **state)
{
    struct fixture f;
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    assert_ok(call_text(channel, "/test.T/Echo", "x", 0, &reply, &err), &err);
    qr_buf_done(&reply);
    qr_rpc_server_stop(f.server, 3600000);
    qr_rpc_server_stop(f.server, 3600000); /* the second does nothing */
    fixture_stop(&f);
}

static void *stop_with_grace(void *ctx)
{
    qr_rpc_server_stop(ctx, 3600000);
    return NULL;
}

static void grace_lets_a_stream_end_by_itself(void **state)
{
    struct fixture f;
    struct recorder r;
    pthread_t stopper;
    char text[32];

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    pthread_create(&stopper, NULL, stop_with_grace, f.server);
    for (int i = 0; i < 100; i++) { /* a stream lives on while the server stops */
        int n = snprintf(text, sizeof text, "%d", i);
        assert_int_equal(qr_rpc_stream_send(s, QR_RPC_BULK, (const uint8_t *)text, (size_t)n),
                         QR_OK);
    }
    recorder_wait(&f.server_side, &f.server_side.messages, 100);
    assert_int_equal(qr_rpc_stream_send(fixture_stream(&f, 1), QR_RPC_BULK, NULL, 0), QR_OK);
    qr_rpc_stream_finish(fixture_stream(&f, 1), QR_OK, "restarting");
    pthread_join(stopper, NULL);
    recorder_wait(&r, &r.closed, 1);
    assert_int_equal(r.code, QR_OK);
    assert_string_equal(r.text, "restarting");
    assert_int_equal(recorder_get(&r, &r.messages), 1);
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.closed),
                     1); /* before stop returned */
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void new_calls_are_refused_while_stopping(void **state)
{
    struct fixture f;
    struct recorder r;
    struct qr_buf reply;
    struct qr_err err = {0};
    pthread_t stopper;
    int rc = QR_OK;

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    QR_AUTO(qr_rpc_channel) other = fixture_channel(&f, NULL);
    pthread_create(&stopper, NULL, stop_with_grace, f.server);
    for (int i = 0; i < 100000 && rc == QR_OK; i++) { /* until the stop has taken hold */
        rc = call_text(other, "/test.T/Echo", "x", 5000, &reply, &err);
        qr_buf_done(&reply);
    }
    assert_int_equal(rc, QR_E_UNREACHABLE);
    assert_int_equal(recorder_get(&r, &r.closed), 0); /* the live stream is not touched */
    qr_rpc_stream_finish(fixture_stream(&f, 1), QR_OK, NULL);
    pthread_join(stopper, NULL);
    recorder_wait(&r, &r.closed, 1);
    assert_int_equal(r.code, QR_OK);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void *hold_one(void *ctx)
{
    struct qr_rpc_channel *channel = ctx;
    struct qr_buf reply;
    struct qr_err err = {0};

    int rc = call_text(channel, "/test.T/Hold", "", 3600000, &reply, &err);
    qr_buf_done(&reply);
    return (void *)(intptr_t)rc;
}

static void everything_live_is_cancelled(void **state)
{
    struct fixture f;
    struct recorder open, half, paused;
    pthread_t holders[3];
    uint8_t chunk[65536] = {0};

    (void)state;
    fixture_start(&f, &(struct qr_rpc_server_config){.threads = 2});
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    for (int i = 0; i < 3; i++) /* unary calls that nobody answers */
        pthread_create(&holders[i], NULL, hold_one, channel);
    fixture_wait_held(&f, 3);
    assert_false(qr_rpc_call_is_dead(f.held[0]));

    recorder_set(&f.server_side, false, 1);
    struct qr_rpc_stream *s1 = open_stream(channel, "/test.T/Record", &open);
    struct qr_rpc_stream *s2 = open_stream(channel, "/test.T/Record", &half);
    qr_rpc_stream_finish(s2, QR_OK, NULL); /* half-open: the server never finishes it */
    recorder_wait(&f.server_side, &f.server_side.half_closed, 1);
    recorder_set(&f.server_side, true, 1);
    struct qr_rpc_stream *s3 = open_stream(channel, "/test.T/Record", &paused);
    for (int i = 0; i < 50; i++) /* frames wait in both directions */
        assert_int_equal(qr_rpc_stream_send(s3, QR_RPC_BULK, chunk, sizeof chunk), QR_OK);

    qr_rpc_server_stop(f.server, 20);
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.closed), 3);
    assert_true(qr_rpc_call_is_dead(f.held[0]));
    assert_int_equal(qr_rpc_call_deadline_ms(f.held[0]), 0);
    for (int i = 0; i < 3; i++) {
        void *rc;
        pthread_join(holders[i], &rc);
        assert_int_equal((intptr_t)rc, QR_E_UNREACHABLE);
    }
    recorder_wait(&open, &open.closed, 1);
    recorder_wait(&half, &half.closed, 1);
    recorder_wait(&paused, &paused.closed, 1);
    assert_int_equal(open.code, QR_E_UNREACHABLE);
    assert_int_equal(half.code, QR_E_UNREACHABLE);
    assert_int_equal(paused.code, QR_E_UNREACHABLE);
    qr_rpc_stream_unref(s1);
    qr_rpc_stream_unref(s2);
    qr_rpc_stream_unref(s3);
    recorder_done(&open);
    recorder_done(&half);
    recorder_done(&paused);
    fixture_stop(&f); /* answers the held calls, late */
}

struct storm {
    const char *address;
    atomic_bool *stop;
    unsigned long calls;
};

static void *storm_on(void *ctx)
{
    struct storm *storm = ctx;
    struct qr_rpc_channel *channel = NULL;
    struct qr_err err = {0};
    const struct qr_rpc_channel_config config = {.reconnect_min_ms = 1, .reconnect_max_ms = 1};

    assert_ok(qr_rpc_channel_new(storm->address, &config, &channel, &err), &err);
    while (!atomic_load(storm->stop)) {
        struct qr_buf reply;
        struct qr_rpc_stream *s = NULL;
        struct recorder r;
        int rc = call_text(channel, "/test.T/Echo", "x", 10000, &reply, &err);
        assert_true(rc == QR_OK || rc == QR_E_UNREACHABLE);
        qr_buf_done(&reply);
        recorder_init(&r);
        assert_ok(qr_rpc_stream_open(channel, "/test.T/Bidi", &recorder_handler, &r, &s, &err),
                  &err);
        (void)!qr_rpc_stream_send(s, QR_RPC_BULK, (const uint8_t *)"hello", 5);
        qr_rpc_stream_finish(s, QR_OK, NULL);
        recorder_wait(&r, &r.closed, 1);
        assert_true(r.code == QR_OK || r.code == QR_E_UNREACHABLE);
        qr_rpc_stream_unref(s);
        recorder_done(&r);
        storm->calls++;
    }
    qr_rpc_channel_free(channel);
    return NULL;
}

static void servers_come_and_go_under_fire(void **state)
{
    atomic_bool stop = false;
    struct storm storms[4];
    pthread_t threads[4];
    struct fixture f;
    char folder[] = "/tmp/quarry_rpc_XXXXXX";
    char address[64];

    (void)state;
    assert_non_null(mkdtemp(folder)); /* a port might be taken by another while nobody serves */
    snprintf(address, sizeof address, "unix:%s/socket", folder);
    fixture_start(&f, &(struct qr_rpc_server_config){.listen = address});
    for (int i = 0; i < 4; i++) {
        storms[i] = (struct storm){.address = address, .stop = &stop};
        pthread_create(&threads[i], NULL, storm_on, &storms[i]);
    }
    for (int round = 0; round < 10; round++) {
        struct recorder r;
        QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
        struct qr_rpc_stream *s = open_stream(channel, "/test.T/Bidi", &r); /* it serves */
        fixture_stop(&f);
        recorder_wait(&r, &r.closed, 1);
        qr_rpc_stream_unref(s);
        recorder_done(&r);
        fixture_start(&f, &(struct qr_rpc_server_config){.listen = address, .threads = 2});
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(storms[i].calls > 0);
    }
    fixture_stop(&f);
    assert_int_equal(rmdir(folder), 0);
}

static void channels_are_freed_with_streams_on_them(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f, NULL);
    for (int round = 0; round < 20; round++) {
        struct recorder recorders[4];
        struct qr_rpc_stream *streams[4];
        struct qr_err err = {0};
        struct qr_rpc_channel *channel = fixture_channel(&f, NULL);
        for (int i = 0; i < 4; i++) { /* some not even connected */
            recorder_init(&recorders[i]);
            assert_ok(qr_rpc_stream_open(channel, "/test.T/Bidi", &recorder_handler, &recorders[i],
                                         &streams[i], &err),
                      &err);
            assert_int_equal(qr_rpc_stream_send(streams[i], QR_RPC_BULK, NULL, 0), QR_OK);
        }
        if (round % 2)
            recorder_wait(&recorders[0], &recorders[0].messages, 1);
        qr_rpc_channel_free(channel);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(recorders[i].closed, 1);
            assert_int_equal(recorders[i].code, QR_E_CANCELLED);
            qr_rpc_stream_unref(streams[i]);
            recorder_done(&recorders[i]);
        }
    }
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_that_never_started_is_freed),
        cmocka_unit_test(idle_connections_do_not_hold_the_stop),
        cmocka_unit_test(grace_lets_a_stream_end_by_itself),
        cmocka_unit_test(new_calls_are_refused_while_stopping),
        cmocka_unit_test(everything_live_is_cancelled),
        cmocka_unit_test(servers_come_and_go_under_fire),
        cmocka_unit_test(channels_are_freed_with_streams_on_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
