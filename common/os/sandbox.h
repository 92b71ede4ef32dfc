/* common/os/sandbox.h
 *
 * The cage of a process that parses untrusted bytes: it puts itself in, and there is no way out.
 *
 * After qr_sandbox_enter() the process can compute, read and write the descriptors it has, receive
 * more over its pipe, and end. It cannot open a path, make a socket, start, signal or trace a
 * process, load code, or take more memory than allowed. Layers that the kernel lacks are skipped
 * and reported as inactive; what always holds on Linux is the closing of descriptors, limits,
 * no_new_privs and seccomp.
 *
 * A call that honest library code may try (open, stat, …) fails with EPERM: a PDF library that
 * looks for a system font goes on without it. A call that only an exploit makes (execve, ptrace,
 * socket, fork, …) ends the process with SIGSYS, which is reported as a crash and seen.
 * docs/sandbox.md has the list.
 *
 * To be called once, by a process with one thread, before the first untrusted byte.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"

/** Address space beyond memory_bytes, for files that are mapped to be read. */
#define QR_SANDBOX_MAP_BYTES ((uint64_t)16 << 30)

struct qr_sandbox_config {
    int keep_fd;          /* the pipe: with 0, 1 and 2 the only descriptor left open; -1: none */
    int64_t memory_bytes; /* private memory; 0: no limit. Skipped under address sanitizers */
    int max_fds;          /* descriptors at a time */
};

struct qr_sandbox_report {
    bool fds_closed;
    bool dies_with_parent;
    bool no_new_privs;
    bool unprivileged; /* gave up root, or had none */
    bool memory_limit;
    bool limits;      /* no core, no files, few descriptors */
    int landlock_abi; /* 0: the kernel has none */
    bool landlock; /* file system out of reach, and network and signals where the ABI knows them */
    bool seccomp;
};

/**
 * Errors: QR_E_INTERNAL when a layer that must hold failed; the process must not go on then.
 */
QR_MUST_CHECK int qr_sandbox_enter(const struct qr_sandbox_config *config,
                                   struct qr_sandbox_report *ret, struct qr_err *err);

/** One line a layer, "seccomp          active", for people. */
void qr_sandbox_print(const struct qr_sandbox_report *report, char *text, size_t size);
