/* worker/tool/tools.h
 *
 * Files that a program of others reads first: open files in, what the programs wrote out. It stands
 * between fetching and the pool (worker/pool/pool.h) and is used in the same way, from one thread
 * with a poll loop:
 *
 *     tool = qr_tool_set_find(...);            // NULL: straight to the pool
 *     rc = qr_tools_submit(tools, &job, &err);
 *     poll(qr_tools_fd(tools), qr_tools_wait_ms(tools));
 *     qr_tools_dispatch(tools);                // calls config.done for each job that ended
 *
 * Each program runs under a warden (worker/tool/warden.h), a process of ours; wardens are started
 * when they are needed, kept for the next file and let go when there is none for a while. What
 * comes out is untrusted and belongs to a child of the pool, in `prepared` of its job.
 *
 * Every submitted job ends with exactly one call of `done`, unless it is cancelled: then with none.
 * Wardens die with the thread that started them. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/class.h"
#include "worker/extract/prepared.h"
#include "worker/tool/tool.h"

struct qr_tools;

struct qr_tools_job {
    uint64_t id;      /* the caller's; unique among the jobs in here */
    int fd;           /* open for reading; stays the caller's and open until the job has ended */
    const char *name; /* borrowed for the call */
    const struct qr_tool *tool; /* borrowed until the end */
    int64_t budget_ms;          /* wall clock; 0: 120 s */
};

struct qr_tools_result {
    uint64_t id;
    const struct qr_tool *tool;
    enum qr_class cls;   /* QR_CLASS_NONE: fd is what the program wrote */
    const char *message; /* of the failure, or of the note; "" otherwise */
    const char *note;    /* code of something to note; "" otherwise */
    int fd;              /* the receiver's to close; -1: none */
    int64_t duration_ms; /* since it could begin */
};

/** Pointers in the result are valid during the call. It may submit and cancel. */
typedef void (*qr_tools_done_fn)(void *arg, const struct qr_tools_result *result);

struct qr_tools_config {
    const char *program;  /* quarry-worker; NULL: the running program */
    int running;          /* programs at a time, 1 .. 256 */
    int64_t memory_bytes; /* of one program with all it starts; 0: 1 GiB */
    int64_t output_bytes; /* the most it may write; 0: 1 GiB */
    qr_tools_done_fn done;
    void *arg;
};

/** No process is started yet. Errors: QR_E_INVALID, QR_E_NOMEM. */
QR_MUST_CHECK int qr_tools_new(const struct qr_tools_config *config, struct qr_tools **ret,
                               struct qr_err *err);
/** Ends all programs and waits for that; jobs end without a call of `done`. Accepts NULL. */
void qr_tools_free(struct qr_tools *tools);
QR_DEFINE_AUTO(qr_tools)

/** Hand a job over; it waits here until a program may run. Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_tools_submit(struct qr_tools *tools, const struct qr_tools_job *job,
                                  struct qr_err *err);
/** Forget a job: its program is ended. An unknown id is no error. */
void qr_tools_cancel(struct qr_tools *tools, uint64_t id);

size_t qr_tools_jobs(const struct qr_tools *tools);
/** How many more jobs could begin now. */
size_t qr_tools_room(const struct qr_tools *tools);
/** Milliseconds since the job began; -1: it waits, or is unknown. */
int64_t qr_tools_since_ms(const struct qr_tools *tools, uint64_t id);

/** Closes what the program wrote: nobody wants it. */
void qr_tools_drop(const struct qr_tools_result *result);

/** What is left of a budget for the child; one that only has to say what failed gets some all the
 *  same. */
int64_t qr_tools_left_ms(const struct qr_prepared *prepared, int64_t budget_ms, int64_t used_ms);

/** What the pool's child is to know of a result. */
void qr_tools_prepared(const struct qr_tools_result *result, const char *type,
                       struct qr_prepared *ret);

/** As those of the pool. */
int qr_tools_fd(const struct qr_tools *tools);
int qr_tools_wait_ms(const struct qr_tools *tools);
void qr_tools_dispatch(struct qr_tools *tools);
