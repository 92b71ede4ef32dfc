/* Run it: ctest --preset dev -R pool_test
 * Real children: the worker's own program, in its sandbox, with well-meaning and hostile files. */
#include "tests/harness/test.h"
#include "worker/pool/pool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/record/record.h"

#define MAX_RESULTS 600
#define GIVE_UP_MS 60000

struct outcome {
    bool done;
    bool cancelled;
    enum qr_class cls;
    char message[256];
    char outcome[64]; /* metadata "outcome" of the test extractor */
    char type[16];
    size_t record_bytes;
    int64_t cpu_ms;
};

struct fixture {
    struct qr_pool *pool;
    size_t n_done;
    struct outcome results[MAX_RESULTS];
};

static void on_done(void *arg, const struct qr_pool_result *result)
{
    struct fixture *fixture = arg;
    struct outcome *out = &fixture->results[result->id];
    QR_AUTO(qr_record) rec = NULL;
    struct qr_err err = {0};

    assert_true(result->id < MAX_RESULTS);
    assert_false(out->done); /* exactly once */
    out->done = true;
    out->cancelled = result->cancelled;
    out->cls = result->cls;
    out->record_bytes = result->record_bytes;
    out->cpu_ms = result->cpu_ms;
    snprintf(out->message, sizeof out->message, "%s", result->message);
    if (result->record) {
        assert_ok(qr_record_decode(result->record, result->record_bytes, NULL, &rec, &err), &err);
        const char *value = qr_record_find_meta(rec, "outcome");
        snprintf(out->outcome, sizeof out->outcome, "%s", value ? value : "");
        snprintf(out->type, sizeof out->type, "%s", rec->msg->type);
    }
    fixture->n_done++;
}

static struct fixture *start(struct qr_pool_config config)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct qr_err err = {0};

    if (!config.program)
        config.program = QUARRY_WORKER;
    config.done = on_done;
    config.arg = fixture;
    assert_ok(qr_pool_new(&config, &fixture->pool, &err), &err);
    return fixture;
}

static void stop(struct fixture *fixture)
{
    qr_pool_free(fixture->pool);
    free(fixture);
}

static void submit_fd(struct fixture *fixture, uint64_t id, int fd, const char *name,
                      int64_t budget, int64_t progress)
{
    struct qr_err err = {0};
    struct qr_pool_job job = {
        .id = id, .fd = fd, .name = name, .type = "", .budget_ms = budget, .progress_ms = progress};
    assert_true(fd >= 0);
    assert_ok(qr_pool_submit(fixture->pool, &job, &err), &err);
}

static void submit(struct fixture *fixture, uint64_t id, const char *behaviour, int64_t budget)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(write(fd, behaviour, strlen(behaviour)) == (ssize_t)strlen(behaviour));
    submit_fd(fixture, id, fd, "a.qrtest", budget, 0);
}

static void submit_sample(struct fixture *fixture, uint64_t id)
{
    submit_fd(fixture, id, open(QUARRY_SAMPLES "/pdf/simple.pdf", O_RDONLY | O_CLOEXEC),
              "simple.pdf", 0, 0);
}

static void turn(struct fixture *fixture)
{
    struct pollfd fd = {.fd = qr_pool_fd(fixture->pool), .events = POLLIN};
    poll(&fd, 1, qr_pool_wait_ms(fixture->pool));
    qr_pool_dispatch(fixture->pool);
}

static void run_until(struct fixture *fixture, size_t n_done)
{
    int64_t until = qr_clock_ms() + GIVE_UP_MS;

    while (fixture->n_done < n_done) {
        if (qr_clock_ms() > until)
            fail_msg("%zu of %zu jobs ended", fixture->n_done, n_done);
        turn(fixture);
    }
    assert_int_equal(qr_pool_jobs(fixture->pool), 0);
}

/* Until a child works: before that its end is not blamed on a job. */
static void wait_ready(struct fixture *fixture)
{
    struct qr_pool_stats stats = {0};
    int64_t until = qr_clock_ms() + GIVE_UP_MS;

    while (!stats.sandbox.seccomp && qr_clock_ms() < until) {
        turn(fixture);
        qr_pool_get_stats(fixture->pool, &stats);
    }
    assert_true(stats.sandbox.seccomp);
}

static void good_files_give_records(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 2});
    (void)state;

    assert_int_equal(qr_pool_room(fixture->pool), 4);
    for (uint64_t id = 1; id <= 50; id++) /* more than there is room: they wait */
        submit_sample(fixture, id);
    assert_int_equal(qr_pool_room(fixture->pool), 0);
    run_until(fixture, 50);
    for (uint64_t id = 1; id <= 50; id++) {
        assert_int_equal(fixture->results[id].cls, QR_CLASS_NONE);
        assert_string_equal(fixture->results[id].type, "pdf");
    }
    stop(fixture);
}

