/* worker/pool/pool.h
 *
 * A pool of sandboxed child processes that extract files: jobs in, encoded records or failures out.
 *
 * Made for one thread with a poll loop; nothing blocks and no thread is started:
 *
 *     struct pollfd fd = {.fd = qr_pool_fd(pool), .events = POLLIN};
 *     while (qr_pool_room(pool) > 0 && have_job)
 *         rc = qr_pool_submit(pool, &job, &err);
 *     poll(&fd, 1, qr_pool_wait_ms(pool));
 *     qr_pool_dispatch(pool);                  // calls config.done for each job that ended
 *
 * Every submitted job ends with exactly one call of `done`, also after qr_pool_cancel(). Each child
 * holds up to two jobs: one it works on and the next one, already in its pipe. A child that
 * crashes, hangs or takes too much takes only the job it worked on with it; the other is given to
 * another child. Children are replaced after a number of files or when they have grown, without a
 * pause. Where `geometry.on` is set, a completed STEP model goes through a second step before
 * `done` is called; its fields stand behind the first step's in the record.
 *
 * A child dies with the *thread* that started it (Linux PR_SET_PDEATHSIG), so use a pool from one
 * thread for its whole life. Not thread-safe.
 *
 * How a job ends, by what happened to the child:
 *
 *     answered                                    as the record says
 *     budget or progress time passed, killed      timeout
 *     memory limit: own exit or killed by us      resource
 *     SIGKILL from outside (the system's memory)  resource
 *     SIGSYS: a forbidden system call             crash
 *     any other signal or exit                    crash
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/class.h"
#include "common/err.h"
#include "common/os/sandbox.h"
#include "worker/extract/extract.h"
#include "worker/extract/prepared.h"

struct qr_pool;

struct qr_pool_job {
    uint64_t id;             /* the caller's; unique among the jobs in the pool */
    int fd;                  /* open for reading; the pool's to close once submitted */
    const char *name;        /* borrowed for the call */
    const char *type;        /* as listed; "" when unknown; borrowed for the call */
    uint64_t max_file_bytes; /* 0: 2 GiB */
    struct qr_extract_options options;
    int64_t budget_ms;   /* wall clock for the extraction; 0: 120 s */
    int64_t progress_ms; /* longest time without progress; 0: no such limit */
    int64_t keep_ms;     /* what is finished is kept so often (config.kept); 0: not at all */
    int resume_fd;       /* where to go on from: the state, then the parts; the pool's to close once
                            submitted. 0 or less: from the start */
    uint64_t state_bytes;
    const struct qr_prepared *prepared; /* a program of others has read it; NULL: none. Borrowed */
    int prepared_fd; /* what that wrote; the pool's to close once submitted. 0 or less: nothing */
};

/* What a job has finished since it was kept last. */
struct qr_pool_kept {
    uint64_t id;
    bool anew; /* the first since it began at the start */
    const uint8_t *state, *part;
    size_t state_len, part_len;
};

struct qr_pool_result {
    uint64_t id;
    bool cancelled;        /* by qr_pool_cancel() */
    enum qr_class cls;     /* QR_CLASS_NONE: completed */
    const char *message;   /* of the failure; "" otherwise */
    const uint8_t *record; /* encoded ExtractionRecord; NULL when the child could not make one */
    size_t record_bytes;
    const char *found; /* completed: files it names, one behind the other, each with its NUL */
    size_t found_len;  /* bytes */
    uint32_t found_left_out; /* that many more */
    bool is_model;           /* completed: one of which a geometry kernel could make something */
    int64_t duration_ms;     /* since a child could begin with it */
    int64_t cpu_ms;
    int64_t peak_rss_bytes; /* of the child so far */
};

/** Pointers in the result are valid during the call. It may submit and cancel, not free the pool.
 */
typedef void (*qr_pool_done_fn)(void *arg, const struct qr_pool_result *result);

/** Valid during the call, which may not submit nor cancel. */
typedef void (*qr_pool_kept_fn)(void *arg, const struct qr_pool_kept *kept);

