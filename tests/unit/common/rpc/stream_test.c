/* Bidirectional streams: order, priorities, flow control, every way to end.
 * Run it: ctest --preset dev -R rpc_stream_test */
#include <stdlib.h>

#include "tests/unit/common/rpc/fixture.h"

#define CHUNK ((size_t)65536)

static struct qr_rpc_stream *open_stream(struct qr_rpc_channel *channel, const char *path,
                                         struct recorder *r)
{
    struct qr_rpc_stream *s = NULL;
    struct qr_err err = {0};

    assert_ok(qr_rpc_stream_open(channel, path, &recorder_handler, r, &s, &err), &err);
    return s;
}

static void send_text(struct qr_rpc_stream *s, enum qr_rpc_priority priority, const char *text)
{
    assert_int_equal(qr_rpc_stream_send(s, priority, (const uint8_t *)text, strlen(text)), QR_OK);
}

/* A chunk that says its number in front: "00017 ...". */
static int send_chunk(struct qr_rpc_stream *s, enum qr_rpc_priority priority, char tag, int number)
{
    static const uint8_t zeros[CHUNK];
    uint8_t *data = malloc(CHUNK);
    char head[16];

    memcpy(data, zeros, CHUNK);
    int n = snprintf(head, sizeof head, "%c%05d", tag, number);
    memcpy(data, head, (size_t)n);
    int rc = qr_rpc_stream_send(s, priority, data, CHUNK);
    free(data);
    return rc;
}

/* The recorder's log with its lines: the n-th, from 0; caller frees. */
static char *line_of(struct recorder *r, int n)
{
    pthread_mutex_lock(&r->lock);
    const char *at = (const char *)r->log.data;
    while (at && n-- > 0)
        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
    char *line = strndup(at ? at : "", at ? strcspn(at, "\n") : 0);
    pthread_mutex_unlock(&r->lock);
    return line;
}

static void assert_line(struct recorder *r, int n, const char *want)
{
    char *line = line_of(r, n);
    if (strcmp(line, want) != 0)
        fail_msg("line %d is \"%s\", not \"%s\"", n, line, want);
    free(line);
}

static void assert_closed(struct recorder *r, int code, const char *part)
{
    recorder_wait(r, &r->closed, 1);
    if (r->code != code || !strstr(r->text, part))
        fail_msg("closed %s \"%s\", not %s \"%s\"", qr_err_name(r->code), r->text,
                 qr_err_name(code), part);
}

