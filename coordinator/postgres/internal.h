/* coordinator/postgres/internal.h
 *
 * What the files of the private cluster share: postgres.c (start, stop), cluster.c (binaries,
 * folder, initdb), spawn.c (programs run as the user the server runs as).
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "coordinator/postgres/postgres.h"

enum { QR_PG_PATH_MAX = 4096, QR_PG_SOCKET_PATH_MAX = 107 /* sun_path, NUL aside */ };

struct qr_pg_user {
    bool drop; /* this process is root: programs run as uid and gid */
    uid_t uid;
    gid_t gid;
};

struct qr_postgres {
    char dir[QR_PG_PATH_MAX];        /* absolute */
    char data[QR_PG_PATH_MAX + 16];  /* dir/data */
    char log[QR_PG_PATH_MAX + 16];   /* dir/postgres.log */
    char socket_dir[QR_PG_PATH_MAX]; /* dir, or a private folder where its name is too long */
    char bin[QR_PG_PATH_MAX];
    char url[QR_PG_PATH_MAX * 2];
    struct qr_pg_user user;
    int lock_fd; /* holds dir/coordinator.lock; -1 */
    pid_t pid;
    bool is_child; /* started by this process; otherwise adopted */
};

/* ---- spawn.c */

/**
 * Run a program, standard input from `input` (NULL: nothing), everything it prints to the log file.
 *
 *   argv[0]  absolute path
 *
 * Errors: QR_E_INTERNAL with the last line of the log when it ends badly; QR_E_TIMEOUT.
 */
QR_MUST_CHECK int qr_pg_run(const struct qr_postgres *pg, const char *const argv[],
                            const char *input, int64_t timeout_ms, struct qr_err *err);

/** Start the server in a session of its own, so that a Ctrl-C at the terminal is not its end. */
QR_MUST_CHECK int qr_pg_spawn(const struct qr_postgres *pg, const char *const argv[], pid_t *ret,
                              struct qr_err *err);

/** Can the server's user enter `path`? */
bool qr_pg_can_enter(const struct qr_pg_user *user, const char *path);

/** Last line of the log file, "" when there is none. */
void qr_pg_last_log_line(const struct qr_postgres *pg, char *line, size_t size);

/* ---- cluster.c */
QR_MUST_CHECK int qr_pg_find_binaries(struct qr_postgres *pg, const char *wanted,
                                      struct qr_err *err);
/** Folder made, owned, private and locked; socket folder chosen; URL written. */
QR_MUST_CHECK int qr_pg_prepare_folder(struct qr_postgres *pg, const char *dir, struct qr_err *err);
/** initdb and the database, unless that was done. */
QR_MUST_CHECK int qr_pg_init(const struct qr_postgres *pg, struct qr_err *err);
