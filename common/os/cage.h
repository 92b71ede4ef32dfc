/* common/os/cage.h
 *
 * A foreign program in a cage: started by a process that stays outside, watches it and ends it.
 *
 * Other than qr_sandbox_enter(), which a process of ours enters before it parses, the program here
 * was written by others and must be able to start: it may read the system's programs and libraries
 * and the folders it was given, write below its own folder, start processes and threads. It cannot
 * reach the network or any socket, gain rights, trace or signal processes outside, leave its
 * process group, or outlive whoever started it. Layers that the kernel or the rights of the user do
 * not allow are skipped and reported; what always holds on Linux is no_new_privs, limits and
 * seccomp.
 *
 * For a process with one thread: it forks. docs/sandbox.md, "Foreign programs".
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"

enum { QR_CAGE_PATHS = 32 };

struct qr_cage_config {
    const char *const *argv;          /* NULL-terminated; argv[0] is a path */
    const char *dir;                  /* its working folder and the only place it may write to */
    const char *reads[QR_CAGE_PATHS]; /* files and folders it may read besides the system's */
    size_t n_reads;
    int in, out, err;     /* its descriptors 0, 1, 2; borrowed; it gets no other */
    int64_t memory_bytes; /* private memory of each process; 0: no limit */
    int64_t file_bytes;   /* largest file it may write */
    int64_t cpu_s;        /* processor time of each process; 0: no limit */
    int max_processes; /* threads count; kept only where it has namespaces of its own, or a user */
};

struct qr_cage_report {
    bool unprivileged; /* gave up root, or had none */
    bool namespaces; /* processes, network and IPC of its own: nothing survives, nothing is seen */
    int landlock_abi;
    bool landlock;
    bool seccomp;
    bool process_limit;
};

struct qr_cage {
    int64_t pid; /* of the group's leader, which is ours; -1: none */
    int status;  /* the program's own wait status is written here; -1: closed */
    int watch;   /* readable when the leader has ended; -1 where there is none */
};

struct qr_cage_end {
    int exit_code;     /* -1: ended by a signal */
    int signal;        /* 0: it exited */
    int64_t cpu_ms;    /* of all its processes that were waited for */
    int64_t rss_bytes; /* largest of one process */
};

/** What the user is that caged programs run as when the worker is root; the caller otherwise. */
bool qr_cage_user(uint32_t *ret_uid, uint32_t *ret_gid);

/**
 * Start the program. Errors: QR_E_NOT_FOUND there is no such program, or the caged user may not run
 * it; QR_E_LIMIT too many processes; QR_E_INTERNAL a layer that must hold failed.
 */
QR_MUST_CHECK int qr_cage_start(const struct qr_cage_config *config, struct qr_cage *cage,
                                struct qr_cage_report *ret, struct qr_err *err);

/** Has it ended? Ends what it left behind, reaps, fills *ret. False: it runs, or there is none. */
bool qr_cage_poll(struct qr_cage *cage, struct qr_cage_end *ret);

/** End all of it now and wait for that; nothing of it runs afterwards. Accepts one without pid. */
void qr_cage_kill(struct qr_cage *cage, struct qr_cage_end *ret);

/** Resident memory of all its processes now, in bytes; 0 when it cannot be told. */
int64_t qr_cage_rss(const struct qr_cage *cage);
