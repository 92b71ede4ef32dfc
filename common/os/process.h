/* common/os/process.h
 *
 * Start a program with exactly the descriptors it is meant to have, watch it end, end it.
 *
 * A process that was started must be reaped with qr_process_poll(); until then its id stays its
 * own, so qr_process_kill() never hits a stranger. Calls on one qr_process are not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"

struct qr_process {
    int64_t pid; /* -1: none, or reaped */
    int watch;   /* a descriptor that is readable when the process has ended; -1 where there is none
                  */
};

struct qr_process_end {
    int exit_code;     /* -1: ended by a signal */
    int signal;        /* 0: it exited */
    int64_t cpu_ms;    /* user and system time of its whole life */
    int64_t rss_bytes; /* largest resident size */
};

/**
 * Start `path` with `argv` (NULL-terminated).
 *
 *   channel   becomes descriptor 3 of the new process; its standard input and output are the null
 * device keep_stderr  false: standard error is the null device as well
 *
 * The process gets its own process group (a Ctrl-C at the terminal does not reach it) and default
 * signal handling. It inherits no other descriptor than those not marked close-on-exec. Errors:
 * QR_E_NOT_FOUND no such program, QR_E_LIMIT too many processes, QR_E_INTERNAL otherwise.
 */
QR_MUST_CHECK int qr_process_start(struct qr_process *process, const char *path,
                                   const char *const argv[], int channel, bool keep_stderr,
                                   struct qr_err *err);

/** Has it ended? Reaps it then and fills *ret; false: still running (or nothing to wait for). */
bool qr_process_poll(struct qr_process *process, struct qr_process_end *ret);

/** The same, waiting for the end. */
bool qr_process_wait(struct qr_process *process, struct qr_process_end *ret);

/** End it the hard way; it still has to be reaped. */
void qr_process_kill(struct qr_process *process);

/** Resident memory now, in bytes; 0 when it cannot be told. */
int64_t qr_process_rss(const struct qr_process *process);

/** Path of the running program. Returns false when it does not fit or cannot be told. */
bool qr_process_self(char *path, size_t size);

/** Name of a signal, "SIGSEGV"; "signal 99" style for unknown ones is written to `scratch`. */
const char *qr_process_signal_name(int signal, char scratch[24]);

/** Number of processors this process may use, at least 1. */
int qr_process_cpus(void);
