#include "coordinator/postgres/postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "coordinator/postgres/process.h"

enum {
    VERSION_MIN = 14,
    VERSION_MAX = 40, /* looked for, newest first */
    START_TIMEOUT_MS = 60000,
    STOP_TIMEOUT_MS = 60000,
    CONNECTIONS = 60,
    SPACE_MIN_MIB = 200,
};

struct qr_postgres {
    struct qr_pg_user user;
    char dir[PATH_MAX];        /* absolute */
    char data[PATH_MAX + 16];  /* dir/data: the cluster */
    char socket_dir[PATH_MAX]; /* dir/run, or below /tmp where that is too long */
    char log[PATH_MAX + 16];
    char bin[PATH_MAX];
    char url[PATH_MAX + 100];
    unsigned max_connections;
    int64_t start_timeout_ms;
    pid_t pid;
    bool child; /* ours to wait for; an adopted server is not */
    atomic_bool reaped;
};

/* ------------------------------------------------------------------ binaries */

static bool has_programs(const char *bin)
{
    char path[PATH_MAX + 16];
    struct stat st;

    snprintf(path, sizeof path, "%s/initdb", bin);
    if (stat(path, &st) != 0)
        return false;
    snprintf(path, sizeof path, "%s/postgres", bin);
    return stat(path, &st) == 0;
}

static int find_programs(struct qr_postgres *pg, const char *bin_dir, struct qr_err *err)
{
    static const char *const places[] = {"/usr/lib/postgresql/%d/bin", "/usr/pgsql-%d/bin",
                                         "/usr/local/pgsql-%d/bin"};
    char *path = getenv("PATH");

    if (bin_dir) {
        snprintf(pg->bin, sizeof pg->bin, "%s", bin_dir);
        if (has_programs(pg->bin))
            return QR_OK;
        return qr_fail(err, QR_E_NOT_FOUND, "no initdb and postgres in '%s'", bin_dir);
    }
    for (int version = VERSION_MAX; version >= VERSION_MIN; version--)
        for (size_t i = 0; i < QR_COUNT(places); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(pg->bin, sizeof pg->bin, places[i], version);
#pragma GCC diagnostic pop
            if (has_programs(pg->bin))
                return QR_OK;
        }
    char *copy = path ? strdup(path) : NULL;
    for (char *rest = copy, *part; (part = strsep(&rest, ":")) != NULL;) {
        snprintf(pg->bin, sizeof pg->bin, "%s", part);
        if (part[0] == '/' && has_programs(pg->bin)) {
            free(copy);
            return QR_OK;
        }
    }
    free(copy);
    return qr_fail(err, QR_E_NOT_FOUND,
                   "PostgreSQL's programs (initdb, postgres) were not found; hint: install "
                   "postgresql-15 or use --database URL");
}

/* ------------------------------------------------------------------ folders */

/* Would the user that runs the server get to `dir`? Every parent must let it through. */
static int check_reach(const struct qr_pg_user *user, const char *dir, struct qr_err *err)
{
    char path[PATH_MAX];
    struct stat st;

    if (!user->drop)
        return QR_OK;
    snprintf(path, sizeof path, "%s", dir);
    for (char *slash = strrchr(path, '/'); slash && slash != path; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (stat(path, &st) != 0)
            return qr_fail_errno(err, QR_E_IO, errno, "look at '%s'", path);
        mode_t bit = st.st_uid == user->uid ? S_IXUSR : st.st_gid == user->gid ? S_IXGRP : S_IXOTH;
        if (!(st.st_mode & bit))
            return qr_fail(err, QR_E_DENIED,
                           "user postgres cannot reach '%s': '%s' is closed to it; hint: choose "
                           "another folder, or chmod o+x '%s'",
                           dir, path, path);
    }
    return QR_OK;
}

static int make_dir(const struct qr_postgres *pg, const char *path, struct qr_err *err)
{
    struct stat st;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        int sys = errno;
        return qr_fail_errno(err, sys == EACCES || sys == EPERM ? QR_E_DENIED : QR_E_IO, sys,
                             "make folder '%s' for the database", path);
    }
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return qr_fail(err, QR_E_IO, "'%s' is not a folder", path);
    if (pg->user.drop) {
        if (chown(path, pg->user.uid, pg->user.gid) != 0)
            return qr_fail_errno(err, QR_E_DENIED, errno, "give '%s' to user postgres", path);
    } else if (st.st_uid != pg->user.uid) {
        return qr_fail(err, QR_E_DENIED,
                       "'%s' belongs to another user; hint: start as that user, or use another "
                       "folder",
                       path);
    }
    if (chmod(path, 0700) != 0)
        return qr_fail_errno(err, QR_E_DENIED, errno, "close '%s' to others", path);
    return QR_OK;
}

