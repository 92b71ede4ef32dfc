/* Jobs that completed results found: docs/protocol.md "Stages of a run".
 * Run it: ctest --preset dev -R found_test */
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/lifecycle.h"
#include "tests/unit/coordinator/db/fixture.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

/* A run that asks for what files name, closed to others: with its last job its stage closes. */
static int64_t following_run(const char *name, size_t n)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__RunReply *reply = NULL;
    int64_t run = fx_run(name, n);

    fx_sql("UPDATE runs SET options = '{\"follow-references\":\"on\"}' WHERE id = %lld",
           (long long)run);
    assert_ok(qr_run_close(conn, run, &reply, &err), &err);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    return run;
}

/* A completed result that found `n` of these. */
static struct qr_settle *result_with(const struct fx_lease *lease, uint64_t pk,
                                     const struct qr_found_job *jobs, size_t n)
{
    struct qr_settle *settle = fx_result(lease->lease_id, lease->job_id, pk, QR_CLASS_NONE);

    settle->found = calloc(1, sizeof *settle->found + n * sizeof *jobs);
    assert_non_null(settle->found);
    settle->found->n = n;
    settle->found->n_bytes = sizeof *settle->found + n * sizeof *jobs;
    memcpy(settle->found->jobs, jobs, n * sizeof *jobs);
    for (size_t i = 0; i < n; i++)
        if (!jobs[i].key)
            settle->found->jobs[i].key = "";
    return settle;
}

static enum qr_ack_code settle_with(struct fx *fx, const struct fx_lease *lease, uint64_t pk,
                                    const struct qr_found_job *jobs, size_t n)
{
    return fx_settle(fx, result_with(lease, pk, jobs, n)).code;
}

static int64_t jobs_of(int64_t run)
{
    return fx_i64("SELECT count(*) FROM extraction_jobs WHERE run_id = %lld", (long long)run);
}

static int64_t counter(int64_t run, const char *name)
{
    return fx_i64("SELECT %s FROM run_stages WHERE run_id = %lld AND stage = 'extract'", name,
                  (long long)run);
}

static bool says(uint64_t job, const char *event, const char *like)
{
    return fx_i64("SELECT count(*) FROM job_events WHERE job_id = %llu AND event = '%s' AND detail "
                  "LIKE '%s'",
                  (unsigned long long)job, event, like) == 1;
}

static const struct qr_found_job two[] = {
    {.uri = "root://t/found/a.txt", .type = "text", .bytes = 12, .modified_ms = 1600000000123},
    {.uri = "root://t/found/b.txt", .type = "text", .priority = 7},
};

