/* common/os/unix/seccomp.h
 *
 * The system calls a sandboxed process may make. Only common/os/unix/sandbox.c calls this.
 */
#pragma once
#include <stdbool.h>

#include "common/err.h"

/** Load the filter for good. `sanitized`: allow what the sanitizers' run time needs besides. */
QR_MUST_CHECK int qr_seccomp_enter(bool sanitized, struct qr_err *err);
