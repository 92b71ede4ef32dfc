#include "worker/extract/p21/container.h"

#include <stdlib.h>
#include <strings.h>

#include <zlib.h>

#define FREE_BYTES ((size_t)16 << 20) /* up to here the ratio does not matter */
#define RATIO_MAX 100
#define STEP_BYTES ((size_t)1 << 20)
#define LOCAL_HEADER 30
#define CENTRAL_HEADER 46
#define END_RECORD 22
#define END_RECORD64 56
#define LOCATOR 20
#define COMMENT_MAX 65535
#define MEMBERS_MAX 100000

/* A member of an archive, from the directory. */
struct member {
    const uint8_t *name;
    size_t name_len;
    uint32_t flags, method, crc;
    uint64_t packed, at; /* `at`: of the local header */
};

static uint32_t le16(const uint8_t *at) { return (uint32_t)at[0] | (uint32_t)at[1] << 8; }

static uint32_t le32(const uint8_t *at) { return le16(at) | le16(at + 2) << 16; }

static uint64_t le64(const uint8_t *at) { return le32(at) | (uint64_t)le32(at + 4) << 32; }

enum qr_p21_container qr_p21_container_of(const uint8_t *data, size_t len)
{
    if (len >= 2 && data[0] == 0x1F && data[1] == 0x8B)
        return QR_P21_GZIP;
    if (len >= 4 && memcmp(data, "PK", 2) == 0 && (data[2] == 3 || data[2] == 5))
        return QR_P21_ZIP;
    return QR_P21_BARE;
}

static size_t cap_of(size_t packed, size_t max_bytes)
{
    size_t cap = packed < SIZE_MAX / RATIO_MAX ? packed * RATIO_MAX : SIZE_MAX;

    cap = cap < FREE_BYTES ? FREE_BYTES : cap;
    return cap < max_bytes ? cap : max_bytes;
}

static bool too_large(struct qr_record *rec, size_t packed, size_t cap)
{
    qr_record_fail(rec, QR_CLASS_INVALID_INPUT,
                   "%zu packed bytes unpack to more than %zu; hint: unpack the file by hand if "
                   "that is what it should be",
                   packed, cap);
    return false;
}

static void damaged(struct qr_record *rec, const char *what)
{
    qr_record_partial(rec, "p21.archive.damaged", "%s; what could be unpacked was read", what);
}

/* Room for more behind `used`; false: none. */
static bool grow(uint8_t **data, size_t *cap, size_t used, size_t max)
{
    size_t want = used < STEP_BYTES ? STEP_BYTES : used + used / 2;
    uint8_t *more;

    if (used < *cap)
        return true;
    want = want < max + 1 ? want : max + 1; /* one more tells that it is too much */
    more = realloc(*data, want);
    if (!more)
        return false;
    *data = more;
    *cap = want;
    return true;
}

/* Inflate; `bits` as for inflateInit2(). */
static bool inflate_all(const uint8_t *packed, size_t len, int bits, size_t max,
                        struct qr_record *rec, uint8_t **ret, size_t *ret_len)
{
    z_stream z = {0};
    uint8_t *data = NULL;
    size_t cap = 0;
    size_t used = 0;
    int rc = Z_OK;

    if (inflateInit2(&z, bits) != Z_OK) {
        qr_record_fail(rec, QR_CLASS_RESOURCE, "no memory to unpack the file");
        return false;
    }
    z.next_in = (Bytef *)(uintptr_t)packed;
    while (rc == Z_OK && used <= max) {
        size_t left = len - (size_t)(z.next_in - packed);
        if (!grow(&data, &cap, used, max)) {
            rc = Z_MEM_ERROR;
            break;
        }
        z.avail_in = left < UINT32_MAX ? (uInt)left : UINT32_MAX;
        z.next_out = data + used;
        z.avail_out = cap - used < UINT32_MAX ? (uInt)(cap - used) : UINT32_MAX;
        uInt room = z.avail_out;
        rc = inflate(&z, Z_NO_FLUSH);
        used += room - z.avail_out;
        if (rc == Z_STREAM_END && bits > 15 && z.avail_in > 2 && z.next_in[0] == 0x1F)
            rc = inflateReset(&z); /* several gzip members in a row */
        else if (rc == Z_BUF_ERROR && z.avail_out == 0)
            rc = Z_OK;
    }
    inflateEnd(&z);
    *ret = data;
    *ret_len = used;
    if (used > max)
        return too_large(rec, len, max);
    if (rc == Z_MEM_ERROR)
        qr_record_fail(rec, QR_CLASS_RESOURCE, "no memory for %zu unpacked bytes", used);
    else if (rc != Z_STREAM_END && used == 0)
        qr_record_fail(rec, QR_CLASS_INVALID_INPUT,
                       "the archive is damaged at its beginning; hint: copy it again");
    else if (rc != Z_STREAM_END)
        damaged(rec, "the packed data are damaged or cut off");
    return rc != Z_MEM_ERROR && used > 0;
}

