/* Rule 10 in the database: jobs. Names in brackets are the mutations of the model that a test would
 * notice. */
#include "tests/unit/coordinator/db/control_fixture.h"

static void rule_10_a_waiting_job_stops_at_once(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("wait", 2);
    uint64_t job = (uint64_t)first_job(run);
    uint64_t pk = fx_session(fx, "w-wait", 1);

    struct control_answer answer = control_job(QR_CONTROL_PAUSE, job);
    assert_false(answer.refused);
    assert_string_equal(answer.before, "pending");
    assert_string_equal(answer.after, "paused");
    assert_state(job, "paused");
    assert_int_equal(count_of(run, "paused"), 1);
    assert_int_equal(count_of(run, "open"), 3); /* two jobs, and the run is still filled */
    assert_int_equal(fx_claim(fx, pk, 1, 8), 1);
    assert_int_not_equal(fx->leases[0].job_id, job);

    answer = control_job(QR_CONTROL_RESUME, job);
    assert_string_equal(answer.after, "pending");
    assert_int_equal(count_of(run, "paused"), 0);
    assert_int_equal(fx_claim(fx, pk, 1, 8), 1);
    assert_int_equal(fx->leases[0].job_id, job);
    assert_int_equal(fx_i64("SELECT count(*) FROM job_events WHERE job_id = %llu AND event IN "
                            "('paused', 'resumed')",
                            (unsigned long long)job),
                     2);
}

static void rule_10_cancel_of_what_nobody_holds(void **state)
{
    int64_t run = fx_run("cancel-wait", 3);
    uint64_t job = (uint64_t)first_job(run);
    (void)state;

    assert_string_equal(control_job(QR_CONTROL_CANCEL, job).after, "cancelled");
    assert_int_equal(count_of(run, "cancelled"), 1);
    assert_int_equal(count_of(run, "open"), 3);
    assert_string_equal(control_job(QR_CONTROL_PAUSE, job + 1).after, "paused");
    assert_string_equal(control_job(QR_CONTROL_CANCEL, job + 1).after, "cancelled");
    assert_int_equal(count_of(run, "paused"), 0);
    assert_int_equal(count_of(run, "cancelled"), 2);
    assert_int_equal(fx_i64("SELECT count(*) FROM ready r JOIN extraction_jobs j ON j.id = "
                            "r.job_id WHERE j.run_id = %lld",
                            (long long)run),
                     1);
    assert_int_equal(fx_i64("SELECT completed_at IS NOT NULL FROM extraction_jobs WHERE id = %llu",
                            (unsigned long long)job),
                     1);
}

static void rule_10_a_job_that_backs_off_can_be_stopped(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "backoff", &pk);

    assert_int_equal(settle_one(fx, lease, pk, QR_CLASS_CONNECTION), QR_ACK_COMMITTED);
    assert_int_equal(fx_i64("SELECT count(*) FROM delayed WHERE job_id = %llu",
                            (unsigned long long)lease.job_id),
                     1);
    assert_string_equal(control_job(QR_CONTROL_PAUSE, lease.job_id).after, "paused");
    assert_int_equal(fx_i64("SELECT count(*) FROM delayed WHERE job_id = %llu",
                            (unsigned long long)lease.job_id),
                     0);
    assert_string_equal(control_job(QR_CONTROL_RESUME, lease.job_id).after, "pending");
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
}

