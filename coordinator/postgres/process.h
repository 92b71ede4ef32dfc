/* coordinator/postgres/process.h
 *
 * Running PostgreSQL's programs as the user it wants, with a deadline and their output in a file.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct qr_pg_user {
    bool drop; /* we are root: become uid, gid */
    uid_t uid;
    gid_t gid;
};

/** Ourselves, or user `postgres` when we are root. QR_E_NOT_FOUND: no such user. */
QR_MUST_CHECK int qr_pg_user_find(struct qr_pg_user *ret, struct qr_err *err);

/** Start a program; standard output and error are appended to `log_path`. Its own process group, so
 *  that Ctrl-C on our terminal does not reach it. */
QR_MUST_CHECK int qr_pg_spawn(const struct qr_pg_user *user, const char *const *argv,
                              const char *log_path, pid_t *ret, struct qr_err *err);

/** The same and wait; its exit code, or 128 + signal. QR_E_TIMEOUT: killed after `timeout_ms`. */
QR_MUST_CHECK int qr_pg_run(const struct qr_pg_user *user, const char *const *argv,
                            const char *log_path, int64_t timeout_ms, int *ret_code,
                            struct qr_err *err);

/** The last line of a log that says FATAL, PANIC or "error:", or simply the last; "" when none. */
void qr_pg_last_words(const char *log_path, char *ret, size_t cap);
