/* One member of a zip archive, found in its directory and unpacked as it is read: stored or
 * deflated, with the 64-bit fields. Nothing is kept of the rest, so memory does not depend on the
 * archive's size. Source: APPNOTE.TXT 6.3.10, sections 4.3 to 4.5. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "common/cadjson/store.h"
#include "common/os/file.h"

enum {
    END_BYTES = 22,
    END_MAX = END_BYTES + 65535, /* with a comment */
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    MEMBERS_MAX = 2000000,
    INPUT_BYTES = 64 * 1024,
};

struct directory {
    uint64_t at, bytes, members;
};

struct member {
    uint64_t at; /* of its local header */
    uint64_t packed, bytes;
    unsigned flags, method;
};

struct qr_import_zip {
    int fd;
    uint64_t at, left; /* packed bytes not read yet */
    uint64_t out, max; /* bytes unpacked */
    bool deflated, begun, ended;
    z_stream stream;
    uint8_t input[INPUT_BYTES];
};

static uint32_t le16(const uint8_t *b) { return (uint32_t)b[0] | (uint32_t)b[1] << 8; }
static uint32_t le32(const uint8_t *b) { return le16(b) | le16(b + 2) << 16; }
static uint64_t le64(const uint8_t *b) { return le32(b) | (uint64_t)le32(b + 4) << 32; }

static int damaged(struct qr_err *err, const char *what)
{
    return qr_fail(err, QR_E_DATA, "the archive is damaged: %s", what);
}