/* A socket's path has 107 bytes at most (sockaddr_un); a deep folder gets one below /tmp, named by
 * the folder's device and inode, so that every start finds the same one. */
static int choose_socket_dir(struct qr_postgres *pg, struct qr_err *err)
{
    static const char file[] = "/.s.PGSQL.5432.lock";
    struct stat st;
    char path[PATH_MAX + 16];

    snprintf(path, sizeof path, "%s/run", pg->dir);
    if (strlen(path) + sizeof file > sizeof(((struct sockaddr_un *)0)->sun_path)) {
        if (stat(pg->dir, &st) != 0)
            return qr_fail_errno(err, QR_E_IO, errno, "look at '%s'", pg->dir);
        snprintf(path, sizeof path, "/tmp/quarry-pg-%llx-%llx", (unsigned long long)st.st_dev,
                 (unsigned long long)st.st_ino);
        if (lstat(path, &st) == 0 && (!S_ISDIR(st.st_mode) || st.st_uid != pg->user.uid))
            return qr_fail(err, QR_E_DENIED, "'%s' is in the way; hint: use a shorter folder name",
                           path);
    }
    snprintf(pg->socket_dir, sizeof pg->socket_dir, "%s", path);
    return make_dir(pg, pg->socket_dir, err);
}

static int check_space(const struct qr_postgres *pg, struct qr_err *err)
{
    struct statvfs vfs;

    if (statvfs(pg->dir, &vfs) != 0)
        return qr_fail_errno(err, QR_E_IO, errno, "look at the disk of '%s'", pg->dir);
    unsigned long long mib = (unsigned long long)vfs.f_bavail * vfs.f_frsize >> 20;
    if (mib < SPACE_MIN_MIB)
        return qr_fail(err, QR_E_LIMIT,
                       "only %llu MiB are free in '%s', %d are needed; hint: free some space or "
                       "use another folder",
                       mib, pg->dir, SPACE_MIN_MIB);
    return QR_OK;
}

static int prepare_folders(struct qr_postgres *pg, const char *dir, struct qr_err *err)
{
    char name[PATH_MAX];

    /* the folder may not exist yet, its parent does */
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        int sys = errno;
        return qr_fail_errno(err, sys == EACCES || sys == EPERM ? QR_E_DENIED : QR_E_IO, sys,
                             "make folder '%s' for the database", dir);
    }
    if (!realpath(dir, name))
        return qr_fail_errno(err, QR_E_IO, errno, "resolve '%s'", dir);
    if (strpbrk(name, "'\\\n"))
        return qr_fail(err, QR_E_INVALID,
                       "'%s' has a quote or backslash in it; hint: use another folder", name);
    if (strlen(name) + sizeof "/data/postmaster.pid" > PATH_MAX)
        return qr_fail(err, QR_E_INVALID, "folder name too long: '%s'", name);
    snprintf(pg->dir, sizeof pg->dir, "%s", name);
    snprintf(pg->data, sizeof pg->data, "%s/data", name);
    snprintf(pg->log, sizeof pg->log, "%s/postgres.log", name);
    int rc = check_reach(&pg->user, pg->dir, err);
    if (rc == QR_OK)
        rc = make_dir(pg, pg->dir, err);
    if (rc == QR_OK)
        rc = choose_socket_dir(pg, err);
    return rc;
}

/* ------------------------------------------------------------------ initdb */

static int init_cluster(struct qr_postgres *pg, struct qr_err *err)
{
    char initdb[PATH_MAX + 16];
    char making[PATH_MAX + 16];
    char words[400];
    struct stat st;
    int code;

    if (stat(pg->data, &st) == 0)
        return QR_OK;
    int rc = check_space(pg, err);
    if (rc < 0)
        return rc;
    snprintf(initdb, sizeof initdb, "%s/initdb", pg->bin);
    snprintf(making, sizeof making, "%s/data.new", pg->dir);
    /* what an initdb cut short left behind; data itself appears whole or not at all */
    const char *const rm[] = {"/bin/rm", "-rf", making, NULL};
    const char *const argv[] = {initdb,
                                "-D",
                                making,
                                "-E",
                                "UTF8",
                                "--locale=C",
                                "-U",
                                "quarry",
                                "-A",
                                "trust",
                                "--no-instructions",
                                NULL};
    rc = qr_pg_run(&pg->user, rm, pg->log, START_TIMEOUT_MS, &code, err);
    if (rc == QR_OK)
        rc = qr_pg_run(&pg->user, argv, pg->log, START_TIMEOUT_MS, &code, err);
    if (rc < 0)
        return rc;
    if (code != 0) {
        qr_pg_last_words(pg->log, words, sizeof words);
        return qr_fail(err, QR_E_IO, "initdb failed (exit %d): %s; hint: see '%s'", code, words,
                       pg->log);
    }
    if (rename(making, pg->data) != 0)
        return qr_fail_errno(err, QR_E_IO, errno, "rename '%s' to '%s'", making, pg->data);
    return QR_OK;
}

