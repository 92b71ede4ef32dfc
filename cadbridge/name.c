#include "cadbridge/name.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base.h"

enum { VERSION_DIGITS = 9 };

static bool is_model(const char *name, size_t len)
{
    static const char *const endings[] = {".prt", ".asm", ".drw", ".frm"};

    for (size_t i = 0; i < QR_COUNT(endings); i++)
        if (len > 4 && strncasecmp(name + len - 4, endings[i], 4) == 0)
            return true;
    return false;
}

size_t qr_cad_name_model(const char *name, uint32_t *ret_revision)
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
    size_t len = qr_cad_name_model(name, &ret->revision);

    if (len == 0 || len >= sizeof ret->model || folder >= sizeof ret->folder)
        return false;
    memcpy(ret->model, name, len);
    ret->model[len] = '\0';
    memcpy(ret->folder, path, folder);
    ret->folder[folder] = '\0';
    return true;
}
