/* Run it: ctest --preset dev -R geometry_pool_test
 * The second step behind the first, with real children: whatever a kernel does, the record of the
 * first step arrives. */
#include "tests/harness/test.h"
#include "worker/pool/pool.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/record/record.h"
#include "worker/geometry/module.h"

#define MAX_RESULTS 32
#define GIVE_UP_MS 120000

struct outcome {
    bool done, cancelled;
    enum qr_class cls;
    bool cad; /* the first step's model is there */
    uint64_t bytes;
    char status[16], note[32];
    char message[256];
    uint64_t faces;
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
    fixture->n_done++;
    if (!result->record)
        return;
    assert_ok(qr_record_decode(result->record, result->record_bytes, NULL, &rec, &err), &err);
    out->cad = rec->msg->cad != NULL;
    out->bytes = rec->msg->bytes;
    const Quarry__V1__CadGeometry *geometry = rec->msg->geometry;
    if (!geometry)
        return;
    snprintf(out->status, sizeof out->status, "%s", geometry->status);
    snprintf(out->message, sizeof out->message, "%s", geometry->message);
    out->faces = geometry->faces;
    for (size_t i = 0; i < rec->msg->n_notes; i++)
        if (strncmp(rec->msg->notes[i]->code, "geometry.", 9) == 0)
            snprintf(out->note, sizeof out->note, "%s", rec->msg->notes[i]->code);
}

static void start(struct fixture *fixture, int64_t memory_bytes, int64_t budget_ms)
{
    const struct qr_pool_config config = {
        .program = QUARRY_WORKER,
        .children = 1,
        .geometry = {.on = true, .memory_bytes = memory_bytes, .budget_ms = budget_ms},
        .done = on_done,
        .arg = fixture};
    struct qr_err err = {0};

    memset(fixture, 0, sizeof *fixture);
    assert_ok(qr_pool_new(&config, &fixture->pool, &err), &err);
}

static void submit_fd(struct fixture *fixture, uint64_t id, int fd, const char *name,
                      int64_t budget_ms, enum qr_extract_mode geometry)
{
    struct qr_err err = {0};
    const struct qr_pool_job job = {.id = id,
                                    .fd = fd,
                                    .name = name,
                                    .type = "",
                                    .options = {.geometry = (uint8_t)geometry},
                                    .budget_ms = budget_ms};

    assert_true(fd >= 0);
    assert_ok(qr_pool_submit(fixture->pool, &job, &err), &err);
}

static void submit_sample(struct fixture *fixture, uint64_t id, const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", QUARRY_SAMPLES, name);
    submit_fd(fixture, id, open(path, O_RDONLY | O_CLOEXEC), name, 0, QR_EXTRACT_AUTO);
}

/* A model with one record, on which the kernel misbehaves. */
static void submit_hostile(struct fixture *fixture, uint64_t id, const char *word,
                           int64_t budget_ms)
{
    int fd = memfd_create("model", MFD_CLOEXEC);
    char text[512];

    int len =
        snprintf(text, sizeof text,
                 "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION(('kernel:%s '),'2;1');\n"
                 "FILE_NAME('a','',(''),(''),'','','');\nFILE_SCHEMA(('AUTOMOTIVE_DESIGN'));\n"
                 "ENDSEC;\nDATA;\n#1=CARTESIAN_POINT('',(0.,0.,0.));\nENDSEC;\n"
                 "END-ISO-10303-21;\n",
                 word);
    assert_true(write(fd, text, (size_t)len) == len);
    submit_fd(fixture, id, fd, "a.stp", budget_ms, QR_EXTRACT_AUTO);
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

static void a_model_comes_back_with_both_steps(void **state)
{
    struct fixture fixture;
    struct qr_pool_stats stats;

    (void)state;
    start(&fixture, 0, 0);
    submit_sample(&fixture, 0, "pdf/simple.pdf");
    run_until(&fixture, 1);
    qr_pool_get_stats(fixture.pool, &stats);
    assert_int_equal(stats.geometry_started, 0); /* not before there is a model */
    assert_string_equal(fixture.results[0].status, "");
    submit_sample(&fixture, 1, "step/block.stp");
    submit_sample(&fixture, 2, "step/bracket.stpz");
    submit_fd(&fixture, 3, open(QUARRY_SAMPLES "/step/block.stp", O_RDONLY), "block.stp", 0,
              QR_EXTRACT_OFF);
    run_until(&fixture, 4);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(fixture.results[i].cls, QR_CLASS_NONE);
        assert_true(fixture.results[i].cad);
        assert_true(fixture.results[i].bytes > 0);
    }
    qr_pool_get_stats(fixture.pool, &stats);
    if (qr_geometry_is_there()) {
        assert_string_equal(fixture.results[1].status, "done");
        assert_int_equal(fixture.results[1].faces, 11);
        assert_string_equal(fixture.results[2].status, "done"); /* packed */
        assert_int_equal(fixture.results[2].faces, 7);
        assert_int_equal(stats.geometry_done, 2);
    } else {
        assert_string_equal(fixture.results[1].status, "unsupported");
        assert_string_equal(fixture.results[1].note, "geometry.unsupported");
    }
    assert_string_equal(fixture.results[3].status, ""); /* not asked for */
    qr_pool_free(fixture.pool);
}