static void messages_come_back_in_order(void **state)
{
    struct fixture f;
    struct recorder r;
    char text[16];

    (void)state;
    fixture_start(&f, NULL);
    recorder_init(&r);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Bidi", &r);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%d", i);
        send_text(s, QR_RPC_BULK, text);
    }
    qr_rpc_stream_finish(s, QR_OK, NULL);
    assert_closed(&r, QR_OK, "all echoed");
    assert_int_equal(recorder_get(&r, &r.messages), 1000);
    assert_line(&r, 0, "open");
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_line(&r, i + 1, text);
    }
    assert_line(&r, 1001, "closed");
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void control_overtakes_waiting_bulk(void **state)
{
    struct fixture f;
    struct recorder r;
    int bulk = 0, control = 0, first_control = -1;

    (void)state;
    fixture_start(&f, NULL);
    recorder_init(&r);
    recorder_set(&f.server_side, true, QR_OK);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    for (int i = 0; i < 40; i++) /* ten times the window: most of it waits in the queue */
        assert_int_equal(send_chunk(s, QR_RPC_BULK, 'b', i), QR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_chunk(s, QR_RPC_CONTROL, 'c', i), QR_OK);
    qr_rpc_stream_finish(s, QR_OK, NULL);
    recorder_wait(&f.server_side, &f.server_side.opened, 1);
    qr_rpc_stream_resume_reads(fixture_stream(&f, 1));
    assert_closed(&r, QR_OK, "");
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.messages), 43);
    for (int i = 0; i < 43; i++) {
        char *line = line_of(&f.server_side, i + 1);
        int number = (int)strtol(line + 1, NULL, 10);
        if (line[0] == 'c' && first_control < 0)
            first_control = i;
        assert_int_equal(number, line[0] == 'c' ? control++ : bulk++); /* each kind in order */
        free(line);
    }
    assert_int_equal(control, 3);
    assert_in_range(first_control, 0, 20);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void paused_reader_stops_a_fast_sender(void **state)
{
    enum { CHUNKS = 100 };
    struct fixture f;
    struct recorder r;
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, NULL);
    recorder_init(&r);
    recorder_set(&f.server_side, true, QR_OK);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    for (int i = 0; i < CHUNKS; i++)
        assert_int_equal(send_chunk(s, QR_RPC_BULK, 'b', i), QR_OK);
    recorder_wait(&f.server_side, &f.server_side.opened, 1);
    for (int i = 0; i < 50; i++) { /* the connection works on, and has had its time */
        assert_ok(call_text(channel, "/test.T/Echo", "x", 0, &reply, &err), &err);
        qr_buf_done(&reply);
    }
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.messages), 0);
    assert_true(qr_rpc_stream_queued(s) > (CHUNKS * CHUNK - 2 * QR_RPC_WINDOW_BYTES - 2 * CHUNK));
    qr_rpc_stream_resume_reads(fixture_stream(&f, 1));
    qr_rpc_stream_finish(s, QR_OK, NULL);
    assert_closed(&r, QR_OK, "");
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.messages), CHUNKS);
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.bytes), CHUNKS * CHUNK);
    assert_int_equal(qr_rpc_stream_queued(s), 0);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void full_queue_refuses_and_tells_when_it_drained(void **state)
{
    const struct qr_rpc_channel_config config = {.max_message_bytes = CHUNK,
                                                 .max_queue_bytes = 8 * CHUNK};
    struct fixture f;
    struct recorder r;
    int n = 0, rc;

    (void)state;
    fixture_start(&f, NULL);
    recorder_init(&r);
    recorder_set(&f.server_side, true, QR_OK);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, &config);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    recorder_wait(&f.server_side, &f.server_side.opened, 1);
    for (int quiet = 0; quiet < 20; quiet++) { /* until the window is full too */
        while ((rc = send_chunk(s, QR_RPC_BULK, 'b', n)) == QR_OK) {
            n++;
            quiet = 0;
        }
        assert_int_equal(rc, QR_E_LIMIT);
        struct qr_buf reply;
        struct qr_err err = {0};
        assert_ok(call_text(channel, "/test.T/Echo", "x", 0, &reply, &err), &err);
        qr_buf_done(&reply);
    }
    assert_in_range(n, 8, 24);
    assert_int_equal(send_chunk(s, QR_RPC_CONTROL, 'c', 0), QR_OK); /* a quarter more room */
    assert_int_equal(send_chunk(s, QR_RPC_CONTROL, 'c', 1), QR_OK);
    assert_int_equal(send_chunk(s, QR_RPC_CONTROL, 'c', 2), QR_E_LIMIT);
    int told = recorder_get(&r, &r.writable);
    qr_rpc_stream_resume_reads(fixture_stream(&f, 1));
    recorder_wait(&r, &r.writable, told + 1);
    assert_true(qr_rpc_stream_queued(s) <= 4 * CHUNK);
    assert_int_equal(send_chunk(s, QR_RPC_BULK, 'b', n), QR_OK);
    qr_rpc_stream_finish(s, QR_OK, NULL);
    assert_int_equal(qr_rpc_stream_send(s, QR_RPC_BULK, NULL, 0), QR_E_CANCELLED);
    assert_closed(&r, QR_OK, "");
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.messages), n + 3);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void server_drops_a_client_that_never_reads(void **state)
{
    struct fixture f;
    struct recorder r;
    int rc;

    (void)state;
    fixture_start(&f, &(struct qr_rpc_server_config){.max_message_bytes = CHUNK,
                                                     .max_queue_bytes = 4 * CHUNK});
    recorder_init(&r);
    r.pause_first = true;
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    recorder_wait(&r, &r.opened, 1);
    for (int n = 0; (rc = send_chunk(fixture_stream(&f, 1), QR_RPC_BULK, 'b', n)) == QR_OK; n++)
        assert_in_range(n, 0, 100);
    assert_int_equal(rc, QR_E_LIMIT);
    qr_rpc_stream_cancel(fixture_stream(&f, 1), QR_E_LIMIT, "the worker does not read");
    assert_closed(&f.server_side, QR_E_LIMIT, "does not read");
    qr_rpc_stream_resume_reads(s);
    assert_closed(&r, QR_E_LIMIT, "the worker does not read");
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void status_and_message_of_the_server_arrive(void **state)
{
    static const struct {
        const char *why;
        int finish, want;
    } cases[] = {
        {"success", QR_OK, QR_OK},
        {"an error that has a status of its own", QR_E_NOT_FOUND, QR_E_NOT_FOUND},
        {"an error that shares its status with others", QR_E_DB, QR_E_DB},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct fixture f;
        struct recorder r;
        fixture_start(&f, NULL);
        recorder_init(&r);
        recorder_set(&f.server_side, false, cases[i].finish);
        QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
        struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
        qr_rpc_stream_finish(s, QR_OK, NULL);
        assert_closed(&r, cases[i].want, "finished by the test");
        assert_closed(&f.server_side, cases[i].finish, "finished by the test");
        assert_int_equal(recorder_get(&f.server_side, &f.server_side.half_closed), 1);
        qr_rpc_stream_unref(s);
        recorder_done(&r);
        fixture_stop(&f);
    }
}

static void server_sends_on_after_the_half_close(void **state)
{
    struct fixture f;
    struct recorder r;

    (void)state;
    fixture_start(&f, NULL);
    recorder_init(&r);
    recorder_set(&f.server_side, false, 1);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    send_text(s, QR_RPC_BULK, "only one");
    qr_rpc_stream_finish(s, QR_OK, NULL);
    recorder_wait(&f.server_side, &f.server_side.half_closed, 1);
    for (int i = 0; i < 300; i++)
        send_text(fixture_stream(&f, 1), QR_RPC_BULK, "late");
    qr_rpc_stream_finish(fixture_stream(&f, 1), QR_E_STALE, "and goodbye"); /* behind all of them */
    assert_closed(&r, QR_E_STALE, "and goodbye");
    assert_int_equal(recorder_get(&r, &r.messages), 300);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void client_cancel_reaches_the_server(void **state)
{
    struct fixture f;
    struct recorder r;

    (void)state;
    fixture_start(&f, NULL);
    recorder_init(&r);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    recorder_wait(&f.server_side, &f.server_side.opened, 1);
    qr_rpc_stream_cancel(s, QR_E_DB, "had enough");
    qr_rpc_stream_cancel(s, QR_E_IO, "the first call counts");
    assert_closed(&r, QR_E_DB, "had enough");
    assert_closed(&f.server_side, QR_E_CANCELLED, "client");
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.half_closed), 0);
    assert_int_equal(qr_rpc_stream_send(s, QR_RPC_BULK, NULL, 0), QR_E_CANCELLED);
    assert_int_equal(qr_rpc_stream_send(fixture_stream(&f, 1), QR_RPC_BULK, NULL, 0),
                     QR_E_CANCELLED);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void server_cancel_tells_the_client_why(void **state)
{
    struct fixture f;
    struct recorder r;

    (void)state;
    fixture_start(&f, NULL);
    recorder_init(&r);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    recorder_wait(&r, &r.opened, 1);
    qr_rpc_stream_cancel(fixture_stream(&f, 1), QR_E_STALE, "session was replaced");
    assert_closed(&r, QR_E_STALE, "session was replaced");
    assert_closed(&f.server_side, QR_E_STALE, "session was replaced");
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void vanished_client_closes_the_server_side(void **state)
{
    struct fixture f;
    struct recorder r;

    (void)state;
    fixture_start(&f, NULL);
    recorder_init(&r);
    struct qr_rpc_channel *channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    recorder_wait(&r, &r.opened, 1);
    qr_rpc_channel_free(channel);
    assert_closed(&r, QR_E_CANCELLED, "channel is closing");
    assert_closed(&f.server_side, QR_E_CANCELLED, "client");
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.half_closed), 0);
    assert_int_equal(qr_rpc_stream_send(s, QR_RPC_BULK, NULL, 0),
                     QR_E_CANCELLED); /* dead, not freed */
    qr_rpc_stream_resume_reads(s);
    qr_rpc_stream_finish(s, QR_OK, NULL);
    qr_rpc_stream_cancel(s, QR_E_IO, NULL);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

static void dead_server_is_unreachable(void **state)
{
    struct fixture f;
    struct recorder live, late;

    (void)state;
    fixture_start(&f, NULL);
    recorder_init(&live);
    recorder_init(&late);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &live);
    recorder_wait(&live, &live.opened, 1);
    fixture_stop(&f);
    assert_closed(&live, QR_E_UNREACHABLE, "");
    struct qr_rpc_stream *again = open_stream(channel, "/test.T/Record", &late);
    int rc = qr_rpc_stream_send(again, QR_RPC_BULK, NULL, 0);
    assert_true(rc == QR_OK || rc == QR_E_CANCELLED); /* may be known already */
    assert_closed(&late, QR_E_UNREACHABLE, "");
    assert_int_equal(recorder_get(&late, &late.opened), 0);
    qr_rpc_stream_unref(s);
    qr_rpc_stream_unref(again);
    recorder_done(&live);
    recorder_done(&late);
}

