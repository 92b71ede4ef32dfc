#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coordinator/postgres/internal.h"

enum { OLDEST_MAJOR = 14, INITDB_MS = 300000 };

static const char debian_versions[] = "/usr/lib/postgresql";

/* ------------------------------------------------------------------ binaries */

static bool has_server(const char *bin)
{
    char path[QR_PG_PATH_MAX + 16];

    snprintf(path, sizeof path, "%s/initdb", bin);
    if (access(path, X_OK) < 0)
        return false;
    snprintf(path, sizeof path, "%s/postgres", bin);
    return access(path, X_OK) == 0;
}

static int newest_debian_version(void)
{
    DIR *dir = opendir(debian_versions);
    struct dirent *entry;
    int newest = 0;

    while (dir && (entry = readdir(dir))) {
        char bin[QR_PG_PATH_MAX];
        int major = atoi(entry->d_name);
        snprintf(bin, sizeof bin, "%s/%d/bin", debian_versions, major);
        if (major >= OLDEST_MAJOR && major > newest && has_server(bin))
            newest = major;
    }
    if (dir)
        closedir(dir);
    return newest;
}

static bool find_on_path(char *bin, size_t size)
{
    const char *path = getenv("PATH");

    while (path && *path) {
        size_t len = strcspn(path, ":");
        snprintf(bin, size, "%.*s", (int)len, path);
        if (bin[0] == '/' && has_server(bin))
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

int qr_pg_find_binaries(struct qr_postgres *pg, const char *wanted, struct qr_err *err)
{
    if (wanted) {
        snprintf(pg->bin, sizeof pg->bin, "%s", wanted);
        if (has_server(pg->bin))
            return QR_OK;
        return qr_fail(err, QR_E_NOT_FOUND,
                       "no initdb and postgres in '%.200s'; hint: look for them "
                       "with: find / -name initdb",
                       wanted);
    }
    int major = newest_debian_version();
    if (major > 0) {
        snprintf(pg->bin, sizeof pg->bin, "%s/%d/bin", debian_versions, major);
        return QR_OK;
    }
    if (find_on_path(pg->bin, sizeof pg->bin))
        return QR_OK;
    return qr_fail(
        err, QR_E_NOT_FOUND,
        "no PostgreSQL %d or newer is installed; hint: apt-get install postgresql-15, or "
        "--database URL for a server elsewhere",
        OLDEST_MAJOR);
}

/* ------------------------------------------------------------------ folder */

static int find_user(struct qr_postgres *pg, struct qr_err *err)
{
    const struct passwd *postgres;

    if (geteuid() != 0)
        return QR_OK;
    postgres = getpwnam("postgres");
    if (!postgres)
        return qr_fail(
            err, QR_E_NOT_FOUND,
            "PostgreSQL does not run as root and there is no user postgres; hint: useradd "
            "--system postgres, or start as an ordinary user");
    pg->user = (struct qr_pg_user){true, postgres->pw_uid, postgres->pw_gid};
    return QR_OK;
}

/* A folder that is ours alone: made, or there already with the right owner. */
static int own_folder(const struct qr_postgres *pg, const char *path, struct qr_err *err)
{
    struct stat st;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_IO, errno,
                             "make the folder '%.300s'", path);
    if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return qr_fail(err, QR_E_INVALID, "'%.300s' is not a folder", path);
    uid_t owner = pg->user.drop ? pg->user.uid : geteuid();
    if (st.st_uid != owner && (!pg->user.drop || st.st_uid != 0))
        return qr_fail(err, QR_E_DENIED,
                       "the folder '%.300s' belongs to another user (uid %u); hint: choose another "
                       "folder or start as that user",
                       path, (unsigned)st.st_uid);
    if (pg->user.drop && chown(path, pg->user.uid, pg->user.gid) < 0)
        return qr_fail_errno(err, QR_E_DENIED, errno, "give '%.300s' to the user postgres", path);
    if (chmod(path, 0700) < 0)
        return qr_fail_errno(err, QR_E_DENIED, errno, "make '%.300s' private", path);
    return QR_OK;
}

/* One coordinator a folder: a second one would stop the first one's server when it ends. The lock
 * goes with the process, however that ends. */
static int lock_folder(struct qr_postgres *pg, struct qr_err *err)
{
    char path[QR_PG_PATH_MAX + 32];

    snprintf(path, sizeof path, "%s/coordinator.lock", pg->dir);
    pg->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (pg->lock_fd < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "open '%.300s'", path);
    if (flock(pg->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return QR_OK;
    if (errno != EWOULDBLOCK)
        return qr_fail_errno(err, QR_E_IO, errno, "lock '%.300s'", path);
    return qr_fail(err, QR_E_EXISTS,
                   "the private PostgreSQL in '%.200s' belongs to another coordinator that runs; "
                   "hint: stop that one, or choose another folder",
                   pg->dir);
}

/* True when the folder has files and no cluster. Someone's own folder must not be given to the user
 * postgres and closed to everyone else. */
static bool is_of_others(const char *path)
{
    static const char *const ours[] = {".",        "..",           "lost+found",
                                       "data.new", "postgres.log", "coordinator.lock"};
    char version[QR_PG_PATH_MAX + 32];
    const struct dirent *entry;
    bool other = false;

    snprintf(version, sizeof version, "%s/data/PG_VERSION", path);
    DIR *dir = access(version, F_OK) == 0 ? NULL : opendir(path);
    while (dir && !other && (entry = readdir(dir))) {
        other = true;
        for (size_t i = 0; i < QR_COUNT(ours); i++)
            if (strcmp(entry->d_name, ours[i]) == 0)
                other = false;
    }
    if (dir)
        closedir(dir);
    return other;
}

/* The socket's whole path must fit sun_path; a folder with a long name gets a short one elsewhere,
 * the same at every start. */
static int choose_socket_dir(struct qr_postgres *pg, struct qr_err *err)
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */

    if (strlen(pg->dir) + strlen("/.s.PGSQL.5432") <= QR_PG_SOCKET_PATH_MAX) {
        snprintf(pg->socket_dir, sizeof pg->socket_dir, "%s", pg->dir);
        return QR_OK;
    }
    for (const unsigned char *c = (const unsigned char *)pg->dir; *c; c++)
        hash = (hash ^ *c) * 0x100000001B3u;
    snprintf(pg->socket_dir, sizeof pg->socket_dir, "/tmp/quarry-pg-%016llx",
             (unsigned long long)hash);
    return own_folder(pg, pg->socket_dir, err);
}

/* key='value' with ' and \ escaped, as libpq reads it */
static void write_url(struct qr_postgres *pg)
{
    size_t used = (size_t)snprintf(pg->url, sizeof pg->url, "host='");

    for (const char *c = pg->socket_dir; *c && used + 64 < sizeof pg->url; c++) {
        if (*c == '\'' || *c == '\\')
            pg->url[used++] = '\\';
        pg->url[used++] = *c;
    }
    snprintf(pg->url + used, sizeof pg->url - used, "' port=5432 user=quarry dbname=quarry");
}

int qr_pg_prepare_folder(struct qr_postgres *pg, const char *dir, struct qr_err *err)
{
    char parent[QR_PG_PATH_MAX];
    int rc = find_user(pg, err);

    if (rc == QR_OK && is_of_others(dir))
        rc =
            qr_fail(err, QR_E_INVALID,
                    "the folder '%.300s' has other files in it and no cluster; hint: name a new or "
                    "an empty folder",
                    dir);
    if (rc == QR_OK)
        rc = own_folder(pg, dir, err);
    if (rc < 0)
        return rc;
    char *real = realpath(dir, NULL);
    if (!real || strlen(real) + 64 > sizeof pg->dir) {
        free(real);
        return qr_fail(err, QR_E_INVALID, "the folder '%.300s' cannot be resolved", dir);
    }
    snprintf(pg->dir, sizeof pg->dir, "%s", real);
    snprintf(parent, sizeof parent, "%s", real);
    free(real);
    snprintf(pg->data, sizeof pg->data, "%s/data", pg->dir);
    snprintf(pg->log, sizeof pg->log, "%s/postgres.log", pg->dir);
    if (pg->user.drop && !qr_pg_can_enter(&pg->user, pg->dir)) {
        char *slash = strrchr(parent, '/');
        if (slash && slash != parent)
            *slash = '\0';
        return qr_fail(err, QR_E_DENIED,
                       "the user postgres cannot reach '%.200s'; hint: a folder above it is closed "
                       "(check: namei -m '%.200s'), choose one like /var/lib/quarry",
                       pg->dir, parent);
    }
    rc = lock_folder(pg, err);
    if (rc == QR_OK)
        rc = choose_socket_dir(pg, err);
    if (rc == QR_OK)
        write_url(pg);
    return rc;
}

/* ------------------------------------------------------------------ initdb */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

/* Into a folder of another name first, renamed when everything is there: a start that was
 * interrupted leaves nothing that looks finished. */
int qr_pg_init(const struct qr_postgres *pg, struct qr_err *err)
{
    char fresh[QR_PG_PATH_MAX + 32], initdb[QR_PG_PATH_MAX + 16], postgres[QR_PG_PATH_MAX + 16];
    struct stat st;

    if (stat(pg->data, &st) == 0)
        return QR_OK;
    snprintf(fresh, sizeof fresh, "%s.new", pg->data);
    snprintf(initdb, sizeof initdb, "%s/initdb", pg->bin);
    snprintf(postgres, sizeof postgres, "%s/postgres", pg->bin);
    if (stat(fresh, &st) == 0 && nftw(fresh, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return qr_fail_errno(err, QR_E_IO, errno, "remove the unfinished '%.300s'", fresh);
    const char *const make[] = {initdb,
                                "-D",
                                fresh,
                                "-U",
                                "quarry",
                                "--auth=trust",
                                "--encoding=UTF8",
                                "--locale=C",
                                "--data-checksums",
                                NULL};
    const char *const create[] = {postgres, "--single", "-D", fresh, "postgres", NULL};
    int rc = qr_pg_run(pg, make, NULL, INITDB_MS, err);
    if (rc == QR_OK)
        rc = qr_pg_run(pg, create, "CREATE DATABASE quarry\n", INITDB_MS, err);
    if (rc < 0)
        return qr_err_wrap(err, rc, "make a private PostgreSQL in '%.200s'", pg->dir);
    if (rename(fresh, pg->data) < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "rename '%.300s'", fresh);
    return QR_OK;
}
