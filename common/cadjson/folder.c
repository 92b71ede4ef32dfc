/* A folder's exports by the stem of their names. The index is read on the first question and again
 * when a folder in the tree has changed, as common/os/fresh.h has it: an export that comes, goes or
 * is replaced between two questions is seen by the second one. A tree of more than LOOKED_AT
 * folders is looked at once a second instead, and a missing name has the index read anew at most
 * every refresh_ms, for shares whose folders keep no times. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cadjson/store.h"
#include "common/clock.h"
#include "common/os/fresh.h"

enum { DEPTH_MAX = 32, FILES_MAX = 2000000, LOOKED_AT = 64, LOOK_EVERY_MS = 1000 };

struct entry {
    char *stem;       /* one block with `path` */
    const char *path; /* below the folder */
};

struct qr_import_folder {
    pthread_mutex_t lock;
    char *path;
    int fd;
    int64_t refresh_ms, read_at_ms, looked_at_ms;
    struct qr_fresh fresh;
    uint64_t mark; /* of the folders as they are read */
    char **dirs;   /* below the folder, in the order they were read; "." the first */
    size_t n_dirs, cap_dirs;
    struct entry *entries;
    size_t n, cap;
};

/* ------------------------------------------------------------------ reading the folder */

static bool add(struct qr_import_folder *f, const char *path)
{
    char stem[QR_IMPORT_STEM_MAX];
    size_t len = strlen(path);

    if (len < 6 || strcasecmp(path + len - 5, ".json") != 0 || !qr_import_stem(path, stem))
        return true;
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 256;
        struct entry *grown = realloc(f->entries, cap * sizeof *grown);
        if (!grown)
            return false;
        f->entries = grown;
        f->cap = cap;
    }
    char *block = malloc(strlen(stem) + len + 2);
    if (!block)
        return false;
    memcpy(block, stem, strlen(stem) + 1);
    memcpy(block + strlen(stem) + 1, path, len + 1);
    f->entries[f->n++] = (struct entry){block, block + strlen(stem) + 1};
    return true;
}

/* It is about to be read. */
static bool add_dir(struct qr_import_folder *f, int fd, const char *path)
{
    struct stat info = {0};

    if (f->n_dirs == f->cap_dirs) {
        size_t cap = f->cap_dirs ? f->cap_dirs * 2 : 16;
        char **grown = realloc(f->dirs, cap * sizeof *grown);
        if (!grown)
            return false;
        f->dirs = grown;
        f->cap_dirs = cap;
    }
    (void)fstat(fd, &info); /* nothing there is a mark, too */
    qr_fresh_add(&f->mark, &info);
    f->dirs[f->n_dirs] = strdup(path);
    return f->dirs[f->n_dirs++] != NULL;
}

/* Takes `fd` over. Links to folders are not followed: they may lead round in circles. */
static bool walk(struct qr_import_folder *f, int fd, const char *prefix, int depth)
{
    bool ok = add_dir(f, fd, prefix[0] ? prefix : ".");
    DIR *dir = fdopendir(fd);
    const struct dirent *item;

    if (!dir) {
        close(fd);
        return ok; /* what cannot be read has no exports */
    }
    while (ok && f->n < FILES_MAX && (item = readdir(dir))) {
        char path[4096];
        if (item->d_name[0] == '.')
            continue;
        int n = snprintf(path, sizeof path, "%s%s%s", prefix, prefix[0] ? "/" : "", item->d_name);
        if (n < 0 || (size_t)n >= sizeof path)
            continue;
        int inner =
            item->d_type == DT_REG || item->d_type == DT_LNK || depth == DEPTH_MAX
                ? -1
                : openat(dirfd(dir), item->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        ok = inner >= 0 ? walk(f, inner, path, depth + 1) : add(f, path);
    }
    closedir(dir);
    return ok;
}

static int by_stem(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = strcmp(x->stem, y->stem);
    return c != 0 ? c : strcmp(x->path, y->path);
}

static void forget(struct qr_import_folder *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->entries[i].stem);
    for (size_t i = 0; i < f->n_dirs; i++)
        free(f->dirs[i]);
    f->n = f->n_dirs = 0;
    f->mark = 0;
}