static void message_over_the_limit_ends_the_stream(void **state)
{
    struct fixture f;
    struct recorder to_server, to_client;
    uint8_t data[1001] = {0};

    (void)state;
    fixture_start(&f, &(struct qr_rpc_server_config){.max_message_bytes = 1000});
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    recorder_init(&to_server);
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &to_server);
    recorder_wait(&to_server, &to_server.opened, 1);
    assert_int_equal(qr_rpc_stream_send(fixture_stream(&f, 1), QR_RPC_BULK, data, 1001),
                     QR_E_INVALID);
    assert_int_equal(qr_rpc_stream_send(s, QR_RPC_BULK, data, 1001),
                     QR_OK); /* the client allows it */
    assert_closed(&to_server, QR_E_LIMIT, "1001");
    recorder_wait(&f.server_side, &f.server_side.closed, 1);
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.messages), 0);
    qr_rpc_stream_unref(s);

    QR_AUTO(qr_rpc_channel)
    narrow = fixture_channel(&f, &(struct qr_rpc_channel_config){.max_message_bytes = 500});
    recorder_init(&to_client);
    s = open_stream(narrow, "/test.T/Record", &to_client);
    recorder_wait(&to_client, &to_client.opened, 1);
    assert_int_equal(qr_rpc_stream_send(fixture_stream(&f, 2), QR_RPC_BULK, data, 501), QR_OK);
    assert_closed(&to_client, QR_E_LIMIT, "501");
    assert_int_equal(recorder_get(&to_client, &to_client.messages), 0);
    qr_rpc_stream_unref(s);
    recorder_done(&to_server);
    recorder_done(&to_client);
    fixture_stop(&f);
}

