/* common/os/signal.h
 *
 * Being asked to stop: SIGTERM, SIGINT and SIGHUP (their like on other systems) as flags that a
 * poll loop can wait for. A peer that went away and a file at its limit must not end the process:
 * SIGPIPE and SIGXFSZ are ignored.
 *
 * Call qr_signal_init() once, at the start of the program, before threads are made. The rest is
 * thread-safe. Programs that this one executes get the default actions back, except that those
 * two stay ignored.
 */
#pragma once
#include "common/err.h"

enum qr_signal {
    QR_SIGNAL_TERMINATE = 1 << 0, /* SIGTERM: finish in an orderly way */
    QR_SIGNAL_INTERRUPT = 1 << 1, /* SIGINT: the user pressed Ctrl-C */
    QR_SIGNAL_HANGUP = 1 << 2,    /* SIGHUP */
};

/** Errors: QR_E_LIMIT, no file descriptor left. */
QR_MUST_CHECK int qr_signal_init(struct qr_err *err);

/** A descriptor that is readable while flags wait to be taken; owned by the module. */
int qr_signal_fd(void);

/** The flags that came in since the last call, QR_SIGNAL_* or-ed; 0 when none. */
unsigned qr_signal_take(void);
