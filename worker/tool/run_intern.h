/* worker/tool/run_intern.h
 *
 * What run.c is made of: a program is started (run_start.c) and watched (run_watch.c). As run.h:
 * inside the warden, blocking, not thread-safe.
 */
#pragma once
#include <stddef.h>

#include "common/err.h"
#include "worker/tool/run.h"

enum qr_tool_end {
    QR_TOOL_END_NONE, /* it runs */
    QR_TOOL_END_ANSWERED,
    QR_TOOL_END_ENDED,
    QR_TOOL_END_STOPPED, /* the caller's `stop` said so */
    QR_TOOL_END_TIMEOUT,
    QR_TOOL_END_MEMORY,
};

/* ---- run_start.c */
/** Does a word of the command hold the mark, "{in}"? */
bool qr_tool_run_mentions(const struct qr_tool_run *run, const char *mark);
/** The name of the file's copy below `folder`: only its extension is the file's own. */
void qr_tool_run_name(const char *folder, const char *name, char *ret, size_t size);
/** Both ends close on exec; both -1 when it fails. Errors: QR_E_LIMIT. */
QR_MUST_CHECK int qr_tool_run_pipe(int ends[2], struct qr_err *err);
/** Starts the command in its cage with these descriptors, which stay the caller's.
 *
 *    in     what {in} becomes, below its folder
 *    cpu_s  processor time that it may use; 0: any
 *
 *  Errors: QR_E_NOT_FOUND no such program; those of qr_cage_start(). */
QR_MUST_CHECK int qr_tool_run_start(struct qr_tool_run *run, const char *in, int64_t cpu_s,
                                    int stdin_fd, int stdout_fd, int stderr_fd, struct qr_err *err);

/* ---- run_watch.c */
/** Until it has answered (a program that stays) or ended, or must be; `until` by qr_clock_ms().
 * Fills *end when it ended. */
enum qr_tool_end qr_tool_run_wait(struct qr_tool_run *run, int64_t until, struct qr_cage_end *end);
/** What it had still to say on its standard error. */
void qr_tool_run_drain(struct qr_tool_run *run);
/** How it ended, when it was not by an answer. */
void qr_tool_run_judge(struct qr_tool_run *run, enum qr_tool_end why, const struct qr_cage_end *end,
                       int64_t budget_ms, struct qr_tool_outcome *ret);

/* ---- run.c */
/** Closes it if it is open; -1 then. */
void qr_tool_run_close(int *fd);