static int nothing(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    return QR_OK;
}

static void deadline_ends_a_stream_on_both_sides(void **state)
{
    struct fixture f;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, NULL);
    recorder_set(&f.server_side, false, 1);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    assert_err(qr_rpc_server_stream(channel, "/test.T/Record", NULL, 0, 150, nothing, NULL, &err),
               QR_E_TIMEOUT, &err, "");
    recorder_wait(&f.server_side, &f.server_side.closed, 1);
    if (f.server_side.code != QR_E_TIMEOUT) /* the client's giving up may arrive first */
        assert_closed(&f.server_side, QR_E_CANCELLED, "client");
    fixture_stop(&f);
}

static void metadata_travels_both_ways(void **state)
{
    static const struct qr_rpc_metadata up[] = {{"x-worker", "w1"}, {NULL, NULL}};
    static const struct qr_rpc_metadata down[] = {{"x-server", "quarry"}, {NULL, NULL}};
    struct fixture f;
    struct recorder r;

    (void)state;
    fixture_start(&f, &(struct qr_rpc_server_config){.metadata = down});
    recorder_init(&r);
    QR_AUTO(qr_rpc_channel)
    channel = fixture_channel(&f, &(struct qr_rpc_channel_config){.metadata = up});
    struct qr_rpc_stream *s = open_stream(channel, "/test.T/Record", &r);
    recorder_wait(&r, &r.opened, 1);
    assert_string_equal(qr_rpc_stream_metadata(s, "x-server"), "quarry");
    assert_null(qr_rpc_stream_metadata(s, "x-worker"));
    assert_string_equal(qr_rpc_stream_metadata(fixture_stream(&f, 1), "x-worker"), "w1");
    assert_non_null(strstr(qr_rpc_stream_peer(s), qr_rpc_server_address(f.server)));
    assert_non_null(strstr(qr_rpc_stream_peer(fixture_stream(&f, 1)), "127.0.0.1:"));
    qr_rpc_stream_unref(s);
    fixture_stop(&f);
    recorder_wait(&r, &r.closed, 1);
    recorder_done(&r);
}