/* [M_STOP_MEMORY M_RETURN_IGNORES_STOP] */
static void rule_10_a_leased_job_is_asked_and_obeys(void **state)
{
    struct fx *fx = *state;
    static const enum qr_return_reason ends[] = {
        QR_RETURN_DECLINED, QR_RETURN_NOT_ACCEPTED, QR_RETURN_STREAM_BROKEN,
        QR_RETURN_DROPPED,  QR_RETURN_RELEASED,     QR_RETURN_EXPIRED,
        QR_RETURN_GOODBYE,  QR_RETURN_STOPPED,      QR_RETURN_FENCED};

    for (size_t i = 0; i < QR_COUNT(ends); i++) {
        bool cancel = i % 2;
        char name[32];
        uint64_t pk;
        snprintf(name, sizeof name, "asked-%zu", i);
        struct fx_lease lease = lease_one(fx, name, &pk);
        struct control_answer answer =
            control_job(cancel ? QR_CONTROL_CANCEL : QR_CONTROL_PAUSE, lease.job_id);
        assert_string_equal(answer.after, cancel ? "cancelling" : "pausing");
        assert_state(lease.job_id, "pending"); /* the lease is kept */
        assert_int_equal(fx_return(fx, pk, 1, ends[i], lease.lease_id, lease.job_id), QR_DB_DONE);
        assert_state(lease.job_id, cancel ? "cancelled" : "paused");
        assert_int_equal(fx_claim(fx, pk, 1, 1), 0);
        assert_int_equal(
            fx_i64("SELECT stop_requested IS NULL FROM extraction_jobs WHERE id = %llu",
                   (unsigned long long)lease.job_id),
            1);
        assert_int_equal(count_of((int64_t)lease.run_id, cancel ? "cancelled" : "paused"), 1);
    }
}

/* [M_RETURN_IGNORES_STOP] a new process of the worker, and a reaped session, end leases as well. */
static void rule_10_a_hello_that_ends_a_lease_obeys(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "hello-end", &pk);

    control_job(QR_CONTROL_CANCEL, lease.job_id);
    fx_hello(fx, "hello-end", 2, 2, NULL, 0, NULL, 0); /* a new process, an empty spool */
    assert_state(lease.job_id, "cancelled");

    struct fx_lease other = lease_one(fx, "hello-unnamed", &pk);
    control_job(QR_CONTROL_PAUSE, other.job_id);
    fx_hello(fx, "hello-unnamed", 1, 1, NULL, 0, NULL, 0); /* the same, it does not name it */
    assert_state(other.job_id, "paused");
}

/* [M_RETURN_IGNORES_STOP] */
static void rule_10_a_retryable_failure_obeys(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "failure", &pk);

    control_job(QR_CONTROL_CANCEL, lease.job_id);
    assert_int_equal(settle_one(fx, lease, pk, QR_CLASS_CONNECTION), QR_ACK_COMMITTED);
    assert_state(lease.job_id, "cancelled");
    assert_int_equal(fx_i64("SELECT count(*) FROM delayed WHERE job_id = %llu",
                            (unsigned long long)lease.job_id),
                     0);
}

static void rule_10_a_result_before_the_stop_commits_counts(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "first", &pk);

    control_job(QR_CONTROL_CANCEL, lease.job_id);
    assert_int_equal(settle_one(fx, lease, pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
    assert_state(lease.job_id, "completed");
    assert_int_equal(count_of((int64_t)lease.run_id, "cancelled"), 0);
    struct control_answer answer = control_job(QR_CONTROL_CANCEL, lease.job_id);
    assert_true(answer.refused);
    assert_string_equal(answer.before, "completed");
}

/* [M_NO_CANCEL_FENCE M_LATE_ANY] also after it was retried: its lease is over for good. */
static void rule_10_a_result_after_a_committed_cancel_is_stale(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "late", &pk);

    control_job(QR_CONTROL_CANCEL, lease.job_id);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_FENCED, lease.lease_id, lease.job_id),
                     QR_DB_DONE);
    assert_int_equal(settle_one(fx, lease, pk, QR_CLASS_NONE), QR_ACK_STALE);
    assert_int_equal(settle_one(fx, lease, pk, QR_CLASS_CRASH), QR_ACK_STALE);

    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_err err = {0};
    int64_t id = (int64_t)lease.job_id;
    Quarry__V1__RetryJobsRequest retry = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
    Quarry__V1__RetryJobsReply *reply = NULL;
    retry.job_ids = &id;
    retry.n_job_ids = 1;
    assert_ok(qr_job_retry(conn, &retry, &reply, &err), &err);
    assert_int_equal(reply->retried, 1);
    quarry__v1__retry_jobs_reply__free_unpacked(reply, NULL);
    assert_state(lease.job_id, "pending");
    assert_int_equal(settle_one(fx, lease, pk, QR_CLASS_NONE), QR_ACK_STALE);
    assert_state(lease.job_id, "pending");
}

