/* Run it: ctest --preset dev -R pipe_test */
#include "common/os/pipe.h"
#include "tests/harness/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct ends {
    struct qr_pipe a;
    struct qr_pipe b;
};

static void open_ends(struct ends *ends, bool b_accepts)
{
    struct qr_err err = {0};
    int pair[2];

    assert_ok(qr_pipe_pair(pair, &err), &err);
    qr_pipe_init(&ends->a, pair[0], false, true);
    qr_pipe_init(&ends->b, pair[1], b_accepts, true);
}

static void close_ends(struct ends *ends)
{
    qr_pipe_done(&ends->a);
    qr_pipe_done(&ends->b);
}

static void frames_arrive_whole_and_in_order(void **state)
{
    struct ends ends;
    struct qr_err err = {0};
    struct qr_pipe_header header;
    const uint8_t *payload;
    int fd;
    (void)state;

    open_ends(&ends, false);
    assert_int_equal(qr_pipe_fill(&ends.b, &err), 1); /* nothing there */
    assert_ok(qr_pipe_send(&ends.a, 1, 10, "hello", 5, -1, &err), &err);
    assert_ok(qr_pipe_send(&ends.a, 2, 11, NULL, 0, -1, &err), &err);
    assert_int_equal(qr_pipe_take(&ends.b, &header, &payload, &fd, &err), 0);
    assert_ok(qr_pipe_fill(&ends.b, &err), &err);
    assert_int_equal(qr_pipe_take(&ends.b, &header, &payload, &fd, &err), 1);
    assert_true(header.type == 1 && header.id == 10 && header.len == 5 && fd == -1);
    assert_memory_equal(payload, "hello", 5);
    assert_int_equal(qr_pipe_take(&ends.b, &header, &payload, &fd, &err), 1);
    assert_true(header.type == 2 && header.id == 11 && header.len == 0);
    assert_int_equal(qr_pipe_take(&ends.b, &header, &payload, &fd, &err), 0);
    close_ends(&ends);
}

static void descriptors_travel_with_their_frame(void **state)
{
    struct ends ends;
    struct qr_err err = {0};
    struct qr_pipe_header header;
    const uint8_t *payload;
    struct stat sent;
    struct stat got;
    int fd;
    (void)state;

    open_ends(&ends, true);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_ok(qr_pipe_send(&ends.a, 1, 1, "x", 1, -1, &err), &err);
    assert_ok(qr_pipe_send(&ends.a, 1, 2, "x", 1, null, &err), &err);
    assert_ok(qr_pipe_send(&ends.a, 1, 3, "x", 1, zero, &err), &err);
    for (uint64_t want = 1; want <= 3;) {
        int rc = qr_pipe_take(&ends.b, &header, &payload, &fd, &err);
        if (rc == 0) {
            assert_ok(qr_pipe_fill(&ends.b, &err), &err);
            continue;
        }
        assert_int_equal(header.id, want);
        if (want == 1) {
            assert_int_equal(fd, -1);
        } else {
            assert_int_equal(fstat(want == 2 ? null : zero, &sent), 0);
            assert_int_equal(fstat(fd, &got), 0);
            assert_true(got.st_rdev == sent.st_rdev);
            assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
            close(fd);
        }
        want++;
    }
    close(null);
    close(zero);
    close_ends(&ends);
}

static void unwanted_descriptors_break_the_pipe(void **state)
{
    struct ends ends;
    struct qr_err err = {0};
    (void)state;

    open_ends(&ends, false);
    assert_ok(qr_pipe_send(&ends.a, 1, 1, "x", 1, 0, &err), &err);
    assert_err(qr_pipe_fill(&ends.b, &err), QR_E_DATA, &err, "not asked for");
    close_ends(&ends);
}

static void frames_that_break_the_rules_are_refused(void **state)
{
    static const struct {
        const char *why;
        struct qr_pipe_header header;
    } cases[] = {
        {"too long", {.len = QR_PIPE_MAX_FRAME + 1, .type = 1}},
        {"claims a descriptor it does not bring", {.len = 0, .type = 1, .with_fd = 1}},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct ends ends;
        struct qr_err err = {0};
        struct qr_pipe_header header;
        const uint8_t *payload;
        int fd;
        open_ends(&ends, true);
        assert_int_equal(write(ends.a.fd, &cases[i].header, sizeof header), (ssize_t)sizeof header);
        assert_ok(qr_pipe_fill(&ends.b, &err), &err);
        if (qr_pipe_take(&ends.b, &header, &payload, &fd, &err) != QR_E_DATA)
            fail_msg("%s was taken", cases[i].why);
        close_ends(&ends);
    }
}

static void a_full_pipe_says_so_and_loses_nothing(void **state)
{
    static uint8_t block[60000];
    struct ends ends;
    struct qr_err err = {0};
    struct qr_pipe_header header;
    const uint8_t *payload;
    uint64_t sent = 0;
    uint64_t taken = 0;
    int fd;
    (void)state;

    open_ends(&ends, false);
    for (; sent < 2; sent++)
        assert_ok(qr_pipe_send(&ends.a, 1, sent, block, sizeof block, -1, &err), &err);
    while (taken < sent) {
        int rc = qr_pipe_take(&ends.b, &header, &payload, &fd, &err);
        if (rc == 0)
            assert_ok(qr_pipe_fill(&ends.b, &err), &err);
        else
            assert_int_equal(header.id, taken++);
    }
    while (qr_pipe_send(&ends.a, 1, 9, "small", 5, -1, &err) == QR_OK)
        continue;
    assert_int_equal(err.code, QR_E_LIMIT);
    close_ends(&ends);
}

static void the_other_end_gone_is_unreachable(void **state)
{
    struct ends ends;
    struct qr_err err = {0};
    (void)state;

    open_ends(&ends, false);
    qr_pipe_done(&ends.b);
    assert_err(qr_pipe_fill(&ends.a, &err), QR_E_UNREACHABLE, &err, "closed");
    assert_err(qr_pipe_send(&ends.a, 1, 1, "x", 1, -1, &err), QR_E_UNREACHABLE, &err, "write");
    close_ends(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_whole_and_in_order),
        cmocka_unit_test(descriptors_travel_with_their_frame),
        cmocka_unit_test(unwanted_descriptors_break_the_pipe),
        cmocka_unit_test(frames_that_break_the_rules_are_refused),
        cmocka_unit_test(a_full_pipe_says_so_and_loses_nothing),
        cmocka_unit_test(the_other_end_gone_is_unreachable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