struct crowd {
    struct qr_rpc_channel *channel;
    struct recorder recorders[8];
};

static void *many_streams(void *ctx)
{
    struct crowd *crowd = ctx;
    struct qr_rpc_stream *streams[8];

    for (int i = 0; i < 8; i++) {
        recorder_init(&crowd->recorders[i]);
        streams[i] = open_stream(crowd->channel, "/test.T/Bidi", &crowd->recorders[i]);
    }
    for (int n = 0; n < 200; n++)
        for (int i = 0; i < 8; i++)
            send_text(streams[i], n % 7 == 0 ? QR_RPC_CONTROL : QR_RPC_BULK, "some text");
    for (int i = 0; i < 8; i++) {
        qr_rpc_stream_finish(streams[i], QR_OK, NULL);
        qr_rpc_stream_unref(streams[i]); /* the queue thread's reference is enough */
    }
    return NULL;
}

static void sixty_four_streams_from_eight_threads(void **state)
{
    struct fixture f;
    struct crowd crowds[8];
    pthread_t threads[8];

    (void)state;
    fixture_start(&f, &(struct qr_rpc_server_config){.threads = 2});
    QR_AUTO(qr_rpc_channel) one = fixture_channel(&f, NULL);
    QR_AUTO(qr_rpc_channel) two = fixture_channel(&f, NULL);
    for (int i = 0; i < 8; i++) {
        crowds[i].channel = i % 2 ? one : two;
        pthread_create(&threads[i], NULL, many_streams, &crowds[i]);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 64; i++) {
        struct recorder *r = &crowds[i / 8].recorders[i % 8];
        assert_closed(r, QR_OK, "all echoed");
        assert_int_equal(r->messages, 200);
        recorder_done(r);
    }
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_back_in_order),
        cmocka_unit_test(control_overtakes_waiting_bulk),
        cmocka_unit_test(paused_reader_stops_a_fast_sender),
        cmocka_unit_test(full_queue_refuses_and_tells_when_it_drained),
        cmocka_unit_test(server_drops_a_client_that_never_reads),
        cmocka_unit_test(status_and_message_of_the_server_arrive),
        cmocka_unit_test(server_sends_on_after_the_half_close),
        cmocka_unit_test(client_cancel_reaches_the_server),
        cmocka_unit_test(server_cancel_tells_the_client_why),
        cmocka_unit_test(vanished_client_closes_the_server_side),
        cmocka_unit_test(dead_server_is_unreachable),
        cmocka_unit_test(message_over_the_limit_ends_the_stream),
        cmocka_unit_test(deadline_ends_a_stream_on_both_sides),
        cmocka_unit_test(metadata_travels_both_ways),
        cmocka_unit_test(sixty_four_streams_from_eight_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