/* [M_CANCEL_BLIND] */
static void rule_10_the_fence_checks_the_lease(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "blind", &pk);

    control_job(QR_CONTROL_CANCEL, lease.job_id);
    assert_int_equal(settle_one(fx, lease, pk, QR_CLASS_NONE), QR_ACK_COMMITTED);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_FENCED, lease.lease_id, lease.job_id),
                     QR_DB_DONE);
    assert_int_equal(fx->returned.returned, 0);
    assert_state(lease.job_id, "completed");

    struct fx_lease first = lease_one(fx, "blind-again", &pk); /* another lease of the same job */
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_DECLINED, first.lease_id, first.job_id),
                     QR_DB_DONE);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    struct fx_lease second = fx->leases[0];
    control_job(QR_CONTROL_CANCEL, first.job_id);
    fx_return(fx, pk, 1, QR_RETURN_FENCED, first.lease_id, first.job_id);
    assert_state(first.job_id, "pending"); /* held by the second */
    fx_return(fx, pk, 1, QR_RETURN_FENCED, second.lease_id, second.job_id);
    assert_state(first.job_id, "cancelled");
}

/* [M_RESUME_KEEPS_STOP] */
static void rule_10_resume_clears_the_request(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "withdrawn", &pk);

    control_job(QR_CONTROL_PAUSE, lease.job_id);
    struct control_answer answer = control_job(QR_CONTROL_RESUME, lease.job_id);
    assert_false(answer.refused);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_STOPPED, lease.lease_id, lease.job_id),
                     QR_DB_DONE);
    assert_state(lease.job_id, "pending");
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    assert_int_equal(fx->leases[0].attempt, 1);
    assert_int_equal(fx_i64("SELECT infra_losses FROM extraction_jobs WHERE id = %llu",
                            (unsigned long long)lease.job_id),
                     0); /* nobody's fault */
}

static void rule_10_cancel_outranks_pause_in_the_database(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "outranks", &pk);

    control_job(QR_CONTROL_PAUSE, lease.job_id);
    assert_string_equal(control_job(QR_CONTROL_CANCEL, lease.job_id).after, "cancelling");
    assert_true(control_job(QR_CONTROL_PAUSE, lease.job_id).refused);
    assert_true(control_job(QR_CONTROL_RESUME, lease.job_id).refused);
    fx_return(fx, pk, 1, QR_RETURN_STOPPED, lease.lease_id, lease.job_id);
    assert_state(lease.job_id, "cancelled");
}

struct cancel_thread {
    uint64_t job;
    struct control_answer answer;
};

static void *cancel_it(void *arg)
{
    struct cancel_thread *self = arg;
    self->answer = control_job(QR_CONTROL_CANCEL, self->job);
    return NULL;
}

/* A claim that has taken the job's row of `ready` and is about to commit, or to fail. */
static void rule_10_a_claim_under_way_is_waited_for(void **state)
{
    static const char *const ends[] = {"COMMIT", "ROLLBACK"};
    static const char *const after[] = {"cancelling", "cancelled"};
    (void)state;

    for (size_t i = 0; i < QR_COUNT(ends); i++) {
        QR_AUTO(qr_conn) claim = fx_conn();
        struct qr_err err = {0};
        struct cancel_thread self = {.job = (uint64_t)first_job(fx_run(ends[i], 1))};
        pthread_t thread;
        char text[200];
        snprintf(text, sizeof text, "BEGIN; DELETE FROM ready WHERE job_id = %llu",
                 (unsigned long long)self.job);
        assert_ok(qr_conn_exec(claim, text, &err), &err);
        assert_int_equal(pthread_create(&thread, NULL, cancel_it, &self), 0);
        wait_for(1, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        assert_ok(qr_conn_exec(claim, ends[i], &err), &err);
        pthread_join(thread, NULL);
        assert_string_equal(self.answer.after, after[i]);
    }
}

static void rule_10_illegal_requests_name_the_state(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "illegal-verb", &pk);

    assert_int_equal(settle_one(fx, lease, pk, QR_CLASS_INVALID_INPUT), QR_ACK_COMMITTED);
    for (int verb = QR_CONTROL_PAUSE; verb <= QR_CONTROL_CANCEL; verb++) {
        struct control_answer answer = control_job((enum qr_control)verb, lease.job_id);
        assert_true(answer.refused);
        assert_string_equal(answer.before, "failed");
        assert_string_equal(answer.after, "failed");
        assert_non_null(strstr(answer.message, "it is failed"));
    }
    struct control_answer answer = control_job(QR_CONTROL_CANCEL, 987654321);
    assert_true(answer.refused);
    assert_string_equal(answer.before, "");
}

