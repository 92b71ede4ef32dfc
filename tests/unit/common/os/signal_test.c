/* Run it: ctest --preset dev -R signal_test */
#include "common/os/signal.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static short readable(void)
{
    struct pollfd fd = {.fd = qr_signal_fd(), .events = POLLIN};
    return poll(&fd, 1, 0) > 0 ? fd.revents : 0;
}

static void signals_wake_a_poll_loop_and_are_taken_once(void **state)
{
    struct qr_err err = {0};
    (void)state;

    assert_ok(qr_signal_init(&err), &err);
    assert_int_equal(readable(), 0);
    raise(SIGTERM);
    raise(SIGHUP);
    assert_int_equal(readable(), POLLIN);
    assert_int_equal(qr_signal_take(), QR_SIGNAL_TERMINATE | QR_SIGNAL_HANGUP);
    assert_int_equal(qr_signal_take(), 0);
    assert_int_equal(readable(), 0);
    raise(SIGINT);
    assert_int_equal(qr_signal_take(), QR_SIGNAL_INTERRUPT);
}

static void a_closed_peer_is_an_error_not_the_end(void **state)
{
    struct qr_err err = {0};
    int ends[2];
    (void)state;

    assert_ok(qr_signal_init(&err), &err);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_wake_a_poll_loop_and_are_taken_once),
        cmocka_unit_test(a_closed_peer_is_an_error_not_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
