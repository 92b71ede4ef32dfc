#include "worker/extract/p21/impostor.h"

#include <string.h>
#include <strings.h>

#include "worker/extract/p21/intern.h"

#define LOOK 4096 /* so far the beginning may be from the first byte */

static const struct {
    const char *begins;
    const char *what;
} impostors[] = {
    {"version https://git-lfs", "a Git LFS pointer, not the model; hint: fetch the real file with "
                                "`git lfs pull`"},
    {"version https://hawser", "a Git LFS pointer, not the model; hint: fetch the real file with "
                               "`git lfs pull`"},
    {"/annex/objects/", "a git-annex pointer, not the model; hint: fetch it with `git annex get`"},
    {"<!DOCTYPE", "a web page, not the model; hint: the download went wrong, fetch it again"},
    {"<html", "a web page, not the model; hint: the download went wrong, fetch it again"},
    {"<?xml", "XML, not an exchange file; hint: export it as ISO 10303-21 (.stp, .ifc)"},
    {"solid ", "an STL mesh, not an exchange file; hint: rename it to .stl"},
    {"HDF", "an HDF5 file, not an exchange file"},
    {"\x89HDF", "an HDF5 file, not an exchange file; hint: export it as clear text"},
};

static int refuse(const uint8_t *data, size_t len, struct qr_err *err)
{
    for (size_t i = 0; i < QR_COUNT(impostors); i++) {
        size_t n = strlen(impostors[i].begins);
        if (len >= n && strncasecmp((const char *)data, impostors[i].begins, n) == 0)
            return qr_fail(err, QR_E_DATA, "the file is %s", impostors[i].what);
    }
    return qr_fail(err, QR_E_DATA,
                   "the file does not begin with ISO-10303-21; hint: is it whole, and an exchange "
                   "file at all?");
}

int qr_p21_beginning(const uint8_t *data, size_t len, size_t *ret_from, struct qr_err *err)
{
    const uint8_t *end = data + len;
    const uint8_t *at = data;

    if (len >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    at = qr_p21_blanks(at, end);
    if (end - at >= 12 && strncasecmp((const char *)at, "ISO-10303-21", 12) == 0) {
        *ret_from = (size_t)(at - data);
        return QR_OK;
    }
    /* a line or two before it: a mail header, a shell's warning */
    const uint8_t *found = memmem(data, len < LOOK ? len : LOOK, "ISO-10303-21;", 13);
    if (found) {
        *ret_from = (size_t)(found - data);
        return QR_OK;
    }
    if (at == end)
        return qr_fail(err, QR_E_DATA, "the file is %s; hint: copy it again",
                       len == 0 ? "empty" : "nothing but zeros and blanks");
    return refuse(at, (size_t)(end - at), err);
}
