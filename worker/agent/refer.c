#include "worker/agent/refer.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/filetype.h"
#include "common/fleet/fetch.h"

/* ---- names to paths */

static bool is_absolute(const char *name)
{
    return name[0] == '/' || name[0] == '\\' || strchr(name, ':'); /* C:\…, http://…, streams */
}

/* Take the last part off; false: there is none. */
static bool go_up(char *out, size_t *len)
{
    if (*len == 0)
        return false;
    while (*len > 0 && out[*len - 1] != '/')
        --*len;
    if (*len > 0)
        --*len; /* the slash */
    return true;
}

static bool go_down(char *out, size_t *len, const char *part, size_t part_len)
{
    if (*len + part_len + 2 > QR_URI_MAX)
        return false;
    if (*len > 0)
        out[(*len)++] = '/';
    memcpy(out + *len, part, part_len);
    *len += part_len;
    return true;
}

bool qr_refer_path(const char *path, const char *name, char *out)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    bool ok = true;

    if (!name[0] || is_absolute(name) || len + 1 > QR_URI_MAX)
        return false;
    memcpy(out, path, len);
    while (ok && *name) {
        size_t n = strcspn(name, "/\\");
        if (n == 2 && name[0] == '.' && name[1] == '.')
            ok = go_up(out, &len);
        else if (n > 0 && !(n == 1 && name[0] == '.'))
            ok = go_down(out, &len, name, n);
        name += n + (name[n] != '\0');
    }
    out[len] = '\0';
    return ok && len > 0;
}

/* ---- paths to files */

struct looking {
    int root_fd;
    const char *root;
    struct qr_references *to;
    char *at, *end; /* room for addresses */
};

static bool is_file(const struct looking *l, const char *path, struct stat *ret)
{
    int fd = qr_fetch_open_beneath(l->root_fd, path, false);

    if (fd < 0)
        return false;
    bool ok = fstat(fd, ret) == 0 && S_ISREG(ret->st_mode);
    close(fd);
    return ok;
}

static bool is_dwg(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcasecmp(path + len - 4, ".dwg") == 0;
}

/* The file itself, or what a .dwg became. */
static bool find(const struct looking *l, char *path, struct stat *ret)
{
    if (is_file(l, path, ret))
        return true;
    if (!is_dwg(path))
        return false;
    char *last = path + strlen(path) - 4;
    memcpy(last, isupper((unsigned char)last[1]) ? ".DXF" : ".dxf", 5);
    return is_file(l, path, ret);
}

static bool is_known(const struct qr_references *to, const char *uri)
{
    for (size_t i = 0; i < to->n; i++)
        if (strcmp(to->files[i].uri, uri) == 0)
            return true;
    return false;
}

static void add(struct looking *l, const char *path, const struct stat *st)
{
    struct qr_references *to = l->to;
    struct qr_buf uri;

    qr_buf_init(&uri, QR_URI_MAX);
    bool ok = qr_uri_append(&uri, l->root, path) && uri.len < QR_URI_MAX;
    if (ok && is_known(to, (const char *)uri.data)) {
        qr_buf_done(&uri);
        return;
    }
    if (!ok || to->n == QR_REFERENCES_MAX || (size_t)(l->end - l->at) < uri.len + 1) {
        to->left_out++;
        qr_buf_done(&uri);
        return;
    }
    memcpy(l->at, uri.data, uri.len + 1);
    to->files[to->n++] = (struct qr_session_found){
        .uri = l->at,
        .type = qr_filetype_of_name(path),
        .bytes = (uint64_t)st->st_size,
        .modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000};
    l->at += uri.len + 1;
    qr_buf_done(&uri);
}

static void look(struct looking *l, const char *parent, const char *names, size_t names_len)
{
    char path[QR_URI_MAX];
    struct stat st;

    for (const char *name = names; name < names + names_len; name += strlen(name) + 1) {
        if (!qr_refer_path(parent, name, path))
            l->to->outside++;
        else if (!find(l, path, &st))
            l->to->missing++;
        else
            add(l, path, &st);
    }
}

struct qr_references *qr_refer(const struct qr_roots *roots, const char *uri, const char *names,
                               size_t names_len)
{
    enum { TEXT_MAX = QR_SESSION_FOUND_BYTES };
    struct qr_references *to =
        calloc(1, sizeof *to + QR_REFERENCES_MAX * sizeof to->files[0] + TEXT_MAX);
    struct qr_uri parent = {.path = NULL};
    struct qr_err err = {0};

    if (!to || qr_uri_parse(uri, &parent, &err) < 0)
        return to;
    const char *dir = qr_roots_dir(roots, parent.root);
    int root_fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (root_fd >= 0) {
        struct looking l = {.root_fd = root_fd,
                            .root = parent.root,
                            .to = to,
                            .at = (char *)&to->files[QR_REFERENCES_MAX]};
        l.end = l.at + TEXT_MAX;
        look(&l, parent.path, names, names_len);
        close(root_fd);
    }
    qr_uri_done(&parent);
    return to;
}
