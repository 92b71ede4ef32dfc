#include "common/roots.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int qr_roots_add(struct qr_roots *roots, const char *spec, struct qr_err *err)
{
    const char *equals = strchr(spec, '=');
    size_t len = equals ? (size_t)(equals - spec) : 0;
    char name[QR_ROOT_NAME_MAX + 1] = "";
    struct stat st;

    if (len > 0 && len <= QR_ROOT_NAME_MAX) {
        memcpy(name, spec, len);
        name[len] = '\0';
    }
    if (!qr_root_name_is_valid(name))
        return qr_fail(err, QR_E_USAGE,
                       "root '%.200s' is not NAME=DIR with a NAME of a-z 0-9 _ -; hint: "
                       "--root drawings=/srv/drawings",
                       spec);
    if (qr_roots_dir(roots, name))
        return qr_fail(err, QR_E_USAGE, "root '%s' is given twice", name);
    if (roots->n == QR_ROOTS_MAX)
        return qr_fail(err, QR_E_USAGE, "more than %d roots", QR_ROOTS_MAX);
    char *dir = realpath(equals + 1, NULL);
    if (!dir)
        return qr_fail_errno(err, QR_E_NOT_FOUND, errno, "root '%s': folder '%.200s'", name,
                             equals + 1);
    if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
        free(dir);
        return qr_fail(err, QR_E_NOT_FOUND, "root '%s': '%.200s' is not a folder", name,
                       equals + 1);
    }
    memcpy(roots->root[roots->n].name, name, sizeof name);
    roots->root[roots->n].dir = dir;
    roots->n++;
    return QR_OK;
}

void qr_roots_done(struct qr_roots *roots)
{
    for (size_t i = 0; i < roots->n; i++)
        free(roots->root[i].dir);
    roots->n = 0;
}

const char *qr_roots_dir(const struct qr_roots *roots, const char *name)
{
    for (size_t i = 0; i < roots->n; i++)
        if (strcmp(roots->root[i].name, name) == 0)
            return roots->root[i].dir;
    return NULL;
}

/* What follows `dir` in `path`, without leading slash; NULL when path does not lie in dir. */
static const char *below(const char *dir, const char *path)
{
    size_t len = strlen(dir);

    if (strcmp(dir, "/") == 0)
        return path[0] == '/' ? path + 1 : NULL;
    if (strncmp(dir, path, len) != 0 || (path[len] != '/' && path[len] != '\0'))
        return NULL;
    return path[len] == '/' ? path + len + 1 : path + len;
}

static int not_below_any(const struct qr_roots *roots, const char *source, struct qr_err *err)
{
    char list[256] = "none: start the coordinator with --root NAME=DIR";
    size_t used = 0;

    for (size_t i = 0; i < roots->n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s=%s", i > 0 ? ", " : "",
                                 roots->root[i].name, roots->root[i].dir);
    return qr_fail(err, QR_E_NOT_FOUND,
                   "'%.150s' lies below no root of the coordinator; hint: its roots are %s", source,
                   list);
}

static int from_uri(const struct qr_roots *roots, const char *source, struct qr_buf *ret_uri,
                    struct qr_err *err)
{
    struct qr_uri uri;
    int rc = qr_uri_parse(source, &uri, err);

    if (rc < 0)
        return rc;
    if (!qr_roots_dir(roots, uri.root))
        rc = not_below_any(roots, source, err);
    else if (!qr_uri_append(ret_uri, uri.root, uri.path))
        rc = qr_fail(err, QR_E_INVALID, "uri '%.100s' is too long", source);
    qr_uri_done(&uri);
    return rc;
}

int qr_roots_uri_of(const struct qr_roots *roots, const char *source, struct qr_buf *ret_uri,
                    struct qr_err *err)
{
    const char *best = NULL;
    size_t best_root = 0;

    if (strncmp(source, "root://", 7) == 0)
        return from_uri(roots, source, ret_uri, err);
    if (source[0] != '/')
        return qr_fail(err, QR_E_INVALID,
                       "source '%.150s' is neither root://NAME/path nor an absolute path; hint: "
                       "name a folder below one of the coordinator's roots",
                       source);
    char *real = realpath(source, NULL);
    const char *path = real ? real : source;
    for (size_t i = 0; i < roots->n; i++) {
        const char *rest = below(roots->root[i].dir, path);
        if (rest && (!best || strlen(rest) < strlen(best))) {
            best = rest;
            best_root = i;
        }
    }
    int rc = QR_OK;
    if (!best)
        rc = not_below_any(roots, source, err);
    else if (strstr(path, "/../") || !qr_uri_append(ret_uri, roots->root[best_root].name, best))
        rc = qr_fail(err, QR_E_INVALID, "path '%.150s' cannot be written as a uri", source);
    free(real);
    return rc;
}
