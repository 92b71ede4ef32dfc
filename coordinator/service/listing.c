#include "coordinator/service/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/uri.h"

static const int64_t YEAR_10000 = 253402300800; /* in seconds since 1970 */

/* A growing list of names or paths, owned. */
struct names {
    char **items;
    size_t n, cap;
};

struct walk {
    int root_fd;
    qr_listing_fn fn;
    void *ctx;
    const atomic_bool *stop;
    struct qr_listing_result *result;
    struct names pending; /* folders still to visit, the next one last */
};

static bool names_add(struct names *names, char *owned)
{
    if (owned && names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 64;
        char **items = realloc(names->items, cap * sizeof *items);
        if (items) {
            names->items = items;
            names->cap = cap;
        }
    }
    if (!owned || names->n == names->cap) {
        free(owned);
        return false;
    }
    names->items[names->n++] = owned;
    return true;
}

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->items[i]);
    free(names->items);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", folder, folder[0] ? "/" : "", name) < 0)
        return NULL;
    return path;
}

static void note_problem(struct walk *walk, const char *folder, int errnum)
{
    struct qr_listing_result *result = walk->result;
    char text[96];

    if (result->first_problem[0] == '\0')
        snprintf(result->first_problem, sizeof result->first_problem, "folder '%.120s': %s", folder,
                 strerror_r(errnum, text, sizeof text));
    result->folders_unreadable++;
}

static int list_file(struct walk *walk, const char *path, const struct stat *st, struct qr_err *err)
{
    struct qr_listed_file file = {.path = path};

    if (st && S_ISREG(st->st_mode)) {
        file.bytes = (uint64_t)st->st_size;
        if (st->st_mtim.tv_sec < YEAR_10000) /* some file systems keep any number */
            file.modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
    }
    walk->result->files++;
    return walk->fn(walk->ctx, &file, err);
}

/* Reads the names of one folder, sorted. False: it could not be read (noted). */
static bool read_names(struct walk *walk, const char *folder, struct names *ret)
{
    int fd = openat(walk->root_fd, folder[0] ? folder : ".",
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        note_problem(walk, folder, errno);
        if (fd >= 0)
            close(fd);
        return false;
    }
    errno = 0;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!names_add(ret, strdup(entry->d_name))) {
            errno = ENOMEM;
            break;
        }
    }
    if (errno != 0)
        note_problem(walk, folder, errno);
    closedir(dir);
    if (ret->n > 1)
        qsort(ret->items, ret->n, sizeof *ret->items, by_bytes);
    return true;
}

/* Files are listed at once; folders wait, so that one folder's names are in memory at a time. */
static int visit_entry(struct walk *walk, const char *folder, const char *name,
                       struct names *folders, struct qr_err *err)
{
    struct stat st;
    char *path = join(folder, name);
    int rc = QR_OK;

    if (!path)
        return qr_fail(err, QR_E_NOMEM, "no memory for a path");
    bool known = fstatat(walk->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (known && S_ISDIR(st.st_mode)) {
        if (!names_add(folders, path))
            return qr_fail(err, QR_E_NOMEM, "no memory for a folder list");
        return QR_OK;
    }
    if (known && S_ISLNK(st.st_mode)) {
        known = fstatat(walk->root_fd, path, &st, 0) == 0;
        if (known && S_ISDIR(st.st_mode)) {
            walk->result->links_skipped++;
            free(path);
            return QR_OK;
        }
    }
    rc = list_file(walk, path, known ? &st : NULL, err);
    free(path);
    return rc;
}

static int visit_folder(struct walk *walk, const char *folder, struct qr_err *err)
{
    struct names names = {0};
    struct names folders = {0};
    int rc = QR_OK;

    walk->result->folders++;
    if (!read_names(walk, folder, &names))
        return QR_OK;
    for (size_t i = 0; rc == QR_OK && i < names.n; i++) {
        if (walk->stop && atomic_load(walk->stop))
            rc = qr_fail(err, QR_E_CANCELLED, "listing was stopped");
        else
            rc = visit_entry(walk, folder, names.items[i], &folders, err);
    }
    while (rc == QR_OK && folders.n > 0) /* last first: the first name is visited first */
        if (!names_add(&walk->pending, folders.items[--folders.n]))
            rc = qr_fail(err, QR_E_NOMEM, "no memory for a folder list");
    names_done(&names);
    names_done(&folders);
    return rc;
}

/* True when the path leads through a link: below links to folders nothing is listed, wherever they
 * lead. The last part may be a link to a file, which the worker confines to the root. */
static bool leads_through_link(int root_fd, const char *path, bool is_folder)
{
    char part[QR_URI_MAX + 1];
    struct stat st;

    for (size_t len = 0; path[len]; len++) {
        char next = path[len + 1];
        if (next != '/' && (next != '\0' || !is_folder))
            continue;
        if (snprintf(part, sizeof part, "%.*s", (int)(len + 1), path) >= (int)sizeof part ||
            (fstatat(root_fd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)))
            return true;
    }
    return false;
}

static int walk_from(struct walk *walk, const char *path, struct qr_err *err)
{
    struct stat st;
    int rc = QR_OK;

    if (fstatat(walk->root_fd, path[0] ? path : ".", &st, 0) < 0)
        return qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_NOT_FOUND, errno,
                             "nothing to list at '%.200s' below the root", path);
    if (leads_through_link(walk->root_fd, path, S_ISDIR(st.st_mode)))
        return qr_fail(
            err, QR_E_INVALID,
            "'%.200s' leads through a link to a folder, and those are not followed; hint: name "
            "the folder itself",
            path);
    if (!S_ISDIR(st.st_mode))
        return list_file(walk, path, &st, err);
    if (faccessat(walk->root_fd, path[0] ? path : ".", R_OK | X_OK, AT_EACCESS) < 0)
        return qr_fail_errno(err, QR_E_DENIED, errno, "source folder '%.200s'", path);
    if (!names_add(&walk->pending, strdup(path)))
        return qr_fail(err, QR_E_NOMEM, "no memory for a folder list");
    while (rc == QR_OK && walk->pending.n > 0) {
        char *folder = walk->pending.items[--walk->pending.n];
        rc = visit_folder(walk, folder, err);
        free(folder);
    }
    return rc;
}

int qr_listing_walk(const char *root_dir, const char *path, qr_listing_fn fn, void *ctx,
                    const atomic_bool *stop, struct qr_listing_result *ret, struct qr_err *err)
{
    struct walk walk = {.fn = fn, .ctx = ctx, .stop = stop, .result = ret};
    char *trimmed = strdup(path);

    memset(ret, 0, sizeof *ret);
    if (!trimmed)
        return qr_fail(err, QR_E_NOMEM, "no memory for a path");
    for (size_t len = strlen(trimmed); len > 0 && trimmed[len - 1] == '/'; len--)
        trimmed[len - 1] = '\0';
    walk.root_fd = open(root_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;
    if (walk.root_fd < 0) {
        rc = qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_NOT_FOUND, errno,
                           "root folder '%.200s'", root_dir);
    } else {
        rc = walk_from(&walk, trimmed, err);
        close(walk.root_fd);
    }
    names_done(&walk.pending);
    free(trimmed);
    return rc;
}
