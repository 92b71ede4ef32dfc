#include "common/filetype.h"

#include <string.h>
#include <strings.h>

#include "common/base.h"

/* clang-format off */
static const struct {
    const char *extension;
    const char *type;
} by_extension[] = {
    {"pdf", "pdf"},
    {"txt", "text"}, {"text", "text"}, {"md", "text"}, {"markdown", "text"}, {"csv", "text"},
    {"tsv", "text"}, {"log", "text"},
    {"dxf", "dxf"},
    {"dwg", "dwg"},
    {"stp", "step"}, {"step", "step"}, {"p21", "step"}, {"stpz", "step"},
    {"ifc", "ifc"}, {"ifczip", "ifc"},
    {"prt", "cad"}, {"asm", "cad"}, {"drw", "cad"}, {"frm", "cad"},
};
/* clang-format on */

static const char *find(const char *extension, size_t len)
{
    for (size_t i = 0; i < QR_COUNT(by_extension); i++)
        if (strlen(by_extension[i].extension) == len &&
            strncasecmp(by_extension[i].extension, extension, len) == 0)
            return by_extension[i].type;
    return NULL;
}

const char *qr_filetype_of_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    const char *dot = strrchr(base, '.');
    const char *type = NULL;

    if (!dot || !dot[1])
        return "other";
    size_t len = strlen(dot + 1);
    if (strspn(dot + 1, "0123456789") == len) { /* name.prt.12 */
        const char *end = dot;
        while (dot > base && dot[-1] != '.')
            dot--;
        type = dot > base ? find(dot, (size_t)(end - dot)) : NULL;
        return type && strcmp(type, "cad") == 0 ? type : "other";
    }
    type = find(dot + 1, len);
    return type ? type : "other";
}

bool qr_filetype_is_model(const char *type)
{
    return strcmp(type, "cad") == 0 || strcmp(type, "step") == 0 || strcmp(type, "ifc") == 0;
}