static void what_a_result_found_is_worked_on_before_the_stage_closes(void **state)
{
    struct fx *fx = *state;
    int64_t run = following_run("grows", 1);
    uint64_t pk = fx_session(fx, "w-grows", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 4), 1);
    struct fx_lease parent = fx->leases[0];
    uint64_t announced = fx_count(fx, &fx->work_available);
    assert_int_equal(settle_with(fx, &parent, pk, two, 2), QR_ACK_COMMITTED);
    fx_wait(fx, &fx->work_available, announced + 1);
    assert_int_equal(counter(run, "open"), 2);
    assert_int_equal(counter(run, "closed::int"), 0);
    assert_int_equal(counter(run, "epoch"), 1);
    assert_int_equal(counter(run, "total"), 3);
    assert_int_equal(counter(run, "found"), 2);
    assert_true(says(parent.job_id, "found", "2 new, 0 already in the run"));
    assert_int_equal(fx_i64("SELECT rank FROM ready WHERE uri = '%s'", two[1].uri), -7);
    assert_int_equal(fx_i64("SELECT count(*) FROM extraction_jobs WHERE parent_job_id = %llu AND "
                            "depth = 1 AND run_id = %lld",
                            (unsigned long long)parent.job_id, (long long)run),
                     2);
    struct fx_lease children[2];
    for (size_t i = 0; i < 2; i++) {
        while (fx_claim(fx, pk, 1, 1) == 0) /* below the floor of its queue: a look now and then */
            qr_clock_sleep_ms(20);
        children[i] = fx->leases[0];
    }
    assert_int_equal(fx_i64("SELECT rank FROM ready WHERE uri = '%s'", two[1].uri), -1); /* taken */
    for (size_t i = 0; i < 2; i++)
        fx_settle(fx, fx_result(children[i].lease_id, children[i].job_id, pk, QR_CLASS_NONE));
    fx_wait_run(run, "completed");
    assert_int_equal(fx_i64("SELECT count(*) FROM stage_jobs WHERE run_id = %lld AND stage = "
                            "'link'",
                            (long long)run),
                     1);
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__JobReply *reply = NULL;
    assert_ok(qr_job_get(conn, (int64_t)parent.job_id, &reply, &err), &err);
    assert_int_equal(reply->job->children, 2);
    assert_int_equal(reply->job->parent_id, 0);
    quarry__v1__job_reply__free_unpacked(reply, NULL);
    assert_ok(qr_job_get(conn, (int64_t)children[0].job_id, &reply, &err), &err);
    assert_int_equal(reply->job->parent_id, parent.job_id);
    assert_int_equal(reply->job->depth, 1);
    quarry__v1__job_reply__free_unpacked(reply, NULL);
}

static void rule_1_a_result_that_is_sent_again_adds_nothing(void **state)
{
    struct fx *fx = *state;
    int64_t run = following_run("again", 1);
    uint64_t pk = fx_session(fx, "w-again", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct fx_lease parent = fx->leases[0];
    struct qr_settle *both[] = {result_with(&parent, pk, two, 2), result_with(&parent, pk, two, 2)};
    struct qr_settle answers[2];
    fx_settle_many(fx, both, answers, 2);
    assert_int_equal(settle_with(fx, &parent, pk, two, 2), QR_ACK_DUPLICATE);
    assert_int_equal(jobs_of(run), 3);
    assert_int_equal(counter(run, "open"), 2);
    assert_int_equal(counter(run, "found"), 2);
    assert_int_equal(fx_i64("SELECT count(*) FROM job_events WHERE event = 'found' AND job_id = "
                            "%llu",
                            (unsigned long long)parent.job_id),
                     1);
}

static void rule_1_a_lease_that_is_over_adds_nothing(void **state)
{
    struct fx *fx = *state;
    int64_t run = following_run("stale", 1);
    uint64_t pk = fx_session(fx, "w-stale", 1);
    uint64_t other = fx_session(fx, "w-stale-other", 2);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct fx_lease first = fx->leases[0];
    assert_int_equal(settle_with(fx, &first, other, two, 2), QR_ACK_STALE); /* another session's */
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_RELEASED, first.lease_id, first.job_id),
                     QR_DB_DONE);
    assert_int_equal(settle_with(fx, &first, pk, two, 2), QR_ACK_STALE);
    assert_int_equal(jobs_of(run), 1);
    assert_int_equal(counter(run, "open"), 1);
    assert_int_equal(counter(run, "found"), 0);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct fx_lease second = fx->leases[0];
    assert_int_equal(settle_with(fx, &second, pk, two, 2), QR_ACK_COMMITTED);
    assert_int_equal(settle_with(fx, &first, pk, two, 2), QR_ACK_STALE);
    assert_int_equal(jobs_of(run), 3);
}

