/* Names of models: which are those of one model, which file is the export of which. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cadjson/cadjson.h"
#include "common/cadjson/store.h"

enum { NO_VERSION = 2, NO_EXTENSION = 1 };
#define ASKED_FOR (INT64_C(1) << 40)

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Creo's version number, 0: none. */
static int64_t version_of(const char *name)
{
    size_t len = strlen(name), digits = 0;

    while (digits < len && isdigit((unsigned char)name[len - 1 - digits]))
        digits++;
    if (digits == 0 || digits > 9 || digits + 1 >= len || name[len - 1 - digits] != '.' ||
        !memchr(name, '.', len - 1 - digits))
        return 0;
    return strtoll(name + len - digits, NULL, 10);
}

/* Without ".json". */
static bool model_of(const char *file, char *buf, size_t size)
{
    const char *base = base_of(file);
    size_t len = strlen(base);

    if (len <= 5 || len - 5 >= size || strcasecmp(base + len - 5, ".json") != 0)
        return false;
    memcpy(buf, base, len - 5);
    buf[len - 5] = '\0';
    return true;
}

int64_t qr_import_fits(const char *file, const char *model)
{
    char name[QR_IMPORT_NAME_MAX];

    if (!model_of(file, name, sizeof name) || !qr_cadjson_same_model(name, model))
        return 0;
    int64_t version = version_of(name);
    if (version > 0)
        return version == version_of(base_of(model)) ? ASKED_FOR : NO_VERSION + version;
    return strchr(name, '.') ? NO_VERSION : NO_EXTENSION;
}

bool qr_import_stem(const char *name, char stem[QR_IMPORT_STEM_MAX])
{
    char model[QR_IMPORT_NAME_MAX];
    const char *base = base_of(name);
    size_t len;

    if (model_of(name, model, sizeof model))
        base = model;
    len = strlen(base);
    if (version_of(base) > 0)
        len = (size_t)((const char *)memrchr(base, '.', len) - base);
    const char *dot = memrchr(base, '.', len);
    if (dot && dot > base)
        len = (size_t)(dot - base);
    if (len == 0 || len >= QR_IMPORT_STEM_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        stem[i] = (char)tolower((unsigned char)base[i]);
    stem[len] = '\0';
    return true;
}

/* ------------------------------------------------------------------ names of models */

/* Length of a name without folders, Creo's version and blanks around it; *ret_dot: of its stem. */
static const char *bare(const char *name, size_t *ret_len, size_t *ret_stem)
{
    const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');
    const char *base = slash && slash > back ? slash + 1 : back ? back + 1 : name;
    size_t len = strlen(base), digits = 0;

    while (digits < len && isdigit((unsigned char)base[len - 1 - digits]))
        digits++;
    if (digits > 0 && digits + 1 < len && base[len - 1 - digits] == '.' &&
        memchr(base, '.', len - 1 - digits))
        len -= digits + 1;
    *ret_len = len;
    const char *dot = memrchr(base, '.', len);
    *ret_stem = dot && dot > base ? (size_t)(dot - base) : len;
    return base;
}

bool qr_cadjson_same_model(const char *a, const char *b)
{
    size_t a_len, a_stem, b_len, b_stem;

    a = bare(a, &a_len, &a_stem);
    b = bare(b, &b_len, &b_stem);
    if (a_stem != b_stem || a_stem == 0 || strncasecmp(a, b, a_stem) != 0)
        return false;
    return a_len == a_stem || b_len == b_stem || (a_len == b_len && strncasecmp(a, b, a_len) == 0);
}
