/* worker/agent/fetcher.h
 *
 * Threads that open files for the agent's loop, so that a share that does not answer holds up its
 * own jobs but never the beats. Answers come as letters FETCHED, in any order.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/fleet/mailbox.h"
#include "common/roots.h"

struct qr_fetcher;

/**
 *   roots, mailbox  borrowed for the fetcher's life; the roots must not change
 *   threads         1 .. 16; with 0 every request waits
 *
 * Errors: QR_E_NOMEM, QR_E_LIMIT no thread.
 */
QR_MUST_CHECK int qr_fetcher_new(const struct qr_roots *roots, uint64_t max_file_bytes,
                                 struct qr_mailbox *mailbox, int threads, struct qr_fetcher **ret,
                                 struct qr_err *err);

/**
 * Stop the threads. One that hangs in the kernel is waited for at most a second; then this returns
 * false, the fetcher, mailbox and roots stay as they are and the process should exit.
 */
bool qr_fetcher_free(struct qr_fetcher *fetcher);

/** Open the file for job `id`. Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_fetcher_submit(struct qr_fetcher *fetcher, uint64_t id, const char *uri,
                                    const uint8_t *raw, size_t raw_len, struct qr_err *err);

/** See what the names in the file of job `id` refer to (refer.h): a letter REFERRED. Errors:
 *  QR_E_NOMEM. */
QR_MUST_CHECK int qr_fetcher_refer(struct qr_fetcher *fetcher, uint64_t id, const char *uri,
                                   const char *names, size_t names_len, struct qr_err *err);

/** Does it still wait for a thread? */
bool qr_fetcher_is_waiting(struct qr_fetcher *fetcher, uint64_t id);
/** Take a request back that still waits; false: it does not, an answer came or will come. */
bool qr_fetcher_withdraw(struct qr_fetcher *fetcher, uint64_t id);
