/* Real requests over a socket. Run it: ctest --preset dev -R server_test */
#include "coordinator/http/http.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct qr_http *http;
static atomic_bool is_ready;

static void write_metrics(void *ctx, struct qr_metrics *out)
{
    assert_ptr_equal(ctx, &is_ready);
    qr_metrics_counter(out, "quarry_test_total", "for the test", 42);
}

static bool tell_ready(void *ctx, char *reason, size_t cap)
{
    (void)ctx;
    if (atomic_load(&is_ready))
        return true;
    snprintf(reason, cap, "the database does not answer");
    return false;
}

static bool tell_health(void *ctx, struct qr_buf *out)
{
    (void)ctx;
    qr_buf_append_str(out,
                      atomic_load(&is_ready) ? "ok: 3 workers\n" : "run 7: nobody\nrun 8: too\n");
    return atomic_load(&is_ready);
}

static const struct qr_http_sources sources = {&is_ready, write_metrics, tell_ready, tell_health};

static int setup(void **state)
{
    const struct qr_http_config config = {
        .listen = "127.0.0.1:0", .connections_max = 8, .idle_timeout_s = 2};
    struct qr_err err = {0};
    (void)state;

    atomic_store(&is_ready, true);
    return qr_http_new(&config, &sources, &http, &err);
}

static int teardown(void **state)
{
    (void)state;
    qr_http_free(http);
    http = NULL;
    return 0;
}

/* ------------------------------------------------------------------ a plain client */

static int dial(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *list = NULL;
    struct timeval patience = {.tv_sec = 20};
    char host[80];

    snprintf(host, sizeof host, "%s", qr_http_address(http));
    char *colon = strrchr(host, ':');
    *colon = '\0';
    assert_int_equal(getaddrinfo(host, colon + 1, &hints, &list), 0);
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, list->ai_addr, list->ai_addrlen), 0);
    freeaddrinfo(list);
    return fd;
}

static void send_text(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server closed: its answer says why */
        text += n;
        left -= (size_t)n;
    }
}

/* Everything until the server closes; what the peer reset counts as closed. */
static char *receive_all(int fd)
{
    struct qr_buf buf;

    qr_buf_init(&buf, 1 << 20);
    for (;;) {
        uint8_t *at = qr_buf_reserve(&buf, 4096);
        ssize_t n = at ? recv(fd, at, 4096, 0) : 0;
        if (n <= 0)
            break;
        buf.len += (size_t)n;
        buf.data[buf.len] = '\0';
    }
    close(fd);
    char *text = qr_buf_take(&buf);
    assert_non_null(text);
    return text;
}

/* One request on a connection of its own; caller frees. */
static char *ask(const char *request)
{
    char text[512];
    int fd = dial();

    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", request);
    send_text(fd, text);
    return receive_all(fd);
}

static void expect(const char *request, const char *status, const char *part)
{
    char *answer = ask(request);

    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, 3) != 0)
        fail_msg("%s: expected %s, got %.80s", request, status, answer);
    if (!strstr(answer, part))
        fail_msg("%s: lacks \"%s\": %s", request, part, answer);
    free(answer);
}

/* ------------------------------------------------------------------ tests */

static void pages_answer(void **state)
{
    (void)state;

    assert_memory_equal(qr_http_address(http), "127.0.0.1:", 10);
    assert_string_not_equal(qr_http_address(http), "127.0.0.1:0");
    expect("GET /metrics", "200", "\nquarry_test_total 42\n");
    expect("GET /metrics", "200", "Content-Type: text/plain; version=0.0.4");
    expect("GET /metrics?x=1", "200", "\nquarry_test_total 42\n");
    expect("GET /healthz", "200", "alive\n");
    expect("GET /readyz", "200", "ready\n");
    expect("GET /health", "200", "ok: 3 workers\n");
}

static void not_ready_says_why_and_stays_alive(void **state)
{
    (void)state;

    atomic_store(&is_ready, false);
    expect("GET /readyz", "503", "not ready: the database does not answer\n");
    expect("GET /health", "503", "run 7: nobody\nrun 8: too\n");
    expect("GET /healthz", "200", "alive\n");
}

static void head_has_the_length_and_no_body(void **state)
{
    (void)state;

    char *answer = ask("HEAD /healthz");
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    assert_non_null(strstr(answer, "Content-Length: 6\r\n"));
    assert_non_null(end);
    assert_string_equal(end, "\r\n\r\n");
    free(answer);
}

