/* Run it: ctest --preset dev -R tools_test
 * Real wardens and real programs: /bin/sh with a script in a word. */
#include "tests/harness/test.h"
#include "worker/tool/tools.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"

enum { MAX = 64, GIVE_UP_MS = 60000 };

struct outcome {
    int n; /* calls of done */
    enum qr_class cls;
    char message[1024];
    char note[64];
    char wrote[256];
};

struct fixture {
    struct qr_tools *tools;
    struct qr_tool_set set;
    size_t n_done;
    struct outcome outcomes[MAX];
};

static void on_done(void *arg, const struct qr_tools_result *result)
{
    struct fixture *fixture = arg;
    struct outcome *out = &fixture->outcomes[result->id];

    out->n++;
    out->cls = result->cls;
    snprintf(out->message, sizeof out->message, "%s", result->message);
    snprintf(out->note, sizeof out->note, "%s", result->note);
    if (result->fd >= 0) {
        ssize_t n = pread(result->fd, out->wrote, sizeof out->wrote - 1, 0);
        out->wrote[n > 0 ? n : 0] = '\0';
        close(result->fd);
    }
    fixture->n_done++;
}

static struct fixture *start(int running, int64_t output_bytes)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct qr_err err = {0};
    const struct qr_tools_config config = {.program = QUARRY_WORKER,
                                           .running = running,
                                           .output_bytes = output_bytes,
                                           .done = on_done,
                                           .arg = fixture};

    assert_non_null(fixture);
    assert_ok(qr_tools_new(&config, &fixture->tools, &err), &err);
    return fixture;
}

static void stop(struct fixture *fixture)
{
    qr_tools_free(fixture->tools);
    qr_tool_set_done(&fixture->set);
    free(fixture);
}

static const struct qr_tool *tool(struct fixture *fixture, const char *row)
{
    struct qr_err err = {0};
    assert_ok(qr_tool_set_add(&fixture->set, row, &err), &err);
    return &fixture->set.items[fixture->set.n - 1];
}

static int file(const char *text)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void submit(struct fixture *fixture, uint64_t id, int fd, const struct qr_tool *row,
                   int64_t budget_ms)
{
    const struct qr_tools_job job = {
        .id = id, .fd = fd, .name = "a.acm", .tool = row, .budget_ms = budget_ms};
    struct qr_err err = {0};
    assert_ok(qr_tools_submit(fixture->tools, &job, &err), &err);
}

static void turn(struct fixture *fixture)
{
    struct pollfd fd = {.fd = qr_tools_fd(fixture->tools), .events = POLLIN};
    int wait = qr_tools_wait_ms(fixture->tools);

    poll(&fd, 1, wait < 0 || wait > 100 ? 100 : wait);
    qr_tools_dispatch(fixture->tools);
}

static void wait_done(struct fixture *fixture, size_t n)
{
    int64_t until = qr_clock_ms() + GIVE_UP_MS;
    while (fixture->n_done < n && qr_clock_ms() < until)
        turn(fixture);
    assert_int_equal(fixture->n_done, n);
}

static void what_programs_write_comes_back(void **state)
{
    struct fixture *fixture = start(2, 0);
    const struct qr_tool *cat = tool(fixture, "a=/bin/cat");
    const struct qr_tool *copy = tool(fixture, "b=/bin/cp {in} {out}");
    int fd = file("the file");

    (void)state;
    for (uint64_t i = 0; i < 12; i++)
        submit(fixture, i, fd, i % 3 ? cat : copy, 0);
    assert_int_equal(qr_tools_jobs(fixture->tools), 12);
    wait_done(fixture, 12);
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(fixture->outcomes[i].n, 1);
        assert_string_equal(fixture->outcomes[i].message, "");
        assert_string_equal(fixture->outcomes[i].wrote, "the file");
    }
    assert_int_equal(qr_tools_jobs(fixture->tools), 0);
    close(fd);
    stop(fixture);
}

static void each_program_ends_with_its_class(void **state)
{
    struct fixture *fixture = start(3, 65536);
    int fd = file("x");
    const struct {
        const char *row;
        enum qr_class cls;
        const char *part;
    } cases[] = {
        {"a=/bin/sh -c 'sleep 1000 & sleep 1000'", QR_CLASS_TIMEOUT, "budget"},
        {"b=/bin/sh -c yes", QR_CLASS_RESOURCE, "allowed"},
        {"c=/bin/sh -c 'kill -SEGV $$'", QR_CLASS_CRASH, "SIGSEGV"},
        {"d=/nowhere/program", QR_CLASS_UNSUPPORTED, "/nowhere/program"},
        {"e=/bin/sh -c 'echo alas >&2; exit 3'", QR_CLASS_INTERNAL, "alas"},
        {"f=/bin/true {out}", QR_CLASS_INTERNAL, "no output"},
        {"g=/bin/sh -c 'ln -s /etc/passwd $0' {out}", QR_CLASS_INTERNAL, "no output"},
        {"h=/bin/sh -c 'mkdir $0' {out}", QR_CLASS_INTERNAL, "no output"},
        {"i=/bin/sh -c 'touch $0/a $0/b' {outdir}", QR_CLASS_INTERNAL, "2 files"},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++)
        submit(fixture, i, fd, tool(fixture, cases[i].row), i == 0 ? 500 : 30000);
    wait_done(fixture, QR_COUNT(cases));
    for (size_t i = 0; i < QR_COUNT(cases); i++)
        if (fixture->outcomes[i].cls != cases[i].cls ||
            !strstr(fixture->outcomes[i].message, cases[i].part))
            fail_msg("%s: %s", cases[i].row, fixture->outcomes[i].message);
    close(fd);
    stop(fixture);
}

static void a_cancelled_job_is_forgotten_and_the_next_one_runs(void **state)
{
    struct fixture *fixture = start(1, 0);
    const struct qr_tool *hang = tool(fixture, "a=/bin/sleep 1000");
    const struct qr_tool *cat = tool(fixture, "b=/bin/cat");
    int fd = file("next");

    (void)state;
    submit(fixture, 1, fd, hang, 60000);
    submit(fixture, 2, fd, hang, 60000);
    submit(fixture, 3, fd, cat, 0);
    while (qr_tools_since_ms(fixture->tools, 1) < 0)
        turn(fixture);
    assert_int_equal(qr_tools_since_ms(fixture->tools, 2), -1);
    qr_tools_cancel(fixture->tools, 2); /* waits */
    qr_tools_cancel(fixture->tools, 1); /* runs */
    qr_tools_cancel(fixture->tools, 77);
    wait_done(fixture, 1);
    assert_int_equal(fixture->outcomes[1].n + fixture->outcomes[2].n, 0);
    assert_string_equal(fixture->outcomes[3].wrote, "next");
    close(fd);
    stop(fixture);
}

static void jobs_in_work_end_with_the_tools(void **state)
{
    struct fixture *fixture = start(2, 0);
    const struct qr_tool *hang = tool(fixture, "a=/bin/sleep 1000");
    int fd = file("x");

    (void)state;
    for (uint64_t i = 0; i < 5; i++)
        submit(fixture, i, fd, hang, 60000);
    turn(fixture);
    turn(fixture);
    close(fd);
    stop(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_programs_write_comes_back),
        cmocka_unit_test(each_program_ends_with_its_class),
        cmocka_unit_test(a_cancelled_job_is_forgotten_and_the_next_one_runs),
        cmocka_unit_test(jobs_in_work_end_with_the_tools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
