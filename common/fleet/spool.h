/* common/fleet/spool.h
 *
 * The spool: what a worker process must not forget, in one folder on its own disk.
 *
 *     lock          held (flock) while a process uses the folder; a second one is refused
 *     counter       how often a process has started here: orders the lives of a worker (protocol,
 *                   "Session")
 *     epoch         the cluster epoch seen last; results of another epoch belong to another
 * database journal-N     append-only records, each with a checksum: result, start, end, gone
 *
 * A result is written before it is sent and forgotten only when the coordinator has decided about
 * it (rule 4). Written means write(2): that survives the death of the process. Power loss is
 * another matter: a result that is acknowledged soon needs no fsync at all, because losing it costs
 * nothing but doing the work again. So results are sent at once and the journal is fsynced in the
 * background only for results still waiting after QR_SPOOL_SYNC_MS, all of them with one call. Tiny
 * jobs run at full speed, and what piles up while no coordinator is there is durable.
 *
 * Starts say which jobs were running: those of an earlier life are suspects (rule 7).
 *
 * A damaged record is skipped and counted; the next intact one is found by its mark. A full disk
 * keeps new results in memory, which is capped; qr_spool_is_full() then says to take no more work.
 *
 * Not thread-safe: one thread uses it. (A thread of its own does the fsync.)
 * Record format: common/fleet/spool_journal.c. Design: docs/worker.md "Spool".
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/base.h"
#include "common/err.h"

enum { QR_SPOOL_SYNC_MS = 500, QR_SPOOL_PARTS_MAX = 4, QR_SPOOL_EPOCH_MAX = 64 };
#define QR_SPOOL_ENTRY_MAX ((size_t)256 << 20) /* one result */
#define QR_SPOOL_MEMORY_MAX ((size_t)64 << 20) /* results kept in memory while the disk is full */

struct qr_spool;

struct qr_spool_config {
    const char *dir;       /* made when missing, its parents too */
    int64_t max_bytes;     /* waiting results beyond which the spool counts as full */
    int64_t reserve_bytes; /* less free space on the disk than this: full */
};

/** What opening found; for the log. */
struct qr_spool_report {
    uint64_t results;         /* waiting for an answer */
    uint64_t earlier_starts;  /* started by an earlier life and not finished */
    uint64_t damaged_records; /* places where intact records were missing in the middle */
    uint64_t damaged_bytes;   /* bytes skipped there */
    uint64_t torn_bytes;      /* unfinished write at the end of a journal: normal after a crash */
};

/**
 * Open the folder, lock it, count the start and read what earlier lives left.
 *
 *   config  copied
 *
 * Errors: QR_E_EXISTS, another process has it. QR_E_DENIED, QR_E_IO, the folder cannot be made,
 * read or written (hint in the message). QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_spool_open(const struct qr_spool_config *config, struct qr_spool **ret,
                                struct qr_err *err);
/** Fsyncs when results wait, and unlocks. */
void qr_spool_free(struct qr_spool *spool);
QR_DEFINE_AUTO(qr_spool)

void qr_spool_get_report(const struct qr_spool *spool, struct qr_spool_report *ret);

/** 1 for the first process that ever used the folder. */
uint64_t qr_spool_start_counter(const struct qr_spool *spool);
/** Set the counter, durably. Errors: QR_E_IO. */
QR_MUST_CHECK int qr_spool_set_start_counter(struct qr_spool *spool, uint64_t counter,
                                             struct qr_err *err);

/** The cluster epoch seen last; *ret_len is 0 when none was. */
const uint8_t *qr_spool_epoch(const struct qr_spool *spool, size_t *ret_len);
/**
 * Remember the epoch. When another one was known, all results and starts are of a database that is
 * gone: they are dropped and counted in *ret_dropped.
 *
 * Errors: QR_E_INVALID, longer than QR_SPOOL_EPOCH_MAX. QR_E_IO.
 */
QR_MUST_CHECK int qr_spool_set_epoch(struct qr_spool *spool, const uint8_t *epoch, size_t len,
                                     uint64_t *ret_dropped, struct qr_err *err);

/** A job starts / is over without a result (released, dropped). A start that cannot be written is
 *  no reason not to run: QR_E_IO is returned for the log. An end of no start does nothing. */
QR_MUST_CHECK int qr_spool_start(struct qr_spool *spool, uint64_t lease_id, uint64_t job_id,
                                 struct qr_err *err);
void qr_spool_end(struct qr_spool *spool, uint64_t lease_id);
/** The process leaves in good order: what it had started did not kill it. */
void qr_spool_end_all(struct qr_spool *spool);

typedef void (*qr_spool_each_fn)(void *ctx, uint64_t lease_id, uint64_t job_id, size_t bytes);
/** Starts of earlier lives / results, oldest first. The callback must not change the spool. */
void qr_spool_each_earlier_start(const struct qr_spool *spool, qr_spool_each_fn fn, void *ctx);
void qr_spool_each_result(const struct qr_spool *spool, qr_spool_each_fn fn, void *ctx);
/** The coordinator knows the starts of earlier lives now. */
void qr_spool_forget_earlier_starts(struct qr_spool *spool);

/**
 * Keep a result, given in parts that are stored one behind the other; ends the lease's start.
 * A second result for the same lease replaces the first.
 *
 * Returns QR_OK when it is written, or kept in memory because the disk refused.
 * Errors: QR_E_LIMIT, neither is possible, or larger than QR_SPOOL_ENTRY_MAX. QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_spool_put(struct qr_spool *spool, uint64_t lease_id, uint64_t job_id,
                               const struct iovec *parts, size_t n_parts, int64_t now_ms,
                               struct qr_err *err);

/** Size of a result; 0 when there is none. */
size_t qr_spool_size(const struct qr_spool *spool, uint64_t lease_id);
/**
 * Read part of a result.
 *
 * Errors: QR_E_NOT_FOUND, no such result, or not that long. QR_E_IO.
 */
QR_MUST_CHECK int qr_spool_read(const struct qr_spool *spool, uint64_t lease_id, size_t offset,
                                void *buf, size_t len, struct qr_err *err);
/** The coordinator has decided: forget the result. Unknown ids are ignored. */
void qr_spool_remove(struct qr_spool *spool, uint64_t lease_id);

size_t qr_spool_count(const struct qr_spool *spool); /* results */
int64_t qr_spool_bytes(const struct qr_spool *spool);
int64_t qr_spool_disk_free(const struct qr_spool *spool); /* as of the last tick */

/** True: take no more work; *ret_reason (may be NULL) says why, valid until the next call. */
bool qr_spool_is_full(const struct qr_spool *spool, const char **ret_reason);

/** Call about once in 100 ms: looks at the free space, writes what a full disk kept in memory, has
 *  the journal fsynced, gives back space. */
void qr_spool_tick(struct qr_spool *spool, int64_t now_ms);