/* The record behind all others, from its end backwards; NULL when it is cut off. */
static const uint8_t *end_record(const uint8_t *data, size_t len)
{
    size_t lowest = len > END_RECORD + COMMENT_MAX ? len - END_RECORD - COMMENT_MAX : 0;

    for (size_t at = len < END_RECORD ? 0 : len - END_RECORD + 1; at > lowest; at--)
        if (memcmp(data + at - 1, "PK\5\6", 4) == 0)
            return data + at - 1;
    return NULL;
}

/* How well a member fits: 0 not at all. */
static int rank(const struct member *member, const char *suffixes)
{
    static const char root[] = "ISO-10303.p21";
    const char *name = (const char *)member->name;
    size_t len = member->name_len;

    if (len == sizeof root - 1 && strncasecmp(name, root, len) == 0)
        return 3;
    if (len > 9 && memcmp(name, "__MACOSX/", 9) == 0)
        return 0;
    for (const char *word = suffixes; *word;) {
        size_t n = strcspn(word, " ");
        if (n > 0 && len > n && strncasecmp(name + len - n, word, n) == 0)
            return 2;
        word += n + strspn(word + n, " ");
    }
    return 0;
}

/* Where the directory begins; SIZE_MAX: it is cut off. In ZIP64 a locator before the end record (8
 * the place) leads to a second one (48 the place). Source: APPNOTE 6.3.10, 4.3.14 to 4.3.16. */
static size_t directory_at(const uint8_t *data, size_t len)
{
    const uint8_t *end = end_record(data, len);
    uint64_t at = end ? le32(end + 16) : UINT64_MAX;

    if (end && at == UINT32_MAX && end - data >= LOCATOR &&
        memcmp(end - LOCATOR, "PK\6\7", 4) == 0) {
        uint64_t second = le64(end - LOCATOR + 8);
        at = len >= END_RECORD64 && second <= len - END_RECORD64 &&
                     memcmp(data + second, "PK\6\6", 4) == 0
                 ? le64(data + second + 48)
                 : UINT64_MAX;
    }
    return at < len ? (size_t)at : SIZE_MAX;
}

/* ZIP64: what is all ones in the member stands in extra field 1, in this order: unpacked size,
 * packed size, place. Source: APPNOTE 6.3.10, 4.5.3. */
static void widen(struct member *member, const uint8_t *entry)
{
    const uint8_t *at = entry + CENTRAL_HEADER + member->name_len;
    const uint8_t *end = at + le16(entry + 30);

    while (end - at >= 4 && le16(at) != 1)
        at += end - at - 4 < (ptrdiff_t)le16(at + 2) ? end - at : 4 + (ptrdiff_t)le16(at + 2);
    if (end - at < 4)
        return;
    end = end - at - 4 < (ptrdiff_t)le16(at + 2) ? end : at + 4 + le16(at + 2);
    at += 4;
    if (le32(entry + 24) == UINT32_MAX && end - at >= 8)
        at += 8;
    if (member->packed == UINT32_MAX && end - at >= 8) {
        member->packed = le64(at);
        at += 8;
    }
    if (member->at == UINT32_MAX && end - at >= 8)
        member->at = le64(at);
}

/* The member that is meant, and how many others would do; false: there is none. */
static bool choose(const uint8_t *data, size_t len, const char *suffixes, struct member *ret,
                   unsigned *ret_others)
{
    size_t directory = directory_at(data, len);
    const uint8_t *at = directory < len ? data + directory : NULL;
    int best = 0;

    *ret_others = 0;
    for (int i = 0; at && i < MEMBERS_MAX && (size_t)(data + len - at) >= CENTRAL_HEADER; i++) {
        size_t left = (size_t)(data + len - at);
        size_t name_len = le16(at + 28);
        size_t whole = CENTRAL_HEADER + name_len + le16(at + 30) + le16(at + 32);
        if (memcmp(at, "PK\1\2", 4) != 0 || whole > left)
            break;
        struct member member = {at + CENTRAL_HEADER, name_len,      le16(at + 8), le16(at + 10),
                                le32(at + 16),       le32(at + 20), le32(at + 42)};
        int fits = rank(&member, suffixes);
        widen(&member, at);
        *ret_others += fits > 0;
        if (fits > best) {
            best = fits;
            *ret = member;
        }
        at += whole;
    }
    *ret_others -= best > 0;
    return best > 0;
}