static void a_hostile_file_is_denied_or_ended(void **state)
{
    static const struct {
        const char *behaviour;
        enum qr_class cls;
        const char *part; /* of the message, or of the outcome when it completed */
    } cases[] = {
        {"open", QR_CLASS_NONE, "denied: EPERM"},
        {"stat", QR_CLASS_NONE, "denied: EPERM"},
        {"kill", QR_CLASS_NONE, "denied: EPERM"},
        {"mmap-exec", QR_CLASS_NONE, "denied: EPERM"},
        {"mmap-shared", QR_CLASS_NONE, "denied: EPERM"},
        {"connect", QR_CLASS_CRASH, "SIGSYS"},
        {"fork", QR_CLASS_CRASH, "SIGSYS"},
        {"exec", QR_CLASS_CRASH, "SIGSYS"},
        {"ptrace", QR_CLASS_CRASH, "SIGSYS"},
        {"memory", QR_CLASS_RESOURCE, "memory"},
        {"loop", QR_CLASS_TIMEOUT, "budget of 1.5 s"},
        {"sleep", QR_CLASS_TIMEOUT, "budget of 1.5 s"},
        {"segfault", QR_CLASS_CRASH, "SIGSEGV"},
        {"abort", QR_CLASS_CRASH, "SIGABRT"},
        {"exit", QR_CLASS_CRASH, "code 7"},
        {"flood", QR_CLASS_CRASH, "no answer"},
        {"garbage", QR_CLASS_CRASH, "no answer"},
        {"close", QR_CLASS_CRASH, "no answer"},
        {"output", QR_CLASS_NONE, ""},
    };
    struct fixture *fixture =
        start((struct qr_pool_config){.children = 2, .memory_bytes = (int64_t)768 << 20});
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        bool bounded = cases[i].cls == QR_CLASS_TIMEOUT;
        submit(fixture, 2 * i, cases[i].behaviour, bounded ? 1500 : 30000);
        submit_sample(fixture, 2 * i + 1); /* an innocent one beside each */
    }
    run_until(fixture, 2 * QR_COUNT(cases));
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        const struct outcome *got = &fixture->results[2 * i];
        print_message("%-10s %-9s %s%s\n", cases[i].behaviour,
                      got->cls ? qr_class_text(got->cls) : "completed", got->message, got->outcome);
        assert_int_equal(got->cls, cases[i].cls);
        if (!strstr(got->cls ? got->message : got->outcome, cases[i].part))
            fail_msg("%s: \"%s%s\"", cases[i].behaviour, got->message, got->outcome);
        if (fixture->results[2 * i + 1].cls != QR_CLASS_NONE)
            fail_msg("beside %s: %s", cases[i].behaviour, fixture->results[2 * i + 1].message);
    }
    stop(fixture);
}

static void progress_keeps_a_slow_job_alive(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 2});
    int fd = memfd_create("test", MFD_CLOEXEC);
    (void)state;

    assert_int_equal(write(fd, "progress", 8), 8); /* a second, in four steps */
    submit_fd(fixture, 1, dup(fd), "a.qrtest", 30000, 900);
    assert_int_equal(pwrite(fd, "sleep   ", 8, 0), 8);
    close(fd);
    fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, "sleep", 5), 5);
    submit_fd(fixture, 2, fd, "a.qrtest", 30000, 300);
    run_until(fixture, 2);
    assert_int_equal(fixture->results[2].cls, QR_CLASS_TIMEOUT);
    assert_non_null(strstr(fixture->results[2].message, "no progress for 0.3 s"));
    stop(fixture);
}

static void a_job_behind_a_long_one_moves_to_an_idle_child(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 2});
    (void)state;

    submit(fixture, 1, "sleep", 600000);
    submit(fixture, 2, "sleep", 600000);
    submit_sample(fixture, 3); /* behind 1 or 2, which never end */
    submit_sample(fixture, 4);
    for (int i = 0; i < 5; i++)
        turn(fixture);
    qr_pool_cancel(fixture->pool, 1); /* one child becomes free */
    int64_t until = qr_clock_ms() + GIVE_UP_MS;
    while (fixture->n_done < 3 && qr_clock_ms() < until)
        turn(fixture);
    assert_true(fixture->results[1].cancelled);
    assert_true(fixture->results[3].done && fixture->results[3].cls == QR_CLASS_NONE);
    assert_true(fixture->results[4].done && fixture->results[4].cls == QR_CLASS_NONE);
    assert_false(fixture->results[2].done);
    stop(fixture);
}

