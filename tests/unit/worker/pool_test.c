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
#include "common/os/file.h"
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
    size_t pages;
    size_t n_found;
    char found[64]; /* the first files it names */
    int64_t cpu_ms;
};

struct fixture {
    struct qr_pool *pool;
    size_t n_done;
    struct outcome results[MAX_RESULTS];
    /* finished work: how often, and the first */
    size_t n_kept;
    bool first_anew, kept_anew; /* the first, the last */
    uint8_t *state, *part;
    size_t state_len, part_len;
    struct qr_extract_progress progress; /* the last */
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
    assert_true(result->found_len == 0 || result->found[result->found_len - 1] == '\0');
    for (size_t i = 0; i < result->found_len; i++)
        out->n_found += result->found[i] == '\0';
    for (size_t i = 0; i < result->found_len && i < sizeof out->found - 1; i++)
        out->found[i] = result->found[i] ? result->found[i] : '|';
    snprintf(out->message, sizeof out->message, "%s", result->message);
    if (result->record) {
        assert_ok(qr_record_decode(result->record, result->record_bytes, NULL, &rec, &err), &err);
        const char *value = qr_record_find_meta(rec, "outcome");
        snprintf(out->outcome, sizeof out->outcome, "%s", value ? value : "");
        snprintf(out->type, sizeof out->type, "%s", rec->msg->type);
        out->pages = rec->msg->n_pages;
    }
    fixture->n_done++;
}

static void on_kept(void *arg, const struct qr_pool_kept *kept)
{
    struct fixture *fixture = arg;

    fixture->kept_anew = kept->anew;
    if (fixture->n_kept++ > 0)
        return;
    fixture->first_anew = kept->anew;
    fixture->state_len = kept->state_len;
    fixture->part_len = kept->part_len;
    fixture->state = malloc(kept->state_len + 1);
    fixture->part = malloc(kept->part_len + 1);
    memcpy(fixture->state, kept->state, kept->state_len);
    memcpy(fixture->part, kept->part, kept->part_len);
}

static void on_progress(void *arg, uint64_t id, const struct qr_extract_progress *progress)
{
    struct fixture *fixture = arg;
    (void)id;
    fixture->progress = *progress;
}

static struct fixture *start(struct qr_pool_config config)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct qr_err err = {0};

    if (!config.program)
        config.program = QUARRY_WORKER;
    config.done = on_done;
    config.kept = on_kept;
    config.progress = on_progress;
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

/* Only where it is asked for; the next file of the same child starts without them. */
static void files_that_a_file_names_come_with_its_record(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 1});
    struct qr_err err = {0};
    (void)state;

    for (uint64_t id = 1; id <= 3; id++) {
        int fd = memfd_create("test", MFD_CLOEXEC);
        const char *word = id == 3 ? "output" : "found";
        struct qr_pool_job job = {.id = id, .fd = fd, .name = "a.qrtest", .type = ""};
        job.options.follow = id == 2 ? QR_EXTRACT_AUTO : QR_EXTRACT_ON;
        assert_true(write(fd, word, strlen(word)) == (ssize_t)strlen(word));
        assert_ok(qr_pool_submit(fixture->pool, &job, &err), &err);
    }
    run_until(fixture, 3);
    assert_int_equal(fixture->results[1].n_found, 2);
    assert_string_equal(fixture->results[1].found, "a.dxf|..\\b.dwg|");
    assert_int_equal(fixture->results[2].n_found, 0);
    assert_int_equal(fixture->results[3].n_found, 0);
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
        {"found-bare", QR_CLASS_CRASH, "no answer"},
        {"found-bytes", QR_CLASS_CRASH, "no answer"},
        {"found-empty", QR_CLASS_CRASH, "no answer"},
        {"found-many", QR_CLASS_CRASH, "no answer"},
        {"found-long", QR_CLASS_CRASH, "no answer"},
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

    assert_int_equal(write(fd, "progress", 8), 8); /* 2.4 s, in four steps */
    submit_fd(fixture, 1, fd, "a.qrtest", 30000, 2000);
    fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, "sleep", 5), 5);
    submit_fd(fixture, 2, fd, "a.qrtest", 30000, 300);
    run_until(fixture, 2);
    assert_int_equal(fixture->results[1].cls, QR_CLASS_NONE);
    assert_int_equal(fixture->results[2].cls, QR_CLASS_TIMEOUT);
    assert_non_null(strstr(fixture->results[2].message, "no progress for 0.3 s"));
    stop(fixture);
}

static void a_stuck_child_ends_at_its_budget(void **state)
{
    static const char *const stuck[] = {"sleep", "loop", "garbage", "close"};
    struct fixture *fixture = start((struct qr_pool_config){.children = 2});
    (void)state;

    wait_ready(fixture);
    for (size_t i = 0; i < QR_COUNT(stuck); i++) {
        int64_t begin = qr_clock_ms();
        submit(fixture, i, stuck[i], 700);
        run_until(fixture, i + 1);
        assert_int_not_equal(fixture->results[i].cls, QR_CLASS_NONE);
        print_message("%s: budget 700 ms, ended after %lld ms (%s)\n", stuck[i],
                      (long long)(qr_clock_ms() - begin), fixture->results[i].message);
    }
    stop(fixture);
}