/* Without a directory: the member the file begins with. */
static bool first_member(const uint8_t *data, size_t len, const char *suffixes, struct member *ret)
{
    if (len < LOCAL_HEADER || memcmp(data, "PK\3\4", 4) != 0)
        return false;
    *ret = (struct member){data + LOCAL_HEADER,
                           le16(data + 26),
                           le16(data + 6),
                           le16(data + 8),
                           le32(data + 14),
                           len,
                           0};
    return ret->name_len <= len - LOCAL_HEADER && rank(ret, suffixes) > 0;
}

/* Where its bytes lie; false: not in this file. */
static bool find_bytes(const uint8_t *data, size_t len, const struct member *member,
                       const uint8_t **ret, size_t *ret_len)
{
    if (member->at > len || len - member->at < LOCAL_HEADER ||
        memcmp(data + member->at, "PK\3\4", 4) != 0)
        return false;
    const uint8_t *header = data + member->at;
    size_t skip = LOCAL_HEADER + le16(header + 26) + le16(header + 28);
    size_t left = len - (size_t)member->at;
    if (skip >= left)
        return false;
    *ret = header + skip;
    *ret_len = left - skip < member->packed ? left - skip : (size_t)member->packed;
    return true;
}

static bool unpack_member(const uint8_t *bytes, size_t n, const struct member *member,
                          size_t max_bytes, struct qr_record *rec, uint8_t **ret, size_t *ret_len)
{
    size_t cap = cap_of(n, max_bytes);

    if (member->flags & 1) {
        qr_record_fail(rec, QR_CLASS_PERMISSION,
                       "the archive needs a password; hint: unpack it by hand");
        return false;
    }
    if (member->method == 8)
        return inflate_all(bytes, n, -15, cap, rec, ret, ret_len);
    if (member->method != 0) {
        qr_record_fail(rec, QR_CLASS_UNSUPPORTED,
                       "the archive is packed by method %u; hint: pack it as deflate",
                       member->method);
        return false;
    }
    if (n > cap)
        return too_large(rec, n, cap);
    *ret = malloc(n ? n : 1);
    if (*ret)
        memcpy(*ret, bytes, n);
    else
        qr_record_fail(rec, QR_CLASS_RESOURCE, "no memory for %zu unpacked bytes", n);
    *ret_len = n;
    return *ret != NULL;
}

static bool unpack_zip(const uint8_t *data, size_t len, const char *suffixes, size_t max_bytes,
                       struct qr_record *rec, uint8_t **ret, size_t *ret_len)
{
    struct member member = {0};
    const uint8_t *bytes;
    size_t n;
    unsigned others = 0;
    bool whole = choose(data, len, suffixes, &member, &others);

    if (!whole && choose(data, len, ".ifcxml", &member, &others)) {
        qr_record_fail(rec, QR_CLASS_UNSUPPORTED,
                       "the archive holds ifcXML, which is not read; hint: save the model as .ifc");
        return false;
    }
    if (!whole && !(end_record(data, len) == NULL && first_member(data, len, suffixes, &member))) {
        qr_record_fail(rec, QR_CLASS_INVALID_INPUT,
                       "the archive holds no file that ends in %s; hint: is it cut off?", suffixes);
        return false;
    }
    if (!find_bytes(data, len, &member, &bytes, &n)) {
        qr_record_fail(rec, QR_CLASS_INVALID_INPUT,
                       "the archive is damaged: its directory leads nowhere; hint: copy it again");
        return false;
    }
    if (!whole)
        damaged(rec, "the archive is cut off");
    if (others > 0)
        qr_record_partial(rec, "p21.archive.more",
                          "%u other models in the archive were not read; hint: unpack it", others);
    qr_record_add_meta(rec, "archive_member", (const char *)member.name, member.name_len,
                       "archive");
    if (!unpack_member(bytes, n, &member, max_bytes, rec, ret, ret_len))
        return false;
    if (whole && crc32_z(0, *ret, *ret_len) != member.crc)
        damaged(rec, "the checksum is another");
    return true;
}

bool qr_p21_unpack(const uint8_t *data, size_t len, const char *suffixes, size_t max_bytes,
                   struct qr_record *rec, uint8_t **ret, size_t *ret_len)
{
    bool good = false;

    *ret = NULL;
    *ret_len = 0;
    if (qr_p21_container_of(data, len) == QR_P21_ZIP)
        good = unpack_zip(data, len, suffixes, max_bytes, rec, ret, ret_len);
    else
        good = inflate_all(data, len, 15 + 16, cap_of(len, max_bytes), rec, ret, ret_len);
    if (good)
        return true;
    free(*ret);
    *ret = NULL;
    return false;
}