static int read_index(struct qr_import_folder *f, struct qr_err *err)
{
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int64_t began_ms = qr_clock_ms();

    if (fd < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "exports in '%s'", f->path);
    forget(f);
    if (!walk(f, fd, "", 0)) {
        forget(f);
        return qr_fail(err, QR_E_NOMEM, "exports in '%s': out of memory", f->path);
    }
    if (f->n > 0)
        qsort(f->entries, f->n, sizeof *f->entries, by_stem);
    f->read_at_ms = qr_clock_ms();
    qr_fresh_read(&f->fresh, f->mark, began_ms, f->read_at_ms);
    return QR_OK;
}

/* The folders' times as they are now; opened anew, for what a share's client has in mind is old.
 * Another folder may have the path meanwhile. */
static uint64_t look(struct qr_import_folder *f)
{
    int root = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t mark = 0;

    if (root >= 0) {
        close(f->fd);
        f->fd = root;
    }
    for (size_t i = 0; i < f->n_dirs; i++) {
        struct stat info = {0};
        int fd = openat(f->fd, f->dirs[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) {
            (void)fstat(fd, &info);
            close(fd);
        }
        qr_fresh_add(&mark, &info);
    }
    return mark;
}

static bool index_holds(struct qr_import_folder *f)
{
    int64_t now_ms = qr_clock_ms();

    if (f->fresh.read && f->n_dirs > LOOKED_AT && now_ms - f->looked_at_ms < LOOK_EVERY_MS)
        return true;
    f->looked_at_ms = now_ms;
    uint64_t mark = look(f);
    return qr_fresh_holds(&f->fresh, mark, qr_clock_ms());
}

/* ------------------------------------------------------------------ asking it */

/* The best of those with the stem; of equal ones the first by path. */
static const char *best(const struct qr_import_folder *f, const char *stem, const char *model)
{
    size_t low = 0, high = f->n;
    int64_t best_fit = 0;
    const char *found = NULL;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(f->entries[mid].stem, stem) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < f->n && strcmp(f->entries[low].stem, stem) == 0; low++) {
        int64_t fit = qr_import_fits(f->entries[low].path, model);
        if (fit > best_fit) {
            best_fit = fit;
            found = f->entries[low].path;
        }
    }
    return found;
}

static int open_best(struct qr_import_folder *f, const char *stem, const char *model,
                     struct qr_import_file *ret, struct qr_err *err)
{
    const char *path = best(f, stem, model);
    struct stat info;

    if (!path)
        return 0;
    int fd = openat(f->fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0)
        return qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_IO, errno, "open '%s'",
                             path);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return qr_fail(err, QR_E_IO, "'%s' is no regular file", path);
    }
    const char *slash = strrchr(path, '/');
    *ret = (struct qr_import_file){.fd = fd};
    snprintf(ret->name, sizeof ret->name, "%s", slash ? slash + 1 : path);
    return 1;
}

int qr_import_folder_open(struct qr_import_folder *f, const char *model, struct qr_import_file *ret,
                          struct qr_err *err)
{
    char stem[QR_IMPORT_STEM_MAX];
    int rc = QR_OK;

    if (!qr_import_stem(model, stem))
        return 0;
    pthread_mutex_lock(&f->lock);
    if (!index_holds(f))
        rc = read_index(f, err);
    if (rc == QR_OK)
        rc = open_best(f, stem, model, ret, err);
    if (rc == 0 && qr_clock_ms() - f->read_at_ms >= f->refresh_ms) {
        rc = read_index(f, err);
        if (rc == QR_OK)
            rc = open_best(f, stem, model, ret, err);
    }
    pthread_mutex_unlock(&f->lock);
    return rc;
}

int qr_import_folder_new(const char *path, int64_t refresh_ms, struct qr_import_folder **ret,
                         struct qr_err *err)
{
    struct qr_import_folder *f = calloc(1, sizeof *f);
    int fd;

    if (!f || !(f->path = strdup(path))) {
        free(f);
        return qr_fail(err, QR_E_NOMEM, "import: out of memory");
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        int rc = qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_NOT_FOUND, errno,
                               "folder of exports '%s'", path);
        free(f->path);
        free(f);
        return rc;
    }
    pthread_mutex_init(&f->lock, NULL);
    f->fd = fd;
    f->refresh_ms = refresh_ms;
    *ret = f;
    return QR_OK;
}

void qr_import_folder_free(struct qr_import_folder *f)
{
    if (!f)
        return;
    forget(f);
    free(f->dirs);
    free(f->entries);
    close(f->fd);
    pthread_mutex_destroy(&f->lock);
    free(f->path);
    free(f);
}
