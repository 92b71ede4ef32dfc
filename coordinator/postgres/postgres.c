#include "coordinator/postgres/postgres.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "coordinator/postgres/internal.h"

enum {
    MAX_CONNECTIONS = 60,
    START_MS = 60000,
    ASK_MS = 30000,
    STOP_MS = 60000, /* then it is stopped hard */
    STOP_HARD_MS = 10000,
    LOG_KEEP_BYTES = 16 << 20
};

/* Durability stays on; the rest suits many small transactions and few connections. */
static const char *const settings[] = {
    "listen_addresses=",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=256MB",
    "wal_buffers=16MB",
    "max_wal_size=4GB",
    "min_wal_size=512MB",
    "checkpoint_timeout=15min",
    "checkpoint_completion_target=0.9",
    "autovacuum_naptime=10s",
    "jit=off",
    "logging_collector=off",
    "log_line_prefix=%m [%p] ",
    "log_timezone=UTC",
    "timezone=UTC",
    "unix_socket_permissions=0700",
};

/* ------------------------------------------------------------------ postmaster.pid */

/* Lines of the file: 1 process, 2 data folder, 3 start time, 4 port, 5 socket folder, 6 address, 7
 * shared memory, 8 state. Source: PostgreSQL, src/include/utils/pidfile.h. */
struct pid_file {
    pid_t pid;
    char socket_dir[QR_PG_PATH_MAX];
    bool ready;
};

static bool read_pid_file(const struct qr_postgres *pg, struct pid_file *ret)
{
    char path[QR_PG_PATH_MAX + 32], line[QR_PG_PATH_MAX];

    snprintf(path, sizeof path, "%s/postmaster.pid", pg->data);
    FILE *in = fopen(path, "re");
    memset(ret, 0, sizeof *ret);
    if (!in)
        return false;
    for (int n = 1; fgets(line, sizeof line, in); n++) {
        line[strcspn(line, "\n")] = '\0';
        if (n == 1)
            ret->pid = (pid_t)strtol(line, NULL, 10);
        else if (n == 5)
            snprintf(ret->socket_dir, sizeof ret->socket_dir, "%s", line);
        else if (n == 8)
            ret->ready = strncmp(line, "ready", 5) == 0;
    }
    fclose(in);
    return ret->pid > 1;
}

/* Is this process really the server of this folder? A process id may belong to a stranger by now.
 */
static bool is_our_server(const struct qr_postgres *pg, pid_t pid)
{
    char path[64], cwd[QR_PG_PATH_MAX], real[PATH_MAX];

    snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
    ssize_t len = readlink(path, cwd, sizeof cwd - 1);
    if (len < 0)
        return false;
    cwd[len] = '\0';
    return realpath(pg->data, real) &&
           strcmp(real, cwd) == 0; /* postgres works in its data folder */
}

/* ------------------------------------------------------------------ start */

static int wait_until_ready(struct qr_postgres *pg, int64_t timeout_ms, struct qr_err *err)
{
    int64_t deadline = qr_clock_ms() + timeout_ms;
    struct pid_file file;
    char line[300];

    for (;;) {
        if (read_pid_file(pg, &file) && file.pid == pg->pid && file.ready)
            return QR_OK;
        if (!qr_postgres_is_running(pg)) {
            qr_pg_last_log_line(pg, line, sizeof line);
            return qr_fail(err, QR_E_DB, "PostgreSQL did not start: %s; hint: see '%.150s'",
                           line[0] ? line : "it said nothing", pg->log);
        }
        if (qr_clock_ms() > deadline)
            return qr_fail(err, QR_E_TIMEOUT,
                           "PostgreSQL is not ready after %lld s; hint: see '%.150s', a recovery "
                           "after a crash may take longer",
                           (long long)timeout_ms / 1000, pg->log);
        qr_clock_sleep_ms(20);
    }
}

static bool adopt(struct qr_postgres *pg)
{
    struct pid_file file;

    if (!read_pid_file(pg, &file) || kill(file.pid, 0) < 0 || !is_our_server(pg, file.pid))
        return false;
    pg->pid = file.pid;
    pg->is_child = false;
    return true;
}

/* How pages are compressed in the log after a checkpoint: lz4 costs a fraction of pglz's time.
 * Servers before 15, and those built without it, have pglz alone. */
