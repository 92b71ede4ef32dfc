/* common/os/unix/seccomp.h
 *
 * The system calls a sandboxed process may make. Only sandbox.c and cage.c beside call this.
 */
#pragma once
#include <stdbool.h>

#include "common/err.h"

/** Load the filter for good. `sanitized`: allow what the sanitizers' run time needs besides. */
QR_MUST_CHECK int qr_seccomp_enter(bool sanitized, struct qr_err *err);

/** The same for a foreign program that is about to be run: all but a list of calls is allowed. */
QR_MUST_CHECK int qr_seccomp_enter_program(struct qr_err *err);