static void many_jobs_are_answered_in_the_order_asked(void **state)
{
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_err err = {0};
    int64_t run = fx_run("many", 2500);
    int64_t first = first_job(run);
    int64_t *ids = calloc(2600, sizeof *ids);
    Quarry__V1__ControlJobsRequest request = QUARRY__V1__CONTROL_JOBS_REQUEST__INIT;
    Quarry__V1__ControlJobsReply *reply = NULL;
    (void)state;

    for (int i = 0; i < 2600; i++)
        ids[i] = first + 2499 - i % 2500; /* the last hundred twice */
    request.job_ids = ids;
    request.n_job_ids = 2600;
    request.reason = (char *)"a test";
    assert_ok(qr_job_control(conn, QR_CONTROL_CANCEL, &request, &reply, &err), &err);
    assert_int_equal(reply->n_jobs, 2500);
    for (int i = 0; i < 2500; i++) {
        assert_int_equal(reply->jobs[i]->job_id, ids[i]);
        assert_string_equal(reply->jobs[i]->after, "cancelled");
    }
    quarry__v1__control_jobs_reply__free_unpacked(reply, NULL);
    free(ids);
    assert_int_equal(count_of(run, "cancelled"), 2500);
    assert_int_equal(count_of(run, "open"), 1);
    request.n_job_ids = 0;
    assert_err(qr_job_control(conn, QR_CONTROL_CANCEL, &request, &reply, &err), QR_E_INVALID, &err,
               "no job");
}

/* What is stopped reaches every coordinator, and is forgotten when it is over. */
static void rule_10_every_coordinator_is_told(void **state)
{
    struct fx *fx = *state;
    struct fx *peer = fx_new();
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "told", &pk);
    uint64_t before = fx_count(peer, &peer->stops);
    bool seen = false;

    control_job(QR_CONTROL_CANCEL, lease.job_id);
    for (uint64_t i = 1; i < 20 && !seen; i++) {
        fx_wait(peer, &peer->stops, before + i);
        pthread_mutex_lock(&peer->lock);
        for (size_t k = 0; k < peer->n_stop_jobs; k++)
            seen = seen || (peer->stop_jobs[k].job_id == lease.job_id &&
                            peer->stop_jobs[k].reason == QR_STOP_CANCEL);
        pthread_mutex_unlock(&peer->lock);
    }
    assert_true(seen);
    fx_return(fx, pk, 1, QR_RETURN_STOPPED, lease.lease_id, lease.job_id);
    wait_for(0, "SELECT count(*) FROM control WHERE job_id = %lld", (long long)lease.job_id);
    fx_free(peer);
}