static void what_a_kernel_does_costs_the_geometry_alone(void **state)
{
    static const struct {
        const char *word, *status;
        int64_t budget_ms; /* of the whole job */
    } cases[] = {
        {"loop", "timeout", 4000}, {"segfault", "crash", 0}, {"memory", NULL, 0},
        {"exec", "crash", 0},      {"open", "done", 0},
    };
    struct fixture fixture;

    (void)state;
    if (!qr_geometry_is_there())
        skip();
    start(&fixture, (int64_t)384 << 20, 0);
    for (size_t i = 0; i < QR_COUNT(cases); i++)
        submit_hostile(&fixture, i, cases[i].word, cases[i].budget_ms);
    submit_sample(&fixture, QR_COUNT(cases), "step/block.stp"); /* an innocent one behind */
    run_until(&fixture, QR_COUNT(cases) + 1);
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        const struct outcome *got = &fixture.results[i];
        assert_int_equal(got->cls, QR_CLASS_NONE); /* the job is completed */
        assert_true(got->cad);                     /* with the first step's record */
        if (cases[i].status && strcmp(got->status, cases[i].status) != 0)
            fail_msg("%s: %s (%s)", cases[i].word, got->status, got->message);
        if (!cases[i].status && strcmp(got->status, "resource") != 0 &&
            strcmp(got->status, "crash") != 0) /* as it takes an allocation that fails */
            fail_msg("%s: %s (%s)", cases[i].word, got->status, got->message);
        assert_true(strcmp(got->status, "done") == 0 || got->note[0]);
    }
    assert_string_equal(fixture.results[QR_COUNT(cases)].status, "done");
    qr_pool_free(fixture.pool);
}

static void a_budget_of_its_own_ends_it_sooner(void **state)
{
    struct fixture fixture;

    (void)state;
    if (!qr_geometry_is_there())
        skip();
    start(&fixture, 0, 1000);
    submit_hostile(&fixture, 0, "loop", 600000);
    run_until(&fixture, 1);
    assert_string_equal(fixture.results[0].status, "timeout");
    assert_int_equal(fixture.results[0].cls, QR_CLASS_NONE);
    submit_hostile(&fixture, 1, "open", 900); /* less than the reserve is left of the job's */
    run_until(&fixture, 2);
    assert_string_equal(fixture.results[1].status, "timeout");
    assert_int_equal(fixture.results[1].cls, QR_CLASS_NONE);
    qr_pool_free(fixture.pool);
}

static void count_working(void *arg, uint64_t id, int64_t since_ms,
                          const struct qr_extract_progress *progress)
{
    (void)id;
    (void)since_ms;
    (void)progress;
    ++*(size_t *)arg;
}

static void a_job_in_the_second_step_can_be_cancelled(void **state)
{
    struct fixture fixture;
    struct qr_pool_stats stats = {0};
    int64_t until = qr_clock_ms() + GIVE_UP_MS;
    size_t working = 0;

    (void)state;
    if (!qr_geometry_is_there())
        skip();
    start(&fixture, 0, 0);
    submit_hostile(&fixture, 0, "loop", 600000);
    while ((stats.geometry_started == 0 || working == 0) && qr_clock_ms() < until) {
        turn(&fixture);
        qr_pool_get_stats(fixture.pool, &stats);
        working = 0;
        qr_pool_each_working(fixture.pool, count_working, &working);
    }
    assert_int_equal(stats.geometry_started, 1);
    qr_pool_cancel(fixture.pool, 0);
    run_until(&fixture, 1);
    assert_true(fixture.results[0].cancelled);
    submit_hostile(&fixture, 1, "loop", 600000); /* and the pool ends with one in it */
    turn(&fixture);
    qr_pool_free(fixture.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_comes_back_with_both_steps),
        cmocka_unit_test(what_a_kernel_does_costs_the_geometry_alone),
        cmocka_unit_test(a_budget_of_its_own_ends_it_sooner),
        cmocka_unit_test(a_job_in_the_second_step_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