/* The second step of STEP models (docs/geometry.md). */
struct qr_pool_geometry {
    bool on;
    int children;         /* most that run at a time; 0: as many as the first step has */
    int64_t memory_bytes; /* per child; 0: 2 GiB */
    int64_t budget_ms;    /* at most, of the job's own; 0: what is left of that */
};

struct qr_pool_config {
    const char *program;       /* quarry-worker; NULL: the running program */
    const char *mode;          /* what the program is to be; NULL: "--child" */
    bool lazy;                 /* children are started when there are jobs for them */
    int children;              /* 1 .. 256 */
    int64_t memory_bytes;      /* per child; 0: 1 GiB */
    uint32_t recycle_files;    /* a child is replaced after so many; 0: 2000 */
    int64_t recycle_rss_bytes; /* … or when it holds more than this between files; 0: 256 MiB */
    struct qr_pool_geometry geometry;
    bool keep_stderr; /* let children write to standard error, for debugging */
    qr_pool_done_fn done;
    qr_pool_kept_fn kept; /* may be NULL, as the next */
    void (*progress)(void *arg, uint64_t id, const struct qr_extract_progress *progress);
    void *arg;
};

struct qr_pool_stats {
    uint64_t started;  /* children, in all */
    uint64_t recycled; /* replaced as planned */
    uint64_t crashed;  /* ended by themselves while working */
    uint64_t killed;   /* for time or memory */
    uint64_t jobs_done;
    uint64_t resubmitted;             /* jobs that lost their child before it began with them */
    int children;                     /* alive now */
    int working;                      /* children with a job */
    struct qr_sandbox_report sandbox; /* of the child that became ready last */
    uint64_t geometry_started, geometry_done; /* children and jobs of the second step */
};

/**
 * Start the children. They get ready in the background; jobs may be submitted at once.
 * Errors: QR_E_INVALID bad configuration, those of qr_process_start().
 */
QR_MUST_CHECK int qr_pool_new(const struct qr_pool_config *config, struct qr_pool **ret,
                              struct qr_err *err);

/** Kill all children; jobs still in the pool end without a call of `done`. Accepts NULL. */
void qr_pool_free(struct qr_pool *pool);
QR_DEFINE_AUTO(qr_pool)

/** How many more jobs would find a place in a child now: 0 .. 2 * children. */
size_t qr_pool_room(const struct qr_pool *pool);

/** Jobs submitted and not ended. */
size_t qr_pool_jobs(const struct qr_pool *pool);

/**
 * Hand a job over. On success `fd` is the pool's. A job beyond qr_pool_room() waits in the pool.
 * Errors: QR_E_INVALID name or type too long; QR_E_NOMEM. The descriptor stays the caller's then.
 */
QR_MUST_CHECK int qr_pool_submit(struct qr_pool *pool, const struct qr_pool_job *job,
                                 struct qr_err *err);

/** End a job now: its child is killed if it works on it. `done` follows at the next dispatch with
 *  `cancelled` set. An unknown id is no error. */
void qr_pool_cancel(struct qr_pool *pool, uint64_t id);

/** Have what a job has finished kept as soon as it can be, if it is being worked on. */
void qr_pool_keep(struct qr_pool *pool, uint64_t id);

/** One descriptor to poll for POLLIN; stays the same for the pool's life. */
int qr_pool_fd(const struct qr_pool *pool);

/** Milliseconds until qr_pool_dispatch() wants to be called even if nothing is readable; -1: never.
 */
int qr_pool_wait_ms(const struct qr_pool *pool);

/** Do everything that is due now and call `done` for what ended. Never blocks. */
void qr_pool_dispatch(struct qr_pool *pool);

/** What each child works on now: id, milliseconds since it could begin, and how far it says it has
 * come. Jobs that still wait in a pipe or in the pool are not among them. */
typedef void (*qr_pool_working_fn)(void *arg, uint64_t id, int64_t since_ms,
                                   const struct qr_extract_progress *progress);
void qr_pool_each_working(const struct qr_pool *pool, qr_pool_working_fn fn, void *arg);

void qr_pool_get_stats(const struct qr_pool *pool, struct qr_pool_stats *ret);