static void rule_1_a_result_that_cannot_be_stored_adds_nothing(void **state)
{
    struct fx *fx = *state;
    int64_t run = following_run("rejected", 1);
    uint64_t pk = fx_session(fx, "w-rejected", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct qr_settle *settle = result_with(&fx->leases[0], pk, two, 2);
    settle->record = (uint8_t *)strdup("no record at all");
    settle->record_len = 16;
    assert_int_equal(fx_settle(fx, settle).code, QR_ACK_REJECTED);
    assert_int_equal(jobs_of(run), 1);
    assert_int_equal(counter(run, "found"), 0);
}

static void each_address_is_one_job_of_the_run(void **state)
{
    struct fx *fx = *state;
    int64_t run = following_run("once", 3);
    uint64_t pk = fx_session(fx, "w-once", 1);
    const struct qr_found_job mixed[] = {two[0],
                                         {.uri = "root://t/once/2", .type = "text"}, /* listed */
                                         two[0]};

    assert_int_equal(fx_claim(fx, pk, 1, 4), 3);
    struct fx_lease leases[3];
    memcpy(leases, fx->leases, sizeof leases);
    struct qr_settle *settles[2] = {result_with(&leases[0], pk, mixed, 3),
                                    result_with(&leases[1], pk, two, 2)};
    struct qr_settle answers[2];
    fx_settle_many(fx, settles, answers, 2);
    assert_int_equal(jobs_of(run), 5);
    assert_int_equal(counter(run, "open"), 3);
    assert_int_equal(counter(run, "total"), 5);
    assert_int_equal(counter(run, "found"), 2);
    /* a cycle: the child names its parent, and itself */
    const struct qr_found_job back[] = {{.uri = leases[0].uri, .type = "text"}, two[0]};
    assert_int_equal(settle_with(fx, &leases[2], pk, back, 2), QR_ACK_COMMITTED);
    assert_int_equal(jobs_of(run), 5);
    assert_true(says(leases[2].job_id, "found", "0 new, 2 already in the run"));
    assert_int_equal(counter(run, "open"), 2);
}

static void a_key_has_one_open_job(void **state)
{
    struct fx *fx = *state;
    int64_t run = following_run("keyed", 1);
    uint64_t pk = fx_session(fx, "w-keyed", 1);
    const struct qr_found_job keyed[] = {
        {.uri = "root://t/keyed/x", .type = "text", .key = "sheet 7"},
        {.uri = "root://t/keyed/y", .type = "text", .key = "sheet 7"}};

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct fx_lease parent = fx->leases[0];
    assert_int_equal(settle_with(fx, &parent, pk, keyed, 2), QR_ACK_COMMITTED);
    assert_int_equal(jobs_of(run), 2);
    assert_int_equal(counter(run, "open"), 1);
    assert_true(says(parent.job_id, "found", "1 new, 1 already%%"));
}

/* Nothing is lost silently: what is not added is counted, and the parent's history says why. */
static void what_is_refused_is_said(void **state)
{
    static const struct qr_found_job outside[] = {
        {.uri = "root://other/a", .type = "text"},
        {.uri = "root://t/../secret", .type = "text"},
        {.uri = "file:///etc/passwd", .type = "text"},
        {.uri = "root://t/fine", .type = "text"},
        {.uri = "root://tt/a", .type = "text"},
    };
    struct fx *fx = *state;
    int64_t run = following_run("refused", 4);
    uint64_t pk = fx_session(fx, "w-refused", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 4), 4);
    struct fx_lease leases[4];
    memcpy(leases, fx->leases, sizeof leases);
    assert_int_equal(settle_with(fx, &leases[0], pk, outside, 5), QR_ACK_COMMITTED);
    assert_true(says(leases[0].job_id, "found.refused", "4 not added: permission: %%outside%%"));
    assert_true(says(leases[0].job_id, "found", "1 new%%"));
    assert_int_equal(counter(run, "found_refused"), 4);

    fx_sql("UPDATE runs SET types = '{pdf}' WHERE id = %lld", (long long)run);
    assert_int_equal(settle_with(fx, &leases[1], pk, two, 2), QR_ACK_COMMITTED);
    assert_true(says(leases[1].job_id, "found.refused", "2 not added: unsupported: %%"));
    fx_sql("UPDATE runs SET types = '{}', options = '{}' WHERE id = %lld", (long long)run);
    struct qr_settle *settle = result_with(&leases[2], pk, two, 2);
    settle->found->left_out = 30;
    settle->found->left_out_class = QR_CLASS_RESOURCE;
    snprintf(settle->found->left_out_why, sizeof settle->found->left_out_why, "too many");
    assert_int_equal(fx_settle(fx, settle).code, QR_ACK_COMMITTED);
    assert_true(says(leases[2].job_id, "found.refused", "32 not added: resource: too many"));
    assert_int_equal(settle_with(fx, &leases[3], pk, two, 2), QR_ACK_COMMITTED);
    assert_true(says(leases[3].job_id, "found.refused", "2 not added: permission: %%hint%%"));
    assert_int_equal(jobs_of(run), 5);
    assert_int_equal(counter(run, "found_refused"), 40);
    assert_int_equal(counter(run, "open"), 1);
}