/* ---- finished work */

enum { MANY_PAGES = 6000 };

/* A PDF of many small pages. */
static int many_pages(void)
{
    int fd = memfd_create("many.pdf", MFD_CLOEXEC);
    FILE *file = fdopen(dup(fd), "wb");
    long *at = calloc(2 * MANY_PAGES + 4, sizeof *at);
    int last = 0;

    assert_non_null(file);
    fputs("%PDF-1.4\n", file);
    at[++last] = ftell(file);
    fputs("1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n", file);
    at[++last] = ftell(file);
    fprintf(file, "2 0 obj\n<< /Type /Pages /Count %d /Kids [", MANY_PAGES);
    for (int i = 0; i < MANY_PAGES; i++)
        fprintf(file, " %d 0 R", 4 + 2 * i);
    fputs(" ] >>\nendobj\n", file);
    at[++last] = ftell(file);
    fputs("3 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\n", file);
    for (int i = 0; i < MANY_PAGES; i++) {
        char text[100];
        int len = snprintf(text, sizeof text, "BT /F1 12 Tf 50 700 Td (Page %d) Tj ET", i + 1);
        at[++last] = ftell(file);
        fprintf(file,
                "%d 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 595 842 ] /Contents %d 0 R "
                "/Resources << /Font << /F1 3 0 R >> >> >>\nendobj\n",
                4 + 2 * i, 5 + 2 * i);
        at[++last] = ftell(file);
        fprintf(file, "%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n", 5 + 2 * i, len,
                text);
    }
    long xref = ftell(file);
    fprintf(file, "xref\n0 %d\n0000000000 65535 f \n", last + 1);
    for (int i = 1; i <= last; i++)
        fprintf(file, "%010ld 00000 n \n", at[i]);
    fprintf(file, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%ld\n%%%%EOF\n", last + 1, xref);
    fclose(file);
    free(at);
    return fd;
}

static void finished_pages_are_kept_and_gone_on_from(void **state)
{
    struct fixture *fixture = start((struct qr_pool_config){.children = 1});
    struct qr_err err = {0};
    int fd = many_pages();
    int64_t until = qr_clock_ms() + GIVE_UP_MS;
    (void)state;

    struct qr_pool_job job = {
        .id = 1, .fd = dup(fd), .name = "many.pdf", .type = "pdf", .keep_ms = 3600000};
    assert_ok(qr_pool_submit(fixture->pool, &job, &err), &err);
    while (fixture->n_kept == 0 && fixture->n_done == 0 && qr_clock_ms() < until) {
        qr_pool_keep(fixture->pool, 1); /* not when it is time: now */
        qr_clock_sleep_ms(5);
        qr_pool_dispatch(fixture->pool);
    }
    assert_true(fixture->n_kept > 0);
    assert_true(fixture->first_anew);
    qr_pool_cancel(fixture->pool, 1);
    run_until(fixture, 1);
    assert_true(fixture->results[1].cancelled);

    const struct iovec resume[] = {{fixture->state, fixture->state_len},
                                   {fixture->part, fixture->part_len}};
    job.id = 2;
    job.fd = dup(fd);
    job.keep_ms = 1;
    job.resume_fd = qr_file_unnamed("resume", resume, QR_COUNT(resume), &err);
    job.state_bytes = fixture->state_len;
    assert_true(job.resume_fd > 0);
    assert_ok(qr_pool_submit(fixture->pool, &job, &err), &err);
    run_until(fixture, 2);
    assert_int_equal(fixture->results[2].cls, QR_CLASS_NONE);
    assert_int_equal(fixture->results[2].pages, MANY_PAGES);
    assert_in_range(fixture->progress.from, 1, MANY_PAGES - 1); /* it did not begin anew */
    assert_true(fixture->n_kept > 2);
    assert_false(fixture->kept_anew);

    fixture->progress = (struct qr_extract_progress){0};
    job.id = 3;
    job.fd = fd;
    job.resume_fd = qr_file_unnamed("resume", resume, 1, &err); /* the part is missing */
    assert_ok(qr_pool_submit(fixture->pool, &job, &err), &err);
    run_until(fixture, 3);
    assert_int_equal(fixture->results[3].pages, MANY_PAGES);
    assert_int_equal(fixture->progress.from, 0);
    free(fixture->state);
    free(fixture->part);
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
        cmocka_unit_test(files_that_a_file_names_come_with_its_record),
        cmocka_unit_test(a_hostile_file_is_denied_or_ended),
        cmocka_unit_test(progress_keeps_a_slow_job_alive),
        cmocka_unit_test(a_stuck_child_ends_at_its_budget),
        cmocka_unit_test(finished_pages_are_kept_and_gone_on_from),
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