static void cancelling_ends_a_job_wherever_it_is(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 1});
    (void)state;

    submit(fixture, 1, "sleep", 600000); /* at work */
    submit_sample(fixture, 2);           /* in the child's pipe */
    submit_sample(fixture, 3);           /* in the pool */
    submit_sample(fixture, 4);
    for (int i = 0; i < 3; i++)
        turn(fixture);
    qr_pool_cancel(fixture->pool, 2);
    qr_pool_cancel(fixture->pool, 3);
    qr_pool_cancel(fixture->pool, 1);
    qr_pool_cancel(fixture->pool, 99); /* unknown: nothing happens */
    run_until(fixture, 4);
    for (uint64_t id = 1; id <= 3; id++)
        assert_true(fixture->results[id].cancelled && fixture->results[id].cls == QR_CLASS_NONE);
    assert_false(fixture->results[4].cancelled);
    assert_string_equal(fixture->results[4].type, "pdf");
    stop(fixture);
}

static void worn_children_are_replaced(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 2, .recycle_files = 5});
    struct qr_pool_stats stats;
    (void)state;

    for (uint64_t id = 0; id < 100; id++)
        submit_sample(fixture, id);
    run_until(fixture, 100);
    for (uint64_t id = 0; id < 100; id++)
        assert_int_equal(fixture->results[id].cls, QR_CLASS_NONE);
    qr_pool_get_stats(fixture->pool, &stats);
    assert_true(stats.recycled >= 12 && stats.started >= 12);
    assert_int_equal(stats.crashed + stats.killed, 0);
    stop(fixture);
}

static void a_child_killed_from_outside_costs_one_job(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 1});
    struct qr_pool_stats stats;
    char path[64];
    char children[256] = "";
    (void)state;

    submit(fixture, 1, "sleep", 600000);
    submit_sample(fixture, 2);
    wait_ready(fixture);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)gettid());
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(children, sizeof children, file));
    fclose(file);
    assert_int_equal(kill((pid_t)strtol(children, NULL, 10), SIGKILL), 0);
    run_until(fixture, 2);
    assert_int_equal(fixture->results[1].cls, QR_CLASS_RESOURCE);
    assert_int_equal(fixture->results[2].cls, QR_CLASS_NONE);
    qr_pool_get_stats(fixture->pool, &stats);
    assert_int_equal(stats.resubmitted, 1);
    stop(fixture);
}

static void every_layer_of_the_sandbox_is_reported(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 1});
    struct qr_pool_stats stats;
    (void)state;

    submit_sample(fixture, 1);
    run_until(fixture, 1);
    qr_pool_get_stats(fixture->pool, &stats);
    assert_true(stats.sandbox.fds_closed && stats.sandbox.no_new_privs && stats.sandbox.seccomp);
    assert_true(stats.sandbox.limits && stats.sandbox.dies_with_parent);
    assert_true(stats.sandbox.unprivileged);
    assert_int_equal(stats.sandbox.landlock, stats.sandbox.landlock_abi > 0);
    stop(fixture);
}

static void a_program_that_is_no_worker_fails_its_jobs(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 1, .program = "/bin/true"});
    (void)state;

    submit_sample(fixture, 1);
    run_until(fixture, 1);
    assert_int_equal(fixture->results[1].cls, QR_CLASS_INTERNAL);
    assert_non_null(strstr(fixture->results[1].message, "does not start"));
    stop(fixture);
}

static void bad_configuration_is_refused(void **state)
{
    struct qr_pool_config config = {.children = 0, .done = on_done};
    struct qr_pool *pool = NULL;
    struct qr_err err = {0};
    (void)state;

    assert_err(qr_pool_new(&config, &pool, &err), QR_E_INVALID, &err, "0 children");
    config.children = 1;
    config.program = "/nonexistent/quarry-worker";
    assert_err(qr_pool_new(&config, &pool, &err), QR_E_NOT_FOUND, &err, "/nonexistent");
    assert_null(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_give_records),
        cmocka_unit_test(a_hostile_file_is_denied_or_ended),
        cmocka_unit_test(progress_keeps_a_slow_job_alive),
        cmocka_unit_test(a_job_behind_a_long_one_moves_to_an_idle_child),
        cmocka_unit_test(cancelling_ends_a_job_wherever_it_is),
        cmocka_unit_test(worn_children_are_replaced),
        cmocka_unit_test(a_child_killed_from_outside_costs_one_job),
        cmocka_unit_test(every_layer_of_the_sandbox_is_reported),
        cmocka_unit_test(a_program_that_is_no_worker_fails_its_jobs),
        cmocka_unit_test(bad_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