/* Settings are rewritten at every start, so a newer program brings newer ones. */
static int write_settings(const struct qr_postgres *pg, struct qr_err *err)
{
    char path[PATH_MAX + 64];
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    long long mib = pages > 0 && page > 0 ? (long long)pages * page >> 20 : 1024;
    long long buffers = mib / 8 < 128 ? 128 : mib / 8 > 2048 ? 2048 : mib / 8;

    snprintf(path, sizeof path, "%s/quarry.conf", pg->data);
    FILE *file = fopen(path, "we");
    if (!file)
        return qr_fail_errno(err, QR_E_IO, errno, "write '%s'", path);
    fprintf(file,
            "# written by quarry-coordinator at every start\n"
            "listen_addresses = ''\n"
            "unix_socket_directories = '%s'\n"
            "unix_socket_permissions = 0700\n"
            "port = 5432\n"
            "max_connections = %u\n"
            "max_locks_per_transaction = 256\n"
            "shared_buffers = %lldMB\n"
            "effective_cache_size = %lldMB\n"
            "work_mem = 16MB\n"
            "maintenance_work_mem = 128MB\n"
            "fsync = on\n"
            "synchronous_commit = on\n"
            "full_page_writes = on\n"
            "wal_compression = on\n"
            "wal_buffers = 16MB\n"
            "min_wal_size = 256MB\n"
            "max_wal_size = 4GB\n"
            "checkpoint_timeout = 15min\n"
            "checkpoint_completion_target = 0.9\n"
            "wal_level = replica\n"
            "max_wal_senders = 2\n"
            "random_page_cost = 1.1\n"
            "jit = off\n"
            "autovacuum_naptime = 15s\n"
            "autovacuum_vacuum_cost_delay = 1ms\n"
            "track_io_timing = on\n"
            "timezone = 'UTC'\n"
            "log_timezone = 'UTC'\n"
            "log_checkpoints = off\n"
            "log_min_duration_statement = 5s\n",
            pg->socket_dir, pg->max_connections, buffers, mib / 2);
    bool ok = fflush(file) == 0 &&
              (!pg->user.drop || fchown(fileno(file), pg->user.uid, pg->user.gid) == 0);
    int sys = errno;
    if (fclose(file) != 0 || !ok)
        return qr_fail_errno(err, QR_E_IO, sys, "write '%s'; hint: is the disk full?", path);
    return QR_OK;
}

/* ------------------------------------------------------------------ the server */

/* postmaster.pid: line 1 pid, line 8 "ready". Source: src/include/utils/pidfile.h. */
static pid_t read_pid_file(const struct qr_postgres *pg, bool *ret_ready)
{
    char path[PATH_MAX + 64];
    char line[PATH_MAX];
    pid_t pid = 0;

    *ret_ready = false;
    snprintf(path, sizeof path, "%s/postmaster.pid", pg->data);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    for (int i = 1; fgets(line, sizeof line, file); i++) {
        if (i == 1)
            pid = (pid_t)strtol(line, NULL, 10);
        if (i == 8)
            *ret_ready = strncmp(line, "ready", 5) == 0;
    }
    fclose(file);
    return pid;
}

/* Is this process a postgres of this cluster? Its working directory is the data folder. */
static bool is_our_server(const struct qr_postgres *pg, pid_t pid)
{
    char link[64];
    char cwd[PATH_MAX + 16];

    if (pid <= 1 || kill(pid, 0) != 0)
        return false;
    snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    ssize_t n = readlink(link, cwd, sizeof cwd - 1);
    if (n < 0)
        return false;
    cwd[n] = '\0';
    return strcmp(cwd, pg->data) == 0;
}

static int spawn_server(struct qr_postgres *pg, struct qr_err *err)
{
    char postgres[PATH_MAX + 16];
    char config[PATH_MAX + 64];
    char hba[PATH_MAX + 64];

    snprintf(postgres, sizeof postgres, "%s/postgres", pg->bin);
    snprintf(config, sizeof config, "config_file=%s/quarry.conf", pg->data);
    snprintf(hba, sizeof hba, "hba_file=%s/pg_hba.conf", pg->data);
    const char *const argv[] = {postgres, "-D", pg->data, "-c", config, "-c", hba, NULL};
    int rc = qr_pg_spawn(&pg->user, argv, pg->log, &pg->pid, err);
    pg->child = rc == QR_OK;
    atomic_store(&pg->reaped, false);
    return rc;
}

