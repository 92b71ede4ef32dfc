/* Peers that fall silent without closing the connection, played by plain sockets that speak just
 * enough HTTP/2. Run it: ctest --preset dev -R rpc_keepalive_test */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/common/rpc/fixture.h"

static const uint8_t settings[9] = {0, 0, 0, 4}; /* an empty SETTINGS frame: RFC 9113, 6.5 */

static void assert_sent(int fd, const void *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static int listen_anywhere(char address[32])
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    snprintf(address, 32, "127.0.0.1:%d", ntohs(in.sin_port));
    return fd;
}

static int connect_to(const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    in.sin_port = htons((uint16_t)strtol(strchr(address, ':') + 1, NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
    return fd;
}

static void client_notices_a_silent_server(void **state)
{
    const struct qr_rpc_channel_config config = {.keepalive_ms = 1000, .keepalive_timeout_ms = 300};
    char address[32];
    int listener = listen_anywhere(address);
    struct recorder r;
    struct qr_rpc_stream *s = NULL;
    struct qr_err err = {0};
    QR_AUTO(qr_rpc_channel) channel = NULL;

    (void)state;
    recorder_init(&r);
    assert_ok(qr_rpc_channel_new(address, &config, &channel, &err), &err);
    assert_ok(qr_rpc_stream_open(channel, "/test.T/Bidi", &recorder_handler, &r, &s, &err), &err);
    int fd = accept(listener, NULL, NULL);
    assert_sent(fd, settings, sizeof settings); /* now the client takes it for a server */
    recorder_wait(&r, &r.closed, 1);
    assert_int_equal(r.code, QR_E_UNREACHABLE);
    assert_non_null(strstr(r.text, "keepalive"));
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    close(fd);
    close(listener);
}

/* One header, literal and without indexing: RFC 7541, 6.2.2. */
static size_t put_header(uint8_t *at, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);

    at[0] = 0;
    at[1] = (uint8_t)n;
    memcpy(at + 2, name, n);
    at[2 + n] = (uint8_t)v;
    memcpy(at + 3 + n, value, v);
    return 3 + n + v;
}

static void send_call(int fd, const char *path)
{
    uint8_t frame[512] = {0};
    size_t len = 9;

    len += put_header(frame + len, ":method", "POST");
    len += put_header(frame + len, ":scheme", "http");
    len += put_header(frame + len, ":path", path);
    len += put_header(frame + len, ":authority", "test");
    len += put_header(frame + len, "content-type", "application/grpc");
    len += put_header(frame + len, "te", "trailers");
    frame[1] = (uint8_t)((len - 9) >> 8);
    frame[2] = (uint8_t)(len - 9);
    frame[3] = 1; /* HEADERS */
    frame[4] = 4; /* END_HEADERS */
    frame[8] = 1; /* stream 1 */
    assert_sent(fd, frame, len);
}

static void server_notices_a_silent_client(void **state)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct fixture f;

    (void)state;
    fixture_start(
        &f, &(struct qr_rpc_server_config){.keepalive_ms = 1000, .keepalive_timeout_ms = 300});
    int fd = connect_to(qr_rpc_server_address(f.server));
    assert_sent(fd, preface, sizeof preface - 1);
    assert_sent(fd, settings, sizeof settings);
    send_call(fd, "/test.T/Record");
    recorder_wait(&f.server_side, &f.server_side.closed,
                  1); /* the socket stays open all the time */
    assert_int_equal(f.server_side.code, QR_E_CANCELLED);
    assert_int_equal(recorder_get(&f.server_side, &f.server_side.half_closed), 0);
    close(fd);
    fixture_stop(&f);
}

static void our_own_pings_are_not_too_many(void **state)
{
    const struct qr_rpc_channel_config config = {.keepalive_ms = QR_RPC_KEEPALIVE_MIN_MS,
                                                 .keepalive_timeout_ms = 20000};
    struct fixture f;
    struct recorder r;
    struct qr_rpc_stream *s = NULL;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, &(struct qr_rpc_server_config){.keepalive_ms = QR_RPC_KEEPALIVE_MIN_MS});
    recorder_init(&r);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, &config);
    assert_ok(qr_rpc_stream_open(channel, "/test.T/Bidi", &recorder_handler, &r, &s, &err), &err);
    recorder_wait(&r, &r.opened, 1);
    qr_clock_sleep_ms(4500); /* four pings; a third within five minutes is too many by default */
    assert_int_equal(qr_rpc_stream_send(s, QR_RPC_BULK, (const uint8_t *)"x", 1), QR_OK);
    recorder_wait(&r, &r.messages, 1);
    qr_rpc_stream_finish(s, QR_OK, NULL);
    recorder_wait(&r, &r.closed, 1);
    assert_int_equal(r.code, QR_OK);
    qr_rpc_stream_unref(s);
    recorder_done(&r);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_notices_a_silent_server),
        cmocka_unit_test(server_notices_a_silent_client),
        cmocka_unit_test(our_own_pings_are_not_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