static void a_chain_ends_at_its_sixteenth_step(void **state)
{
    struct fx *fx = *state;
    int64_t run = following_run("chain", 1);
    uint64_t pk = fx_session(fx, "w-chain", 1);
    uint64_t last = 0;

    for (int i = 0; fx_claim(fx, pk, 1, 4) > 0; i++) {
        struct fx_lease lease = fx->leases[0];
        char uri[64];
        snprintf(uri, sizeof uri, "root://t/chain/link-%d", i);
        const struct qr_found_job next = {.uri = uri, .type = "text"};
        assert_int_equal(settle_with(fx, &lease, pk, &next, 1), QR_ACK_COMMITTED);
        last = lease.job_id;
    }
    assert_int_equal(jobs_of(run), 1 + QR_FOUND_DEPTH_MAX);
    assert_true(says(last, "found.refused", "1 not added: resource: 16 steps%%"));
    fx_wait_run(run, "completed");
}

static void rule_10_a_stopped_run_gives_nothing_out_and_a_cancelled_one_does_not_grow(void **state)
{
    struct fx *fx = *state;
    int64_t run = following_run("gate", 2);
    uint64_t pk = fx_session(fx, "w-gate", 1);

    assert_int_equal(fx_claim(fx, pk, 1, 2), 2);
    struct fx_lease leases[2] = {fx->leases[0], fx->leases[1]};
    fx_sql("UPDATE runs SET gate = 'paused', status = 'paused' WHERE id = %lld", (long long)run);
    assert_int_equal(settle_with(fx, &leases[0], pk, &two[0], 1), QR_ACK_COMMITTED);
    assert_int_equal(jobs_of(run), 3);
    assert_int_equal(fx_claim(fx, pk, 1, 2), 0);
    fx_sql("UPDATE runs SET gate = 'cancelled' WHERE id = %lld", (long long)run);
    enum qr_ack_code code = settle_with(fx, &leases[1], pk, &two[1], 1);
    if (code == QR_ACK_COMMITTED)
        assert_true(says(leases[1].job_id, "found.refused", "1 not added: %%cancelled%%"));
    assert_int_equal(fx_i64("SELECT count(*) FROM extraction_jobs j JOIN cloud_files f ON f.id = "
                            "j.file_id WHERE j.run_id = %lld AND f.uri = '%s'",
                            (long long)run, two[1].uri),
                     0);
}

