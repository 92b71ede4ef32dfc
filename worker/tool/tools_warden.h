/* worker/tool/tools_warden.h
 *
 * Wardens as their parent sees them: processes of the worker's own program (warden.c), each with
 * one foreign program in its care. Started when there is work, kept for the next file of that
 * program, ended when idle. Inside worker/tool/ only; on the thread of its qr_tools.
 */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/os/pipe.h"
#include "common/os/process.h"
#include "worker/tool/tools.h"

enum { QR_TOOLS_STOP_MS = 1000 }; /* for a warden that was told to stop */

struct qr_tools_task {
    struct qr_tools_task *next;
    uint64_t id;
    int fd; /* the caller's */
    const struct qr_tool *tool;
    int64_t budget_ms;
    char name[]; /* the end of it, where it is long */
};

struct qr_tools_warden {
    bool up;
    struct qr_process process;
    struct qr_pipe pipe;
    const struct qr_tool *tool;
    struct qr_tools_task *task; /* NULL while `busy`: cancelled */
    bool busy;
    int64_t since_ms; /* it began, or is idle */
    int64_t kill_ms;  /* it is broken, if it has not answered then */
};

struct qr_tools {
    struct qr_tools_config config;
    char program[PATH_MAX];
    char temp[PATH_MAX];
    int epoll;
    struct qr_tools_warden *wardens;
    size_t n_wardens;
    struct qr_tools_task *waiting; /* oldest first */
    size_t n_jobs;
};

/** An idle one with that program, else an empty place, else an idle one with another, which is
 * ended first; NULL: all are busy. */
struct qr_tools_warden *qr_tools_warden_choose(struct qr_tools *tools, const struct qr_tool *tool);
/** Starts it if need be and hands the file over; it keeps `task` until it answers or is broken.
 *  Errors: QR_E_LIMIT, QR_E_NOMEM, QR_E_INVALID a command that is too long; the task is still the
 *  caller's then. */
QR_MUST_CHECK int qr_tools_warden_give(struct qr_tools *tools, struct qr_tools_warden *warden,
                                       struct qr_tools_task *task, struct qr_err *err);
/** Closing the pipe has it end its program; only one that does not within `patience_ms` is killed.
 *  Its place is empty then. */
void qr_tools_warden_end(struct qr_tools_warden *warden, int64_t patience_ms);
