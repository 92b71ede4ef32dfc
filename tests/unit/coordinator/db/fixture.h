/* tests/unit/coordinator/db/fixture.h
 *
 * One real PostgreSQL for a test program, coordinators on it, and their requests as plain calls
 * that wait for the answer.
 */
#pragma once
#include <pthread.h>

#include "coordinator/db/conn.h"
#include "coordinator/db/db.h"
#include "coordinator/db/dead_letter.h"
#include "coordinator/db/enqueue.h"
#include "coordinator/db/impl.h"
#include "coordinator/db/job.h"
#include "coordinator/db/migrate.h"
#include "coordinator/db/run.h"
#include "coordinator/engine/types.h"
#include "coordinator/postgres/postgres.h"
#include "tests/harness/test.h"

enum { FX_LEASES_MAX = 4096 };

/* A claimed job, copied out of the reply. */
struct fx_lease {
    uint64_t lease_id, job_id, run_id;
    uint32_t attempt;
    bool alone;
    char uri[256];
    char options[128];
    char checkpoint[64];
    uint64_t checkpoint_number, part_bytes;
};

/* One coordinator: a qr_db with its answers. */
struct fx {
    struct qr_db *db;
    struct qr_budgets *budgets;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t hellos, claims, returns;
    uint64_t work_available, adopted, renewals_ok, renewals_failed;
    struct qr_db_hello_reply hello;
    struct qr_kept_lease kept[64];
    struct qr_db_claim_reply claim;
    struct fx_lease leases[FX_LEASES_MAX];
    size_t n_leases;
    struct qr_db_return_reply returned;
    enum qr_db_status settle_status;
    uint64_t settled; /* results answered */
    uint64_t checkpointed;
    enum qr_db_status checkpoint_status;
    bool checkpoint_stale;
    uint64_t checkpoint_stands;
    struct qr_adopted last_adopted;
    struct qr_kept_lease adopted_leases[FX_LEASES_MAX]; /* of the last one */
    uint64_t stops;                                     /* times it was said what is stopped */
    struct qr_job_stop stop_jobs[64];
    struct qr_run_stop stop_runs[64];
    struct qr_session_drain stop_drains[64];
    size_t n_stop_jobs, n_stop_runs, n_stop_drains;
    bool recover;                      /* fx_hello() asks as the engine does, see qr_db_hello */
    const struct qr_lease_ref *starts; /* fx_hello() names them as starts of an earlier life */
    size_t n_starts;
    uint64_t stream_number; /* of the next fx_hello() */
};

/** cmocka group setup and teardown: the cluster of this program. */
int fx_cluster_start(void **state);
int fx_cluster_start_empty(void **state); /* without a schema */
int fx_cluster_stop(void **state);
extern struct qr_postgres *fx_cluster;
/** Kill the server at once and start it again. */
void fx_cluster_crash(void);

struct fx *fx_new(void); /* a coordinator, ttl 8 s */
struct fx *fx_new_ttl(int64_t ttl_ms);
struct fx *fx_new_timeout(int64_t statement_timeout_ms);
void fx_free(struct fx *fx);
/** The same as cmocka's setup and teardown of one test. */
int fx_setup(void **state);
int fx_teardown(void **state);
/** Wait until a counter of `fx` has come to `want`; a minute at most. */
void fx_wait(struct fx *fx, const uint64_t *counter, uint64_t want);
/** A counter's value now. */
uint64_t fx_count(struct fx *fx, const uint64_t *counter);

/** A connection of the test's own; as a lane of this coordinator has it. */
struct qr_conn *fx_conn(void);
struct qr_conn *fx_conn_of(const struct fx *fx);
/** First value of a query as a number; of several statements the last. */
int64_t fx_i64(const char *fmt, ...) QR_PRINTF(1, 2);
void fx_sql(const char *fmt, ...) QR_PRINTF(1, 2);

/** Wait until a run has this status (its stages are worked on by the coordinators); a minute. */
void fx_wait_run(int64_t run_id, const char *status);
/** A manual run with `n` jobs "root://t/NAME/I" of type text; its id. */
int64_t fx_run(const char *name, size_t n);
uint64_t fx_enqueue(int64_t run_id, const char *prefix, size_t first, size_t n, const char *type,
                    int priority);

/** A worker's session: Hello with these lists. `tag` makes its 16 bytes. */
const struct qr_db_hello_reply *fx_hello(struct fx *fx, const char *worker, int tag,
                                         uint64_t counter, const struct qr_lease_ref *running,
                                         size_t n_running, const struct qr_lease_ref *spooled,
                                         size_t n_spooled);
/** A new session of a new worker: its number. */
uint64_t fx_session(struct fx *fx, const char *worker, int tag);

/** Claim up to `want` jobs of type text; how many came. */
size_t fx_claim(struct fx *fx, uint64_t session_pk, uint64_t attach, uint32_t want);
size_t fx_claim_type(struct fx *fx, uint64_t session_pk, uint64_t attach, const char *type,
                     uint32_t want);
enum qr_db_status fx_return(struct fx *fx, uint64_t session_pk, uint64_t attach,
                            enum qr_return_reason reason, uint64_t lease_id, uint64_t job_id);

/** A checkpoint, and the newest number that stands then; -1: the lease is over. */
int64_t fx_checkpoint(struct fx *fx, const struct fx_lease *lease, uint64_t session_pk,
                      uint64_t number, bool anew, const char *state, const void *part,
                      size_t part_len);

/** A result; freed by fx_settle(). */
struct qr_settle *fx_result(uint64_t lease_id, uint64_t job_id, uint64_t session_pk,
                            enum qr_class error);
/** Settle and wait; the answer is in the copy returned (pointers in it are gone). */
struct qr_settle fx_settle(struct fx *fx, struct qr_settle *settle);
void fx_settle_many(struct fx *fx, struct qr_settle **settles, struct qr_settle *answers, size_t n);