static void wrong_methods_and_paths_get_a_hint(void **state)
{
    (void)state;

    expect("POST /metrics", "405", "Allow: GET, HEAD\r\n");
    expect("DELETE /metrics", "405", "hint: use GET or HEAD");
    expect("GET /metric", "404", "hint: there are /metrics, /healthz, /readyz");
    expect("GET /", "404", "hint:");
    expect("GET /metrics/", "404", "hint:");
    expect("GET /..%2f..%2fetc/passwd", "404", "hint:");
}

static void a_body_is_not_taken_in(void **state)
{
    int fd = dial();
    (void)state;

    /* Far more is announced than any limit; the answer comes all the same. */
    send_text(fd, "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\nabc");
    char first[16] = "";
    assert_true(recv(fd, first, sizeof first - 1, 0) > 12);
    assert_memory_equal(first, "HTTP/1.1 405", 12);
    close(fd);
    expect("GET /healthz", "200", "alive");
}

static void huge_headers_are_refused(void **state)
{
    enum { BYTES = 200000 };
    char *value = malloc(BYTES + 1);
    int fd = dial();
    (void)state;

    assert_non_null(value);
    memset(value, 'a', BYTES);
    value[BYTES] = '\0';
    send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ");
    send_text(fd, value);
    send_text(fd, "\r\n\r\n");
    free(value);
    char *answer = receive_all(fd);
    assert_null(strstr(answer, " 200 "));
    free(answer);
    expect("GET /healthz", "200", "alive");
}

static void garbage_does_no_harm(void **state)
{
    static const char *const garbage[] = {
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "\x16\x03\x01\x02",
        "GET /healthz HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(garbage); i++) {
        int fd = dial();
        send_text(fd, garbage[i]);
        shutdown(fd, SHUT_WR);
        free(receive_all(fd));
    }
    expect("GET /healthz", "200", "alive");
}

static void slow_clients_do_not_hold_up_others(void **state)
{
    int slow[4];
    (void)state;

    for (size_t i = 0; i < QR_COUNT(slow); i++) {
        slow[i] = dial();
        send_text(slow[i], "GET /metrics HT"); /* and then nothing */
    }
    expect("GET /metrics", "200", "quarry_test_total");
    for (size_t i = 0; i < QR_COUNT(slow); i++)
        close(slow[i]);
}

static void connections_beyond_the_limit_do_no_harm(void **state)
{
    int fds[16];
    (void)state;

    for (size_t i = 0; i < QR_COUNT(fds); i++)
        fds[i] = dial();
    for (size_t i = 0; i < QR_COUNT(fds); i++)
        close(fds[i]);
    expect("GET /healthz", "200", "alive"); /* closed ones make room */
}

static void stopping_closes_what_is_open(void **state)
{
    char byte;
    (void)state;

    int fd = dial();
    send_text(fd, "GET /metr");
    expect("GET /healthz", "200", "alive"); /* the one above has been accepted by now */
    qr_http_stop(http);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
    qr_http_stop(http); /* twice is fine */
}

static void a_port_that_is_taken_is_one_clear_line(void **state)
{
    struct qr_http_config config = {.listen = qr_http_address(http)};
    struct qr_http *other = NULL;
    struct qr_err err = {0};
    (void)state;

    assert_err(qr_http_new(&config, &sources, &other, &err), QR_E_IO, &err, qr_http_address(http));
    assert_int_equal(err.sys, EADDRINUSE);
    assert_non_null(strstr(err.msg, "hint:"));
    assert_null(other);
}

static void bad_addresses_are_refused(void **state)
{
    static const char *const bad[] = {
        "",       "localhost",       ":80",          "127.0.0.1:", "a:b",
        "::1:80", "127.0.0.1:65536", "127.0.0.1:-1", "[]:80",      "127.0.0.1:80x"};
    (void)state;

    for (size_t i = 0; i < QR_COUNT(bad); i++) {
        struct qr_http_config config = {.listen = bad[i]};
        struct qr_http *other = NULL;
        struct qr_err err = {0};
        if (qr_http_new(&config, &sources, &other, &err) != QR_E_INVALID)
            fail_msg("'%s' was not refused: %s", bad[i], err.msg);
        assert_non_null(strstr(err.msg, "hint:"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(not_ready_says_why_and_stays_alive, setup, teardown),
        cmocka_unit_test_setup_teardown(head_has_the_length_and_no_body, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_methods_and_paths_get_a_hint, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_is_not_taken_in, setup, teardown),
        cmocka_unit_test_setup_teardown(huge_headers_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage_does_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(slow_clients_do_not_hold_up_others, setup, teardown),
        cmocka_unit_test_setup_teardown(connections_beyond_the_limit_do_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_closes_what_is_open, setup, teardown),
        cmocka_unit_test_setup_teardown(a_port_that_is_taken_is_one_clear_line, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_addresses_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