static const char *wal_compression(const struct qr_postgres *pg)
{
    static const char lz4[] = "wal_compression=lz4";
    char program[QR_PG_PATH_MAX + 16];
    struct qr_err err;

    snprintf(program, sizeof program, "%s/postgres", pg->bin);
    const char *const argv[] = {program, "-D", pg->data, "-c", lz4, "-C", "wal_compression", NULL};
    return qr_pg_run(pg, argv, NULL, ASK_MS, &err) == QR_OK ? lz4 : "wal_compression=on";
}

static int launch(struct qr_postgres *pg, unsigned max_connections, struct qr_err *err)
{
    const char *argv[2 * QR_COUNT(settings) + 18];
    char program[QR_PG_PATH_MAX + 16], connections[32];
    struct stat st;
    size_t n = 0;

    if (stat(pg->log, &st) == 0 && st.st_size > LOG_KEEP_BYTES && truncate(pg->log, 0) < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "shorten '%s'", pg->log);
    snprintf(program, sizeof program, "%s/postgres", pg->bin);
    snprintf(connections, sizeof connections, "max_connections=%u", max_connections);
    argv[n++] = program;
    argv[n++] = "-D";
    argv[n++] = pg->data;
    argv[n++] = "-k";
    argv[n++] = pg->socket_dir;
    argv[n++] = "-p";
    argv[n++] = "5432";
    argv[n++] = "-c";
    argv[n++] = connections;
    argv[n++] = "-c";
    argv[n++] = wal_compression(pg);
    for (size_t i = 0; i < QR_COUNT(settings); i++) {
        argv[n++] = "-c";
        argv[n++] = settings[i];
    }
    argv[n] = NULL;
    pg->is_child = true;
    return qr_pg_spawn(pg, argv, &pg->pid, err);
}

int qr_postgres_start(const struct qr_postgres_config *config, struct qr_postgres **ret,
                      struct qr_err *err)
{
    struct qr_postgres *pg = calloc(1, sizeof *pg);
    unsigned connections = config->max_connections ? config->max_connections : MAX_CONNECTIONS;
    int64_t timeout_ms = config->start_timeout_ms ? config->start_timeout_ms : START_MS;

    if (!pg)
        return qr_fail(err, QR_E_NOMEM, "no memory to start PostgreSQL");
    pg->lock_fd = -1;
    int rc = qr_pg_find_binaries(pg, config->bin_dir, err);
    if (rc == QR_OK)
        rc = qr_pg_prepare_folder(pg, config->dir, err);
    if (rc == QR_OK)
        rc = qr_pg_init(pg, err);
    if (rc == QR_OK && !adopt(pg))
        rc = launch(pg, connections, err);
    if (rc == QR_OK)
        rc = wait_until_ready(pg, timeout_ms, err);
    if (rc < 0) {
        qr_postgres_stop(pg, true);
        return rc;
    }
    *ret = pg;
    return QR_OK;
}

/* ------------------------------------------------------------------ looking, stopping */

const char *qr_postgres_url(const struct qr_postgres *pg) { return pg->url; }

int qr_postgres_pid(const struct qr_postgres *pg) { return (int)pg->pid; }

bool qr_postgres_is_running(const struct qr_postgres *pg)
{
    siginfo_t info = {.si_pid = 0};

    if (pg->pid <= 0)
        return false;
    if (pg->is_child) /* WNOWAIT: it is reaped when it is stopped */
        return waitid(P_PID, (id_t)pg->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid == 0;
    return kill(pg->pid, 0) == 0 && is_our_server(pg, pg->pid);
}

static bool wait_for_end(const struct qr_postgres *pg, int64_t timeout_ms)
{
    int64_t deadline = qr_clock_ms() + timeout_ms;

    while (qr_postgres_is_running(pg)) {
        if (qr_clock_ms() > deadline)
            return false;
        qr_clock_sleep_ms(10);
    }
    return true;
}

/* SIGTERM waits for clients, SIGINT cuts them off and writes a checkpoint, SIGQUIT leaves recovery
 * to the next start. Source: PostgreSQL manual, "Shutting Down the Server". */
void qr_postgres_stop(struct qr_postgres *pg, bool fast)
{
    if (!pg)
        return;
    if (qr_postgres_is_running(pg)) {
        kill(pg->pid, fast ? SIGINT : SIGTERM);
        if (!wait_for_end(pg, STOP_MS)) {
            kill(pg->pid, SIGQUIT);
            if (!wait_for_end(pg, STOP_HARD_MS))
                kill(pg->pid, SIGKILL);
        }
    }
    if (pg->pid > 0 && pg->is_child)
        waitpid(pg->pid, NULL, 0);
    if (pg->lock_fd >= 0)
        close(pg->lock_fd); /* last: the next owner finds the server stopped */
    free(pg);
}