/* Exactly so many bytes, or an error. */
static int read_at(int fd, uint64_t at, uint8_t *buf, size_t n, struct qr_err *err)
{
    while (n > 0) {
        ssize_t got = at > INT64_MAX ? 0 : pread(fd, buf, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return qr_fail_errno(err, QR_E_IO, errno, "read the archive");
        if (got == 0)
            return damaged(err, "it ends too early");
        buf += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return QR_OK;
}

/* ------------------------------------------------------------------ the directory */

static int read_end64(int fd, uint64_t end_at, struct directory *ret, struct qr_err *err)
{
    uint8_t locator[LOCATOR_BYTES], end[END64_BYTES];
    int rc;

    if (end_at < LOCATOR_BYTES)
        return damaged(err, "its 64-bit end is missing");
    rc = read_at(fd, end_at - LOCATOR_BYTES, locator, sizeof locator, err);
    if (rc == QR_OK && le32(locator) != 0x07064b50)
        rc = damaged(err, "its 64-bit end is missing");
    if (rc == QR_OK)
        rc = read_at(fd, le64(locator + 8), end, sizeof end, err);
    if (rc == QR_OK && le32(end) != 0x06064b50)
        rc = damaged(err, "its 64-bit end is no such thing");
    if (rc == QR_OK)
        *ret = (struct directory){le64(end + 48), le64(end + 40), le64(end + 32)};
    return rc;
}

static int find_directory(int fd, struct directory *ret, struct qr_err *err)
{
    struct qr_file_info info;
    uint8_t *tail;
    int rc = qr_file_info(fd, &info, err);

    if (rc < 0)
        return rc;
    if (info.size < END_BYTES)
        return qr_fail(err, QR_E_DATA, "this is no zip archive: %llu bytes",
                       (unsigned long long)info.size);
    size_t n = info.size < END_MAX ? (size_t)info.size : END_MAX;
    if (!(tail = malloc(n)))
        return qr_fail(err, QR_E_NOMEM, "import: out of memory");
    rc = read_at(fd, info.size - n, tail, n, err);
    for (size_t i = n - END_BYTES + 1; rc == QR_OK && i-- > 0;) {
        const uint8_t *end = tail + i;
        if (le32(end) != 0x06054b50 || i + END_BYTES + le16(end + 20) > n)
            continue;
        *ret = (struct directory){le32(end + 16), le32(end + 12), le16(end + 10)};
        if (ret->at == UINT32_MAX || ret->bytes == UINT32_MAX || ret->members == UINT16_MAX)
            rc = read_end64(fd, info.size - n + i, ret, err);
        free(tail);
        return rc;
    }
    free(tail);
    return rc < 0 ? rc : qr_fail(err, QR_E_DATA, "this is no zip archive, or not all of it");
}

/* Sizes that do not fit 32 bits stand in an extra field, in this order. */
static bool wide_fields(struct member *m, const uint8_t *extra, size_t len)
{
    while (len >= 4) {
        size_t n = le16(extra + 2);
        const uint8_t *at = extra + 4;
        if (n > len - 4)
            return false;
        if (le16(extra) == 1) {
            uint64_t *const fields[] = {&m->bytes, &m->packed, &m->at};
            for (size_t i = 0; i < QR_COUNT(fields); i++) {
                if (*fields[i] != UINT32_MAX)
                    continue;
                if (n < 8)
                    return false;
                *fields[i] = le64(at);
                at += 8;
                n -= 8;
            }
            return true;
        }
        extra += 4 + n;
        len -= 4 + n;
    }
    return true;
}

/* The entry of the best export; *ret_fit 0: there is none. */
static int find_member(int fd, const struct directory *dir, const char *model, struct member *ret,
                       char *ret_name, int64_t *ret_fit, struct qr_err *err)
{
    uint64_t at = dir->at;

    *ret_fit = 0;
    if (dir->members > MEMBERS_MAX)
        return qr_fail(err, QR_E_LIMIT, "the archive has %llu members, at most %d are looked at",
                       (unsigned long long)dir->members, MEMBERS_MAX);
    for (uint64_t i = 0; i < dir->members; i++) {
        uint8_t head[ENTRY_BYTES], rest[2 * UINT16_MAX];
        char name[QR_IMPORT_NAME_MAX];
        int rc = read_at(fd, at, head, sizeof head, err);
        if (rc == QR_OK && le32(head) != 0x02014b50)
            rc = damaged(err, "its directory is cut");
        if (rc < 0)
            return rc;
        size_t n_name = le16(head + 28), n_extra = le16(head + 30);
        rc = read_at(fd, at + sizeof head, rest, n_name + n_extra, err);
        if (rc < 0)
            return rc;
        at += sizeof head + n_name + n_extra + le16(head + 32);
        const uint8_t *slash = memrchr(rest, '/', n_name);
        size_t skip = slash ? (size_t)(slash - rest) + 1 : 0;
        if (n_name - skip >= sizeof name)
            continue;
        memcpy(name, rest + skip, n_name - skip);
        name[n_name - skip] = '\0';
        int64_t fit = qr_import_fits(name, model);
        if (fit <= *ret_fit)
            continue;
        *ret = (struct member){le32(head + 42), le32(head + 20), le32(head + 24), le16(head + 8),
                               le16(head + 10)};
        if (!wide_fields(ret, rest + n_name, n_extra))
            return damaged(err, "an entry's sizes are cut");
        memcpy(ret_name, name, sizeof name);
        *ret_fit = fit;
    }
    return QR_OK;
}

/* ------------------------------------------------------------------ the member */

static int begin(struct qr_import_zip *zip, const struct member *m, const char *name,
                 struct qr_err *err)
{
    uint8_t head[LOCAL_BYTES];
    int rc;

    if (m->flags & 1)
        return qr_fail(err, QR_E_DENIED, "'%s' is encrypted in the archive", name);
    if (m->method != 0 && m->method != 8)
        return qr_fail(err, QR_E_UNSUPPORTED,
                       "'%s' is packed by method %u; hint: pack it by deflate", name, m->method);
    if (m->bytes > zip->max)
        return qr_fail(err, QR_E_LIMIT, "'%s' has %llu bytes, at most %llu are read", name,
                       (unsigned long long)m->bytes, (unsigned long long)zip->max);
    rc = read_at(zip->fd, m->at, head, sizeof head, err);
    if (rc == QR_OK && le32(head) != 0x04034b50)
        rc = damaged(err, "a member is not where the directory says");
    if (rc < 0)
        return rc;
    zip->at = m->at + sizeof head + le16(head + 26) + le16(head + 28);
    zip->left = m->packed;
    zip->deflated = m->method == 8;
    if (!zip->deflated)
        return QR_OK;
    zip->begun = inflateInit2(&zip->stream, -MAX_WBITS) == Z_OK;
    return zip->begun ? QR_OK : qr_fail(err, QR_E_NOMEM, "import: out of memory");
}

int qr_import_zip_open(int fd, const char *model, uint64_t max_bytes, char *ret_name,
                       struct qr_import_zip **ret, struct qr_err *err)
{
    struct qr_import_zip *zip = calloc(1, sizeof *zip);
    struct directory dir;
    struct member member;
    int64_t fit = 0;

    if (!zip)
        return qr_fail(err, QR_E_NOMEM, "import: out of memory");
    zip->fd = fd;
    zip->max = max_bytes;
    int rc = find_directory(fd, &dir, err);
    if (rc == QR_OK)
        rc = find_member(fd, &dir, model, &member, ret_name, &fit, err);
    if (rc == QR_OK && fit > 0)
        rc = begin(zip, &member, ret_name, err);
    if (rc < 0 || fit == 0) {
        qr_import_zip_free(zip);
        return rc;
    }
    *ret = zip;
    return 1;
}

void qr_import_zip_free(struct qr_import_zip *zip)
{
    if (!zip)
        return;
    if (zip->begun)
        inflateEnd(&zip->stream);
    free(zip);
}

/* The next packed bytes to `buf`. */
static int64_t packed(struct qr_import_zip *zip, uint8_t *buf, size_t cap, struct qr_err *err)
{
    size_t n = zip->left < cap ? (size_t)zip->left : cap;

    if (n > 0 && read_at(zip->fd, zip->at, buf, n, err) < 0)
        return -1;
    zip->at += n;
    zip->left -= n;
    return (int64_t)n;
}

static int64_t inflated(struct qr_import_zip *zip, uint8_t *buf, size_t cap, struct qr_err *err)
{
    z_stream *s = &zip->stream;

    s->next_out = buf;
    s->avail_out = (uInt)cap;
    while (s->avail_out > 0 && !zip->ended) {
        if (s->avail_in == 0) {
            int64_t n = packed(zip, zip->input, sizeof zip->input, err);
            if (n < 0)
                return -1;
            s->next_in = zip->input;
            s->avail_in = (uInt)n;
        }
        int rc = inflate(s, Z_NO_FLUSH);
        zip->ended = rc == Z_STREAM_END;
        if (rc != Z_OK && rc != Z_STREAM_END) {
            if (cap > s->avail_out)
                break; /* what came before it is read first */
            damaged(err, "a member cannot be unpacked");
            return -1;
        }
    }
    return (int64_t)(cap - s->avail_out);
}

int64_t qr_import_zip_read(void *ctx, uint8_t *buf, size_t cap, struct qr_err *err)
{
    struct qr_import_zip *zip = ctx;
    int64_t n = zip->deflated ? inflated(zip, buf, cap, err) : packed(zip, buf, cap, err);

    if (n > 0)
        zip->out += (uint64_t)n;
    if (zip->out > zip->max) {
        (void)qr_fail(err, QR_E_LIMIT, "the export unpacks to more than %llu bytes",
                      (unsigned long long)zip->max);
        return -1;
    }
    return n;
}