/* [M_STOP_MEMORY] whoever welcomes or adopts the session hears of it. */
static void rule_10_a_stop_follows_its_lease(void **state)
{
    struct fx *fx = *state;
    struct fx *peer = fx_new();
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "follows", &pk);
    const struct qr_lease_ref held = {lease.lease_id, lease.job_id};

    control_job(QR_CONTROL_PAUSE, lease.job_id);
    const struct qr_db_hello_reply *reply = fx_hello(peer, "follows", 1, 1, &held, 1, NULL, 0);
    assert_int_equal(reply->n_kept, 1);
    assert_int_equal(reply->kept[0].stop, QR_STOP_PAUSE);
    uint64_t before = fx_count(fx, &fx->adopted);
    fx_free(peer); /* stops in order: its sessions are adopted */
    fx_wait(fx, &fx->adopted, before + 1);
    assert_int_equal(fx->last_adopted.n_leases, 1);
    assert_int_equal(fx->last_adopted.leases[0].stop, QR_STOP_PAUSE);
    assert_int_equal(
        fx_return(fx, pk, fx->last_adopted.attach, QR_RETURN_FENCED, lease.lease_id, lease.job_id),
        QR_DB_DONE);
    assert_state(lease.job_id, "paused");
}

static void rule_11_a_drain_is_a_mark_on_the_session(void **state)
{
    struct fx *fx = *state;
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_err err = {0};
    struct qr_drained drained;
    uint64_t pk = fx_session(fx, "w-drain", 1);
    uint64_t before = fx_count(fx, &fx->stops);
    bool seen = false;

    fx_sql("UPDATE sessions SET labels = '{\"rack\": \"7\"}' WHERE pk = %llu",
           (unsigned long long)pk);
    assert_ok(qr_worker_drain(conn, "nobody", "{}", 1000, &drained, &err), &err);
    assert_int_equal(drained.n, 0);
    qr_drained_done(&drained);
    assert_err(qr_worker_drain(conn, "", "{}", 1000, &drained, &err), QR_E_INVALID, &err, "worker");
    assert_ok(qr_worker_drain(conn, "", "{\"rack\": \"7\"}", 4000, &drained, &err), &err);
    assert_int_equal(drained.n, 1);
    assert_string_equal(drained.workers[0], "w-drain");
    assert_int_equal(drained.sessions[0], pk);
    qr_drained_done(&drained);
    for (uint64_t i = 1; i < 20 && !seen; i++) {
        fx_wait(fx, &fx->stops, before + i);
        pthread_mutex_lock(&fx->lock);
        seen = fx->n_stop_drains == 1 && fx->stop_drains[0].session_pk == pk &&
               fx->stop_drains[0].grace_ms == 4000;
        pthread_mutex_unlock(&fx->lock);
    }
    assert_true(seen);
    assert_ok(qr_worker_drain(conn, "w-drain", "{}", -1, &drained, &err), &err);
    assert_int_equal(drained.n, 1);
    qr_drained_done(&drained);
    assert_ok(qr_worker_drain(conn, "w-drain", "{}", -1, &drained, &err), &err);
    assert_int_equal(drained.n, 0); /* it was not drained any more */
    qr_drained_done(&drained);
}

#define DB_TEST(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_TEST(rule_10_a_waiting_job_stops_at_once),
        DB_TEST(rule_10_cancel_of_what_nobody_holds),
        DB_TEST(rule_10_a_job_that_backs_off_can_be_stopped),
        DB_TEST(rule_10_a_leased_job_is_asked_and_obeys),
        DB_TEST(rule_10_a_hello_that_ends_a_lease_obeys),
        DB_TEST(rule_10_a_retryable_failure_obeys),
        DB_TEST(rule_10_a_result_before_the_stop_commits_counts),
        DB_TEST(rule_10_a_result_after_a_committed_cancel_is_stale),
        DB_TEST(rule_10_the_fence_checks_the_lease),
        DB_TEST(rule_10_resume_clears_the_request),
        DB_TEST(rule_10_cancel_outranks_pause_in_the_database),
        DB_TEST(rule_10_a_claim_under_way_is_waited_for),
        DB_TEST(rule_10_illegal_requests_name_the_state),
        DB_TEST(many_jobs_are_answered_in_the_order_asked),
        DB_TEST(rule_10_every_coordinator_is_told),
        DB_TEST(rule_10_a_stop_follows_its_lease),
        DB_TEST(rule_11_a_drain_is_a_mark_on_the_session),
    };

    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}