static int wait_ready(struct qr_postgres *pg, struct qr_err *err)
{
    int64_t deadline = qr_clock_ms() + pg->start_timeout_ms;
    char words[400];
    bool ready;

    while (qr_clock_ms() < deadline) {
        if (read_pid_file(pg, &ready) == pg->pid && ready)
            return QR_OK;
        if (!qr_postgres_is_running(pg)) {
            qr_pg_last_words(pg->log, words, sizeof words);
            bool full = strstr(words, "No space left") != NULL;
            return qr_fail(err, full ? QR_E_LIMIT : QR_E_UNREACHABLE,
                           "PostgreSQL did not start: %s; hint: %s '%s'", words,
                           full ? "free some space on the disk of" : "see",
                           full ? pg->dir : pg->log);
        }
        qr_clock_sleep_ms(20);
    }
    qr_pg_last_words(pg->log, words, sizeof words);
    return qr_fail(err, QR_E_TIMEOUT, "PostgreSQL was not ready within %lld ms: %s; hint: see '%s'",
                   (long long)pg->start_timeout_ms, words, pg->log);
}

static int start_server(struct qr_postgres *pg, struct qr_err *err)
{
    bool ready;
    pid_t running = read_pid_file(pg, &ready);

    if (is_our_server(pg, running)) {
        pg->pid = running; /* of a coordinator that was killed */
        pg->child = false;
        return wait_ready(pg, err);
    }
    int rc = write_settings(pg, err);
    if (rc == QR_OK)
        rc = spawn_server(pg, err);
    return rc < 0 ? rc : wait_ready(pg, err);
}

int qr_postgres_start(const struct qr_postgres_config *config, struct qr_postgres **ret,
                      struct qr_err *err)
{
    struct qr_postgres *pg = calloc(1, sizeof *pg);

    if (!pg)
        return qr_fail(err, QR_E_NOMEM, "start PostgreSQL: out of memory");
    pg->max_connections = config->max_connections ? config->max_connections : CONNECTIONS;
    pg->start_timeout_ms = config->start_timeout_ms ? config->start_timeout_ms : START_TIMEOUT_MS;
    int rc = qr_pg_user_find(&pg->user, err);
    if (rc == QR_OK)
        rc = find_programs(pg, config->bin_dir, err);
    if (rc == QR_OK)
        rc = prepare_folders(pg, config->dir, err);
    if (rc == QR_OK)
        rc = init_cluster(pg, err);
    if (rc == QR_OK)
        rc = start_server(pg, err);
    if (rc < 0) {
        qr_postgres_stop(pg, true);
        return rc;
    }
    snprintf(pg->url, sizeof pg->url, "host='%s' port=5432 user=quarry dbname=postgres",
             pg->socket_dir);
    *ret = pg;
    return QR_OK;
}

const char *qr_postgres_url(const struct qr_postgres *pg) { return pg->url; }

int qr_postgres_pid(const struct qr_postgres *pg) { return (int)pg->pid; }

bool qr_postgres_is_running(const struct qr_postgres *pg)
{
    struct qr_postgres *p = (struct qr_postgres *)(uintptr_t)pg;

    if (pg->pid <= 0 || atomic_load(&p->reaped))
        return false;
    if (!pg->child)
        return is_our_server(pg, pg->pid);
    if (waitpid(pg->pid, NULL, WNOHANG) == 0)
        return true;
    atomic_store(&p->reaped, true);
    return false;
}

void qr_postgres_stop(struct qr_postgres *pg, bool fast)
{
    /* SIGINT: fast shutdown, SIGTERM: smart, SIGQUIT: immediate.
     * Source: PostgreSQL manual, "Shutting Down the Server". */
    int64_t deadline = qr_clock_ms() + STOP_TIMEOUT_MS;

    if (!pg)
        return;
    if (qr_postgres_is_running(pg))
        kill(pg->pid, fast ? SIGINT : SIGTERM);
    while (qr_postgres_is_running(pg) && qr_clock_ms() < deadline)
        qr_clock_sleep_ms(10);
    if (qr_postgres_is_running(pg))
        kill(pg->pid, SIGQUIT);
    deadline = qr_clock_ms() + 5000;
    while (qr_postgres_is_running(pg) && qr_clock_ms() < deadline)
        qr_clock_sleep_ms(10);
    if (qr_postgres_is_running(pg))
        kill(pg->pid, SIGKILL);
    free(pg);
}
