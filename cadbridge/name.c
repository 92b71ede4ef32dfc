#include "cadbridge/name.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/fleet/fetch.h"

enum { VERSION_DIGITS = 9, ENTRIES_MAX = 1000000 };

static bool is_model(const char *name, size_t len)
{
    static const char *const endings[] = {".prt", ".asm", ".drw", ".frm"};

    for (size_t i = 0; i < QR_COUNT(endings); i++)
        if (len > 4 && strncasecmp(name + len - 4, endings[i], 4) == 0)
            return true;
    return false;
}

/* Length of the model's name in "wheel.prt.12", its number; 0: it is none. */
static size_t split(const char *name, uint32_t *ret_revision)
{
    size_t len = strlen(name);
    const char *dot = strrchr(name, '.');

    *ret_revision = 0;
    if (is_model(name, len))
        return len;
    if (!dot || !dot[1] || strspn(dot + 1, "0123456789") != strlen(dot + 1) ||
        strlen(dot + 1) > VERSION_DIGITS || !is_model(name, (size_t)(dot - name)))
        return 0;
    *ret_revision = (uint32_t)strtoul(dot + 1, NULL, 10);
    return (size_t)(dot - name);
}

bool qr_cad_name_split(const char *path, struct qr_cad_name *ret)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t folder = slash ? (size_t)(slash - path) : 0;
    size_t len = split(name, &ret->revision);

    if (len == 0 || len >= sizeof ret->model || folder >= sizeof ret->folder)
        return false;
    memcpy(ret->model, name, len);
    ret->model[len] = '\0';
    memcpy(ret->folder, path, folder);
    ret->folder[folder] = '\0';
    return true;
}

/* A folder beneath the root, confined as files are. NULL: cannot be had. */
static DIR *open_folder(const char *root_dir, const char *folder)
{
    int root = open(root_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = root < 0 ? -1 : qr_fetch_open_beneath(root, folder[0] ? folder : ".", false);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && !dir)
        close(fd);
    if (root >= 0)
        close(root);
    return dir;
}

uint32_t qr_cad_name_newer(const char *root_dir, const struct qr_cad_name *name)
{
    DIR *dir = open_folder(root_dir, name->folder);
    const struct dirent *entry;
    uint32_t newest = name->revision;
    uint32_t revision;

    for (int i = 0; dir && i < ENTRIES_MAX && (entry = readdir(dir)); i++) {
        size_t len = split(entry->d_name, &revision);
        if (len == strlen(name->model) && strncasecmp(entry->d_name, name->model, len) == 0 &&
            revision > newest)
            newest = revision;
    }
    if (dir)
        closedir(dir);
    return newest > name->revision ? newest : 0;
}
