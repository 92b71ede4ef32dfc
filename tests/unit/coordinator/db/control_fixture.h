/* tests/unit/coordinator/db/control_fixture.h
 *
 * What the tests of rule 10 share: the verbs as plain calls, and looking at jobs.
 */
#pragma once
#include <stdlib.h>

#include "coordinator/db/lifecycle.h"
#include "coordinator/db/states.h"
#include "tests/unit/coordinator/db/fixture.h"

/* One job asked; what was answered. */
struct control_answer {
    bool refused;
    char before[16], after[16], message[160];
};

static inline struct control_answer control_job(enum qr_control verb, uint64_t job_id)
{
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_err err = {0};
    int64_t id = (int64_t)job_id;
    Quarry__V1__ControlJobsRequest request = QUARRY__V1__CONTROL_JOBS_REQUEST__INIT;
    Quarry__V1__ControlJobsReply *reply = NULL;
    struct control_answer answer;

    request.job_ids = &id;
    request.n_job_ids = 1;
    assert_ok(qr_job_control(conn, verb, &request, &reply, &err), &err);
    assert_int_equal(reply->n_jobs, 1);
    answer.refused = reply->jobs[0]->refused;
    snprintf(answer.before, sizeof answer.before, "%s", reply->jobs[0]->before);
    snprintf(answer.after, sizeof answer.after, "%s", reply->jobs[0]->after);
    snprintf(answer.message, sizeof answer.message, "%s", reply->jobs[0]->message);
    quarry__v1__control_jobs_reply__free_unpacked(reply, NULL);
    return answer;
}

static inline int control_run(enum qr_control verb, int64_t run_id, struct qr_err *err)
{
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__ControlRunRequest request = QUARRY__V1__CONTROL_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;

    request.run_id = run_id;
    int rc = qr_run_control(conn, verb, &request, &reply, err);
    if (rc == QR_OK)
        quarry__v1__run_reply__free_unpacked(reply, NULL);
    return rc;
}

static inline void assert_state(uint64_t job_id, const char *status)
{
    if (fx_i64("SELECT count(*) FROM extraction_jobs WHERE id = %llu AND status = '%s'",
               (unsigned long long)job_id, status) != 1)
        fail_msg("job %llu is not %s", (unsigned long long)job_id, status);
}

static inline int64_t count_of(int64_t run_id, const char *counter)
{
    return fx_i64("SELECT %s FROM run_stages WHERE run_id = %lld AND stage = 'extract'", counter,
                  (long long)run_id);
}

static inline int64_t first_job(int64_t run_id)
{
    return fx_i64("SELECT min(id) FROM extraction_jobs WHERE run_id = %lld", (long long)run_id);
}

/* Until a query (format and values) gives `want`; a minute at most. */
#define wait_for(want, ...)                                             \
    do {                                                                \
        int wait_left_ = 1200;                                          \
        while (fx_i64(__VA_ARGS__) != (want)) {                         \
            if (wait_left_-- == 0)                                      \
                fail_msg("no %lld within a minute", (long long)(want)); \
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);   \
        }                                                               \
    } while (0)

/* A job of a new run, leased. */
static inline struct fx_lease lease_one(struct fx *fx, const char *name, uint64_t *ret_pk)
{
    fx_run(name, 1);
    *ret_pk = fx_session(fx, name, 1);
    assert_int_equal(fx_claim(fx, *ret_pk, 1, 1), 1);
    return fx->leases[0];
}

static inline enum qr_ack_code settle_one(struct fx *fx, struct fx_lease lease, uint64_t pk,
                                          enum qr_class error)
{
    return fx_settle(fx, fx_result(lease.lease_id, lease.job_id, pk, error)).code;
}
