/* Records of the journal, little-endian:
 *
 *     0   4  mark "QSP1"
 *     4   4  kind
 *     8   4  length of the payload
 *    12   4  CRC-32C of bytes 0..11, 16..31 and the payload
 *    16   8  lease id
 *    24   8  job id
 *    32      payload
 */
#include "common/fleet/spool_intern.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_BYTES ((int64_t)64 << 20)     /* a journal of this size is followed by a new one */
#define IDLE_SEGMENT_BYTES ((int64_t)1 << 20) /* the same when nothing in it counts any more */

enum {
    SCAN_BYTES = 64 << 10,
    SEGMENTS_MAX = 16 /* of which most are empty; each is an open file */
};

static const uint8_t mark[4] = {'Q', 'S', 'P', '1'};

/* ---- checksum: Castagnoli polynomial, reflected (RFC 3720, appendix B.4) */

static uint32_t crc_table[256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void make_crc_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ (value & 1 ? 0x82F63B78U : 0);
        crc_table[i] = value;
    }
}

static uint32_t crc_add(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++)
        crc = (crc >> 8) ^ crc_table[(crc ^ bytes[i]) & 0xFF];
    return crc;
}

static void put_le(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* ---- segments */

static void segment_name(uint64_t number, char *buf, size_t size)
{
    snprintf(buf, size, "journal-%08" PRIu64, number);
}

struct segment *qr_spool_segment(const struct qr_spool *spool, uint64_t number)
{
    for (size_t i = 0; i < spool->n_segments; i++)
        if (spool->segments[i].number == number)
            return &spool->segments[i];
    return NULL;
}

static int add_segment(struct qr_spool *spool, uint64_t number, int flags, struct qr_err *err)
{
    char name[40];
    struct stat st;

    struct segment *grown =
        realloc(spool->segments, (spool->n_segments + 1) * sizeof *spool->segments);
    if (!grown)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    spool->segments = grown;
    segment_name(number, name, sizeof name);
    int fd = openat(spool->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        return qr_fail_errno(err, QR_E_IO, saved, "open '%s/%s'", spool->config.dir, name);
    }
    grown[spool->n_segments++] =
        (struct segment){.number = number, .fd = fd, .end = (int64_t)st.st_size};
    spool->total_bytes += (int64_t)st.st_size;
    return QR_OK;
}

static void remove_oldest_segment(struct qr_spool *spool)
{
    struct segment *oldest = &spool->segments[0];
    char name[40];

    segment_name(oldest->number, name, sizeof name);
    unlinkat(spool->dir_fd, name, 0);
    close(oldest->fd);
    spool->total_bytes -= oldest->end;
    spool->n_segments--;
    memmove(spool->segments, spool->segments + 1, spool->n_segments * sizeof *spool->segments);
}

/* Write one record at the end of the newest segment. After a failed write the file is cut back. */
static int write_record(struct qr_spool *spool, enum record_kind kind, uint64_t lease_id,
                        uint64_t job_id, const struct iovec *parts, size_t n_parts,
                        struct entry *ret_where, struct qr_err *err)
{
    struct segment *last = &spool->segments[spool->n_segments - 1];
    uint8_t header[RECORD_HEADER] = {0};
    struct iovec all[QR_SPOOL_PARTS_MAX + 1] = {{.iov_base = header, .iov_len = RECORD_HEADER}};
    size_t size = 0;

    for (size_t i = 0; i < n_parts; i++) {
        all[i + 1] = parts[i];
        size += parts[i].iov_len;
    }
    memcpy(header, mark, sizeof mark);
    put_le(header + 4, kind, 4);
    put_le(header + 8, size, 4);
    put_le(header + 16, lease_id, 8);
    put_le(header + 24, job_id, 8);
    uint32_t crc = crc_add(crc_add(~0U, header, 12), header + 16, 16);
    for (size_t i = 0; i < n_parts; i++)
        crc = crc_add(crc, parts[i].iov_base, parts[i].iov_len);
    put_le(header + 12, ~crc, 4);

    ssize_t wrote = pwritev(last->fd, all, (int)n_parts + 1, last->end);
    if (wrote < 0 || (size_t)wrote != size + RECORD_HEADER) {
        int saved = wrote < 0 ? errno : ENOSPC;
        if (ftruncate(last->fd, last->end) < 0)
            last->end += wrote > 0 ? wrote : 0; /* left behind as damage; the reader skips it */
        return qr_fail_errno(err, QR_E_IO, saved, "write to the spool '%s'", spool->config.dir);
    }
    if (ret_where) {
        ret_where->segment = last->number;
        ret_where->offset = last->end + RECORD_HEADER;
        ret_where->size = size;
    }
    last->end += wrote;
    spool->total_bytes += wrote;
    return QR_OK;
}

/* Start a new segment; starts move there so that they do not keep an old one alive. */
static int roll(struct qr_spool *spool, struct qr_err *err)
{
    struct entry *start;
    struct entry *next;

    uint64_t number = 1;
    if (spool->n_segments > 0) {
        struct segment *last = &spool->segments[spool->n_segments - 1];
        number = last->number + 1;
        last->unsynced = spool->unsynced_since != 0;
    }
    int rc = add_segment(spool, number, O_CREAT | O_EXCL, err);
    if (rc < 0)
        return rc;
    HASH_ITER (hh, spool->starts, start, next) {
        struct entry moved = *start;
        rc =
            write_record(spool, RECORD_START, start->lease_id, start->job_id, NULL, 0, &moved, err);
        if (rc < 0)
            return rc;
        struct segment *old = qr_spool_segment(spool, start->segment);
        if (old)
            old->alive--;
        start->segment = moved.segment;
        start->offset = moved.offset;
        spool->segments[spool->n_segments - 1].alive++;
    }
    return QR_OK;
}

int qr_spool_journal_append(struct qr_spool *spool, enum record_kind kind, uint64_t lease_id,
                            uint64_t job_id, const struct iovec *parts, size_t n_parts,
                            struct entry *ret_where, struct qr_err *err)
{
    const struct segment *last = &spool->segments[spool->n_segments - 1];
    bool idle = HASH_COUNT(spool->results) == 0;
    int rc = QR_OK;

    if (last->end >= (idle ? IDLE_SEGMENT_BYTES : SEGMENT_BYTES))
        rc = roll(spool, err);
    if (rc == QR_OK)
        rc = write_record(spool, kind, lease_id, job_id, parts, n_parts, ret_where, err);
    qr_spool_journal_trim(spool, false);
    return rc;
}

/* Copy the results of the oldest segment to the newest, so that it can go. */
static void move_oldest(struct qr_spool *spool)
{
    struct segment *oldest = &spool->segments[0];
    struct entry *entry;
    struct entry *next;
    struct qr_err err = {0};

    HASH_ITER (hh, spool->results, entry, next) {
        if (entry->segment != oldest->number)
            continue;
        struct entry moved = *entry;
        uint8_t *data = malloc(entry->size + 1);
        struct iovec part = {.iov_base = data, .iov_len = entry->size};
        int rc =
            !data ? QR_E_NOMEM : qr_spool_read(spool, entry->lease_id, 0, data, entry->size, &err);
        if (rc == QR_OK)
            rc = write_record(spool, RECORD_RESULT, entry->lease_id, entry->job_id, &part, 1,
                              &moved, &err);
        free(data);
        if (rc < 0)
            return; /* tried again at the next tick */
        entry->segment = moved.segment;
        entry->offset = moved.offset;
        oldest->alive--;
        spool->segments[spool->n_segments - 1].alive++;
        if (spool->unsynced_since == 0)
            spool->unsynced_since = 1; /* the copy, at the next tick */
    }
}

/* Remove old segments in which nothing counts. Oldest first: a removed segment's records of kind
 * end or gone may speak of older segments only, which are removed before it. */
void qr_spool_journal_trim(struct qr_spool *spool, bool may_move)
{
    bool pays = spool->total_bytes > SEGMENT_BYTES + 4 * spool->result_bytes ||
                (int64_t)spool->n_segments > SEGMENTS_MAX + 2 * spool->result_bytes / SEGMENT_BYTES;

    if (may_move && spool->n_segments > 1 && pays)
        move_oldest(spool);
    while (spool->n_segments > 1 && spool->segments[0].alive == 0)
        remove_oldest_segment(spool);
}

void qr_spool_journal_close(struct qr_spool *spool)
{
    for (size_t i = 0; i < spool->n_segments; i++) {
        if (spool->segments[i].alive > 0 || i + 1 == spool->n_segments)
            fdatasync(spool->segments[i].fd);
        close(spool->segments[i].fd);
    }
    free(spool->segments);
    spool->segments = NULL;
    spool->n_segments = 0;
}

/* ---- reading back */

struct record {
    uint32_t kind;
    size_t size;
    uint64_t lease_id, job_id;
};

/* The record at `offset`, when an intact one is there. */
static bool read_record(const struct segment *segment, int64_t offset, struct record *ret)
{
    uint8_t header[RECORD_HEADER];
    uint8_t chunk[4096];

    if (segment->end - offset < RECORD_HEADER ||
        pread(segment->fd, header, sizeof header, offset) != (ssize_t)sizeof header ||
        memcmp(header, mark, sizeof mark) != 0)
        return false;
    ret->kind = (uint32_t)get_le(header + 4, 4);
    ret->size = (size_t)get_le(header + 8, 4);
    ret->lease_id = get_le(header + 16, 8);
    ret->job_id = get_le(header + 24, 8);
    if (ret->size > QR_SPOOL_ENTRY_MAX ||
        (int64_t)ret->size > segment->end - offset - RECORD_HEADER)
        return false;
    uint32_t crc = crc_add(crc_add(~0U, header, 12), header + 16, 16);
    int64_t at = offset + RECORD_HEADER;
    for (size_t left = ret->size; left > 0;) {
        size_t want = left < sizeof chunk ? left : sizeof chunk;
        if (pread(segment->fd, chunk, want, at) != (ssize_t)want)
            return false;
        crc = crc_add(crc, chunk, want);
        at += (int64_t)want;
        left -= want;
    }
    return (uint32_t)get_le(header + 12, 4) == (uint32_t)~crc;
}

/* Where the next intact record starts at or behind `offset`; the segment's end when there is none.
 */
static int64_t find_record(const struct segment *segment, int64_t offset)
{
    uint8_t chunk[SCAN_BYTES];
    struct record record;

    while (segment->end - offset >= RECORD_HEADER) {
        ssize_t got = pread(segment->fd, chunk, sizeof chunk, offset);
        if (got < (ssize_t)sizeof mark)
            break;
        for (ssize_t i = 0; i + (ssize_t)sizeof mark <= got; i++)
            if (memcmp(chunk + i, mark, sizeof mark) == 0 &&
                read_record(segment, offset + i, &record))
                return offset + i;
        offset += got - (ssize_t)sizeof mark + 1;
    }
    return segment->end;
}

static int apply_record(struct qr_spool *spool, const struct segment *segment, int64_t offset,
                        const struct record *record, struct qr_err *err)
{
    struct entry *result = NULL;
    struct entry *start = NULL;
    struct entry entry = {.lease_id = record->lease_id,
                          .job_id = record->job_id,
                          .segment = segment->number,
                          .offset = offset + RECORD_HEADER,
                          .size = record->size};

    HASH_FIND(hh, spool->results, &record->lease_id, sizeof record->lease_id, result);
    HASH_FIND(hh, spool->starts, &record->lease_id, sizeof record->lease_id, start);
    if (record->kind != RECORD_GONE && start)
        qr_spool_drop_entry(spool, &spool->starts, start);
    if ((record->kind == RECORD_GONE || record->kind == RECORD_RESULT) && result)
        qr_spool_drop_entry(spool, &spool->results, result);
    if (record->kind == RECORD_RESULT)
        return qr_spool_add_entry(spool, &spool->results, &entry, err);
    if (record->kind == RECORD_START) {
        entry.is_start = true;
        entry.earlier = true;
        return qr_spool_add_entry(spool, &spool->starts, &entry, err);
    }
    return QR_OK;
}

static int load_segment(struct qr_spool *spool, struct segment *segment, struct qr_err *err)
{
    struct record record;
    int64_t offset = 0;
    int rc = QR_OK;

    while (rc == QR_OK && offset < segment->end) {
        if (read_record(segment, offset, &record)) {
            rc = apply_record(spool, segment, offset, &record, err);
            offset += RECORD_HEADER + (int64_t)record.size;
            continue;
        }
        int64_t next = find_record(segment, offset + 1);
        if (next >= segment->end) {
            spool->report.torn_bytes += (uint64_t)(segment->end - offset);
        } else {
            spool->report.damaged_records++;
            spool->report.damaged_bytes += (uint64_t)(next - offset);
        }
        offset = next;
    }
    return rc;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Numbers of the journals in the folder, ascending. */
static int list_journals(const struct qr_spool *spool, uint64_t **ret, size_t *ret_n,
                         struct qr_err *err)
{
    uint64_t *numbers = NULL;
    size_t n = 0;
    int fd = openat(spool->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    int rc = QR_OK;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return qr_fail_errno(err, QR_E_IO, errno, "list the spool '%s'", spool->config.dir);
    }
    for (struct dirent *found; rc == QR_OK && (found = readdir(dir));) {
        char *end = NULL;
        if (strncmp(found->d_name, "journal-", 8) != 0)
            continue;
        uint64_t number = strtoull(found->d_name + 8, &end, 10);
        uint64_t *grown = realloc(numbers, (n + 1) * sizeof *numbers);
        if (!grown)
            rc = qr_fail(err, QR_E_NOMEM, "out of memory");
        else
            numbers = grown;
        if (grown && end != found->d_name + 8 && *end == '\0')
            numbers[n++] = number;
    }
    closedir(dir);
    if (n > 0)
        qsort(numbers, n, sizeof *numbers, by_number);
    if (rc < 0) {
        free(numbers);
        return rc;
    }
    *ret = numbers;
    *ret_n = n;
    return QR_OK;
}

int qr_spool_journal_load(struct qr_spool *spool, struct qr_err *err)
{
    uint64_t *numbers = NULL;
    size_t n = 0;

    pthread_once(&crc_once, make_crc_table);
    int rc = list_journals(spool, &numbers, &n, err);
    for (size_t i = 0; rc == QR_OK && i < n; i++) {
        rc = add_segment(spool, numbers[i], 0, err);
        if (rc == QR_OK)
            rc = load_segment(spool, &spool->segments[spool->n_segments - 1], err);
    }
    free(numbers);
    if (rc == QR_OK)
        rc = roll(spool, err); /* this life writes to a journal of its own */
    if (rc == QR_OK)
        qr_spool_journal_trim(spool, true);
    return rc;
}
