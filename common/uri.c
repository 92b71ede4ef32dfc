#include "common/uri.h"

#include <stdlib.h>
#include <string.h>

bool qr_root_name_is_valid(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > QR_ROOT_NAME_MAX)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

size_t qr_utf8_sequence(const unsigned char *s, size_t len)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = s[0] < 0x80 ? 1 : s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : s[0] >= 0xC2 ? 2 : 0;

    if (need <= 1)
        return need;
    if (need > len)
        return 0;
    unsigned value = s[0] & (0xFFu >> (need + 1));
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3Fu);
    }
    if (value < least[need] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    return need;
}

bool qr_uri_append(struct qr_buf *out, const char *root, const char *path)
{
    const unsigned char *at = (const unsigned char *)path;
    size_t left = strlen(path);

    qr_buf_printf(out, "root://%s/", root);
    while (left > 0) {
        size_t n = qr_utf8_sequence(at, left);
        if (n == 0 || *at < 0x20 || *at == 0x7F || *at == '%') {
            qr_buf_printf(out, "%%%02X", *at);
            n = 1;
        } else {
            qr_buf_append(out, at, n);
        }
        at += n;
        left -= n;
    }
    return !out->failed;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes in place of a copy: the decoded path is never longer than the encoded one. */
static int decode_path(const char *text, char *out, struct qr_err *err)
{
    while (*text) {
        if (*text != '%') {
            *out++ = *text++;
            continue;
        }
        int high = hex_digit(text[1]);
        int low = high < 0 ? -1 : hex_digit(text[2]);
        if (low < 0 || high * 16 + low == 0)
            return qr_fail(err, QR_E_INVALID, "bad escape '%.3s'", text);
        *out++ = (char)(high * 16 + low);
        text += 3;
    }
    *out = '\0';
    return QR_OK;
}

static bool climbs_out(const char *path)
{
    while (path) {
        if (path[0] == '.' && path[1] == '.' && (path[2] == '/' || path[2] == '\0'))
            return true;
        path = strchr(path, '/');
        if (path)
            path++;
    }
    return false;
}

int qr_uri_parse(const char *text, struct qr_uri *ret, struct qr_err *err)
{
    static const char scheme[] = "root://";
    struct qr_uri uri = {.path = NULL};

    if (strlen(text) > QR_URI_MAX)
        return qr_fail(err, QR_E_INVALID, "uri of %zu bytes, at most %d are allowed", strlen(text),
                       QR_URI_MAX);
    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return qr_fail(err, QR_E_INVALID, "uri '%.100s' does not start with root://NAME/", text);
    const char *name = text + sizeof scheme - 1;
    size_t len = strcspn(name, "/");
    if (len > QR_ROOT_NAME_MAX)
        return qr_fail(err, QR_E_INVALID, "root name in '%.100s' is too long", text);
    memcpy(uri.root, name, len);
    uri.root[len] = '\0';
    if (!qr_root_name_is_valid(uri.root))
        return qr_fail(err, QR_E_INVALID, "root name '%s' has other characters than a-z 0-9 _ -",
                       uri.root);
    const char *path = name + len;
    path += strspn(path, "/");
    uri.path = malloc(strlen(path) + 1);
    if (!uri.path)
        return qr_fail(err, QR_E_NOMEM, "no memory for a path");
    int rc = decode_path(path, uri.path, err);
    if (rc == QR_OK && climbs_out(uri.path))
        rc = qr_fail(err, QR_E_INVALID,
                     "path '%.200s' has a '..' part; hint: name the folder itself", uri.path);
    if (rc < 0) {
        free(uri.path);
        return rc;
    }
    *ret = uri;
    return QR_OK;
}

void qr_uri_done(struct qr_uri *uri)
{
    free(uri->path);
    uri->path = NULL;
}
