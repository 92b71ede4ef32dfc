/* cadbridge/work.h
 *
 * One job, from the file's address to an encoded record, a failure, or the wish to wait.
 *
 *     file there? -> superseded? -> a call, where the gate lets it -> an export -> wait or fail
 *
 * Blocks; each thread has a worker of its own. What the threads share is thread-safe.
 */
#pragma once
#include <stdatomic.h>

#include "cadbridge/backend.h"
#include "cadbridge/gate.h"
#include "cadbridge/versions.h"
#include "common/buf.h"
#include "common/cadjson/import.h"
#include "common/roots.h"

/* What all threads share; borrowed. */
struct qr_work_shared {
    const struct qr_roots *roots;
    struct qr_gate *gate;
    struct qr_cad_versions *versions;
    struct qr_import *import; /* NULL: no exports */
    const char *creo;         /* NULL: no service */
    const char *exports;      /* where `import` looks, for messages; "": nowhere */
    uint64_t max_file_bytes;
    int64_t deadline_ms, wait_limit_ms;
    uint32_t points;
};

struct qr_work_job {
    const char *uri;
    const uint8_t *raw; /* as in struct qr_fetch_request */
    size_t raw_len;
    int64_t budget_ms; /* 0: none */
    int64_t waited_ms; /* for the service, in all, by earlier leases */
    uint64_t listed_bytes;
    int64_t listed_modified_ms;
};

struct qr_work_result {
    enum qr_class cls; /* NONE: completed, `record` is it */
    char message[900];
    bool final; /* of a failure: it has waited as long as it may */
    struct qr_buf record;
    bool wait;                  /* instead of a result: hand the job back for wait_ms */
    int64_t wait_ms, waited_ms; /* waited_ms: that included */
    enum qr_gate_way way;
    bool given_up; /* interrupted: there is no result */
};

struct qr_worker;

/** `interrupted` ends what is under way; borrowed. Errors: of qr_cad_backend_new(). */
QR_MUST_CHECK int qr_worker_new(const struct qr_work_shared *shared, const atomic_bool *interrupted,
                                struct qr_worker **ret, struct qr_err *err);
void qr_worker_free(struct qr_worker *worker);
QR_DEFINE_AUTO(qr_worker)

/** The worker's back end; NULL: none. */
struct qr_cad_backend *qr_worker_backend(struct qr_worker *worker);

/** Fills *ret in any case; qr_work_result_done() frees it. */
void qr_worker_run(struct qr_worker *worker, const struct qr_work_job *job,
                   struct qr_work_result *ret);
void qr_work_result_done(struct qr_work_result *result);