static void a_file_that_has_changed_is_new_work(void **state)
{
    struct fx *fx = *state;
    int64_t run = following_run("changed", 1);
    uint64_t pk = fx_session(fx, "w-changed", 1);
    const struct qr_found_job known = {
        .uri = "root://t/changed/x", .type = "text", .bytes = 5, .modified_ms = 1500000000000};
    const struct qr_found_job grown = {
        .uri = "root://t/changed/x", .type = "text", .bytes = 6, .modified_ms = 1500000001000};

    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    assert_int_equal(settle_with(fx, &fx->leases[0], pk, &known, 1), QR_ACK_COMMITTED);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    fx_settle(fx, fx_result(fx->leases[0].lease_id, fx->leases[0].job_id, pk, QR_CLASS_NONE));
    fx_wait_run(run, "completed");
    /* the same configuration later: what did not change is left out, what did is not */
    for (int i = 0; i < 2; i++) {
        int64_t later = following_run(i == 0 ? "changed-2" : "changed-3", 1);
        fx_sql("UPDATE runs SET previous_runs = ARRAY[%lld::bigint] WHERE id = %lld",
               (long long)run, (long long)later);
        assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
        struct fx_lease parent = fx->leases[0];
        assert_int_equal(settle_with(fx, &parent, pk, i == 0 ? &known : &grown, 1),
                         QR_ACK_COMMITTED);
        assert_int_equal(jobs_of(later), i + 1);
        if (i == 0)
            assert_true(says(parent.job_id, "found", "0 new, 0 already%%1 not changed%%"));
    }
    assert_int_equal(fx_i64("SELECT version FROM cloud_files WHERE uri = '%s'", known.uri), 2);
}

/* Two coordinators settle results that name each other's files, again and again. */
static void files_that_name_each_other_do_not_stop_two_coordinators(void **state)
{
    struct fx *fx = *state;
    struct fx *other = fx_new();
    enum { N = 40 };
    int64_t run = following_run("mutual", N);
    uint64_t pks[2] = {fx_session(fx, "w-mutual-a", 1), fx_session(other, "w-mutual-b", 2)};
    struct fx *fxs[2] = {fx, other};
    struct qr_settle *settles[2][N / 2], answers[N / 2];
    char uris[N][64];

    for (int k = 0; k < 2; k++) {
        assert_int_equal(fx_claim(fxs[k], pks[k], 1, N / 2), N / 2);
        for (int i = 0; i < N / 2; i++) {
            snprintf(uris[k * N / 2 + i], sizeof uris[0], "root://t/mutual/%d",
                     k == 0 ? N - 1 - i : i);
            const struct qr_found_job found[] = {
                {.uri = uris[k * N / 2 + i], .type = "text", .bytes = 3, .modified_ms = 1000},
                {.uri = i % 2 ? two[0].uri : two[1].uri, .type = "text"}};
            settles[k][i] = result_with(&fxs[k]->leases[i], pks[k], found, 2);
        }
    }
    for (int i = 0; i < N / 2; i++)
        qr_db_settle(other->db, settles[1][i]);
    fx_settle_many(fx, settles[0], answers, N / 2);
    for (int i = 0; i < N / 2; i++)
        assert_int_equal(answers[i].code, QR_ACK_COMMITTED);
    fx_wait(other, &other->settled, N / 2);
    for (int i = 0; i < N / 2; i++) {
        assert_int_equal(settles[1][i]->code, QR_ACK_COMMITTED);
        free(settles[1][i]->found);
        free(settles[1][i]);
    }
    assert_int_equal(jobs_of(run), N + 2);
    assert_int_equal(counter(run, "open"), 2);
    fx_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_result_found_is_worked_on_before_the_stage_closes),
        TEST(rule_1_a_result_that_is_sent_again_adds_nothing),
        TEST(rule_1_a_lease_that_is_over_adds_nothing),
        TEST(rule_1_a_result_that_cannot_be_stored_adds_nothing),
        TEST(each_address_is_one_job_of_the_run),
        TEST(a_key_has_one_open_job),
        TEST(what_is_refused_is_said),
        TEST(a_chain_ends_at_its_sixteenth_step),
        TEST(rule_10_a_stopped_run_gives_nothing_out_and_a_cancelled_one_does_not_grow),
        TEST(a_file_that_has_changed_is_new_work),
        TEST(files_that_name_each_other_do_not_stop_two_coordinators),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
