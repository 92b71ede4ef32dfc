/* coordinator/db/enqueue_intern.h
 *
 * What enqueue.c, enqueue_few.c and enqueue_copy.c share: one call's jobs, put in order, and its
 * transaction.
 */
#pragma once
#include "common/uri.h"
#include "coordinator/db/conn.h"
#include "coordinator/db/enqueue.h"
#include "coordinator/engine/types.h"

enum { QR_ENQUEUE_QUEUES_MAX = 512, QR_ENQUEUE_SOURCE_MAX = 253 };
enum { QR_ENQUEUE_FEW = 16 }; /* what a plan for any number of rows is made for */

/* A queue of the run that is being filled: jobs of one type from one root or host. */
struct qr_enqueue_queue {
    qr_type_id type;
    bool cad; /* its jobs have a row in cad_models from the start */
    char root[QR_ROOT_NAME_MAX + 1];
    char source[QR_ENQUEUE_SOURCE_MAX + 1];
    int32_t id; /* 0: not known yet */
};

/* A job of the call whose uri did not stand before it. */
struct qr_enqueue_job {
    const struct qr_new_job *job;
    uint32_t place; /* in the call: jobs are numbered by it */
    uint16_t queue; /* index */
    uint16_t uri_len, authority_len;
    uint16_t name_at; /* where the uri's last part begins */
};

struct qr_enqueue_txn {
    int64_t run_id;
    size_t n;                    /* jobs of the call */
    struct qr_enqueue_job *jobs; /* by uri */
    size_t n_jobs;
    struct qr_enqueue_queue *queues;
    size_t n_queues;
    bool plain; /* no job has a key */
    /* what enqueue_run.sql says */
    int32_t run_priority;
    bool skip_unchanged, has_previous;
    int64_t first_file, first_job;
    int64_t now_us, start_us; /* since 2000 */
    bool stored;              /* by the short way for a few */
    struct qr_enqueue_result result;
};

/** Sets j->queue; `last`: a job whose queue is known, mostly the same one; may be NULL. Errors:
 *  QR_E_INVALID no type; QR_E_LIMIT. */
QR_MUST_CHECK int qr_enqueue_find_queue(struct qr_enqueue_txn *txn, struct qr_enqueue_job *j,
                                        const struct qr_enqueue_job *last, struct qr_err *err);
/** What enqueue_queue.sql and enqueue_queue_live.sql are called with. */
void qr_enqueue_queue_params(const struct qr_enqueue_txn *txn, const struct qr_enqueue_queue *queue,
                             struct qr_params *ret);
/** Numbers of the queues where they are not known yet, made where missing. In the transaction. */
QR_MUST_CHECK int qr_enqueue_make_queues(struct qr_conn *conn, struct qr_enqueue_txn *txn,
                                         struct qr_err *err);
/** When the job may be claimed, in µs since 2000; 0: at once. */
int64_t qr_enqueue_start(const struct qr_enqueue_txn *txn, const struct qr_new_job *job);
/** A file's time in µs since 2000; false when it is none (0, or beyond the year 9999). */
bool qr_enqueue_modified(const struct qr_new_job *job, int64_t *ret_us);

/** What gate_share.sql is called with. */
void qr_enqueue_gate_params(const struct qr_enqueue_txn *txn, struct qr_params *ret);
/** Raises QR_E_STALE: the run was closed while jobs were on their way. */
int qr_enqueue_closed(const struct qr_enqueue_txn *txn, struct qr_err *err);

/** What one round trip can do (enqueue_few.c): a few jobs of one queue, nothing special about them.
 */
bool qr_enqueue_are_few(const struct qr_enqueue_txn *txn);
/** All of it, COMMIT too: the body of a piped transaction; `arg` is a struct qr_enqueue_txn. Where
 * it does not do, nothing is stored and `stored` is false. Errors: QR_E_STALE the run is closed; as
 *  qr_conn_run(). */
QR_MUST_CHECK int qr_enqueue_few(struct qr_conn *conn, void *arg, struct qr_err *err);

/** The way for files that are new (enqueue_copy.c), in a transaction whose run has been read and
 *  whose queues are there. Errors: QR_E_DB with the SQLSTATE of a unique violation when one is not:
 *  then the general way is the one to go, in a transaction of its own. */
QR_MUST_CHECK int qr_enqueue_copy(struct qr_conn *conn, struct qr_enqueue_txn *txn,
                                  struct qr_err *err);
/** Does a look at a few of the files say that all may be new? Outside of a transaction. */
QR_MUST_CHECK int qr_enqueue_probe(struct qr_conn *conn, const struct qr_enqueue_txn *txn,
                                   bool *ret_new, struct qr_err *err);
