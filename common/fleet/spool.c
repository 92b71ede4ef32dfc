#include "common/fleet/spool_intern.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { DISK_CHECK_MS = 1000 };

static void look_at_disk(struct qr_spool *spool)
{
    struct statvfs fs;
    if (fstatvfs(spool->dir_fd, &fs) == 0)
        spool->disk_free = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

static void update_full(struct qr_spool *spool)
{
    char *reason = spool->full_reason;
    size_t size = sizeof spool->full_reason;

    reason[0] = '\0';
    if (spool->write_error[0])
        snprintf(reason, size, "%s", spool->write_error);
    else if (spool->result_bytes >= spool->config.max_bytes)
        snprintf(reason, size, "the spool holds %" PRId64 " MiB of results that wait for an answer",
                 spool->result_bytes >> 20);
    else if (spool->disk_free < spool->config.reserve_bytes)
        snprintf(reason, size, "%" PRId64 " MiB free on the disk of the spool, %" PRId64 " needed",
                 spool->disk_free >> 20, spool->config.reserve_bytes >> 20);
}

int qr_spool_open(const struct qr_spool_config *config, struct qr_spool **ret, struct qr_err *err)
{
    QR_AUTO(qr_spool) spool = calloc(1, sizeof *spool);

    if (!spool)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    spool->dir_fd = spool->lock_fd = -1;
    spool->config = *config;
    spool->config.dir = strdup(config->dir);
    if (!spool->config.dir)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    int rc = qr_spool_open_folder(spool, err);
    if (rc == QR_OK)
        rc = qr_spool_count_start(spool, err);
    if (rc == QR_OK)
        rc = qr_spool_journal_load(spool, err);
    if (rc == QR_OK)
        rc = qr_spool_sync_start(&spool->sync, err);
    if (rc < 0)
        return rc;
    spool->epoch_len = qr_spool_load_file(spool, "epoch", spool->epoch, sizeof spool->epoch);
    spool->report.results = HASH_COUNT(spool->results);
    spool->report.earlier_starts = HASH_COUNT(spool->starts);
    look_at_disk(spool);
    update_full(spool);
    *ret = qr_steal(&spool);
    return QR_OK;
}

static void free_table(struct qr_spool *spool, struct entry **table)
{
    struct entry *entry;
    struct entry *next;
    HASH_ITER (hh, *table, entry, next)
        qr_spool_drop_entry(spool, table, entry);
}

void qr_spool_free(struct qr_spool *spool)
{
    if (!spool)
        return;
    qr_spool_sync_stop(&spool->sync);
    qr_spool_journal_close(spool);
    free_table(spool, &spool->results);
    free_table(spool, &spool->starts);
    if (spool->lock_fd >= 0)
        close(spool->lock_fd);
    if (spool->dir_fd >= 0)
        close(spool->dir_fd);
    free((char *)spool->config.dir);
    free(spool);
}

/* ---- entries */

int qr_spool_add_entry(struct qr_spool *spool, struct entry **table, const struct entry *entry,
                       struct qr_err *err)
{
    struct entry *copy = malloc(sizeof *copy);
    if (!copy)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    *copy = *entry;
    HASH_ADD_KEYPTR(hh, *table, &copy->lease_id, sizeof copy->lease_id, copy);
    struct segment *segment = qr_spool_segment(spool, copy->segment);
    if (segment)
        segment->alive++;
    if (copy->memory)
        spool->memory_bytes += copy->size;
    if (!copy->is_start)
        spool->result_bytes += (int64_t)copy->size;
    return QR_OK;
}

void qr_spool_drop_entry(struct qr_spool *spool, struct entry **table, struct entry *entry)
{
    struct segment *segment = qr_spool_segment(spool, entry->segment);
    if (segment)
        segment->alive--;
    if (entry->memory)
        spool->memory_bytes -= entry->size;
    if (!entry->is_start)
        spool->result_bytes -= (int64_t)entry->size;
    HASH_DELETE(hh, *table, entry);
    free(entry->memory);
    free(entry);
}

static struct entry *find(struct entry *table, uint64_t lease_id)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, table, &lease_id, sizeof lease_id, entry);
    return entry;
}

static void note_write(struct qr_spool *spool, int rc, const struct qr_err *err)
{
    snprintf(spool->write_error, sizeof spool->write_error, "%s", rc < 0 ? err->msg : "");
    update_full(spool);
}

int qr_spool_start(struct qr_spool *spool, uint64_t lease_id, uint64_t job_id, struct qr_err *err)
{
    struct entry entry = {.lease_id = lease_id, .job_id = job_id, .is_start = true};

    if (find(spool->starts, lease_id))
        return QR_OK;
    int rc = qr_spool_journal_append(spool, RECORD_START, lease_id, job_id, NULL, 0, &entry, err);
    if (rc < 0) {
        note_write(spool, rc, err);
        return rc;
    }
    return qr_spool_add_entry(spool, &spool->starts, &entry, err);
}

/* A record of kind end or gone. When it cannot be written the worst is an answer asked for twice.
 */
static void append_mark(struct qr_spool *spool, enum record_kind kind, uint64_t lease_id)
{
    struct qr_err err = {0};
    int rc = qr_spool_journal_append(spool, kind, lease_id, 0, NULL, 0, NULL, &err);
    if (rc < 0)
        note_write(spool, rc, &err);
}

void qr_spool_end(struct qr_spool *spool, uint64_t lease_id)
{
    struct entry *start = find(spool->starts, lease_id);
    if (!start)
        return;
    qr_spool_drop_entry(spool, &spool->starts, start);
    append_mark(spool, RECORD_END, lease_id);
}

void qr_spool_end_all(struct qr_spool *spool)
{
    struct entry *start;
    struct entry *next;
    HASH_ITER (hh, spool->starts, start, next)
        if (!start->earlier)
            qr_spool_end(spool, start->lease_id);
}

void qr_spool_forget_earlier_starts(struct qr_spool *spool)
{
    struct entry *start;
    struct entry *next;
    HASH_ITER (hh, spool->starts, start, next)
        if (start->earlier)
            qr_spool_end(spool, start->lease_id);
}

void qr_spool_each_earlier_start(const struct qr_spool *spool, qr_spool_each_fn fn, void *ctx)
{
    for (const struct entry *start = spool->starts; start; start = start->hh.next)
        if (start->earlier)
            fn(ctx, start->lease_id, start->job_id, 0);
}

void qr_spool_each_result(const struct qr_spool *spool, qr_spool_each_fn fn, void *ctx)
{
    for (const struct entry *entry = spool->results; entry; entry = entry->hh.next)
        fn(ctx, entry->lease_id, entry->job_id, entry->size);
}

/* ---- results */

static int keep_in_memory(struct qr_spool *spool, struct entry *entry, const struct iovec *parts,
                          size_t n_parts, struct qr_err *err)
{
    size_t at = 0;

    if (entry->size > QR_SPOOL_MEMORY_MAX - spool->memory_bytes)
        return qr_fail(err, QR_E_LIMIT, "the spool is full: %s", spool->full_reason);
    entry->memory = malloc(entry->size + 1);
    if (!entry->memory)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n_parts; i++) {
        if (parts[i].iov_len > 0)
            memcpy(entry->memory + at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    return QR_OK;
}

int qr_spool_put(struct qr_spool *spool, uint64_t lease_id, uint64_t job_id,
                 const struct iovec *parts, size_t n_parts, int64_t now_ms, struct qr_err *err)
{
    struct entry entry = {.lease_id = lease_id, .job_id = job_id};

    if (n_parts > QR_SPOOL_PARTS_MAX)
        return qr_fail(err, QR_E_INTERNAL, "%zu parts", n_parts);
    for (size_t i = 0; i < n_parts; i++) {
        if (parts[i].iov_len > QR_SPOOL_ENTRY_MAX - entry.size)
            return qr_fail(err, QR_E_LIMIT, "a result larger than %zu bytes", QR_SPOOL_ENTRY_MAX);
        entry.size += parts[i].iov_len;
    }
    int rc = qr_spool_journal_append(spool, RECORD_RESULT, lease_id, job_id, parts, n_parts, &entry,
                                     err);
    note_write(spool, rc, err);
    if (rc < 0)
        rc = keep_in_memory(spool, &entry, parts, n_parts, err);
    else if (spool->unsynced_since == 0)
        spool->unsynced_since = now_ms;
    if (rc < 0)
        return rc;

    struct entry *old = find(spool->results, lease_id);
    if (old)
        qr_spool_drop_entry(spool, &spool->results, old);
    struct entry *start = find(spool->starts, lease_id);
    if (start)
        qr_spool_drop_entry(spool, &spool->starts, start);
    rc = qr_spool_add_entry(spool, &spool->results, &entry, err);
    if (rc < 0)
        free(entry.memory);
    update_full(spool);
    return rc;
}

size_t qr_spool_size(const struct qr_spool *spool, uint64_t lease_id)
{
    const struct entry *entry = find(spool->results, lease_id);
    return entry ? entry->size : 0;
}

int qr_spool_read(const struct qr_spool *spool, uint64_t lease_id, size_t offset, void *buf,
                  size_t len, struct qr_err *err)
{
    const struct entry *entry = find(spool->results, lease_id);

    if (!entry || offset > entry->size || len > entry->size - offset)
        return qr_fail(err, QR_E_NOT_FOUND, "no such bytes in the spool: lease %" PRIu64, lease_id);
    if (entry->memory) {
        memcpy(buf, entry->memory + offset, len);
        return QR_OK;
    }
    const struct segment *segment = qr_spool_segment(spool, entry->segment);
    for (size_t done = 0; segment && done < len;) {
        ssize_t got = pread(segment->fd, (uint8_t *)buf + done, len - done,
                            entry->offset + (int64_t)(offset + done));
        if (got <= 0)
            return qr_fail_errno(err, QR_E_IO, got < 0 ? errno : EIO, "read the spool '%s'",
                                 spool->config.dir);
        done += (size_t)got;
    }
    return QR_OK;
}

void qr_spool_remove(struct qr_spool *spool, uint64_t lease_id)
{
    struct entry *entry = find(spool->results, lease_id);

    if (!entry)
        return;
    bool on_disk = entry->memory == NULL;
    qr_spool_drop_entry(spool, &spool->results, entry);
    if (on_disk)
        append_mark(spool, RECORD_GONE, lease_id);
    if (HASH_COUNT(spool->results) == 0)
        spool->unsynced_since = 0; /* nothing is left that a power loss could take */
    update_full(spool);
}

/* ---- numbers */

void qr_spool_get_report(const struct qr_spool *spool, struct qr_spool_report *ret)
{
    *ret = spool->report;
}

const uint8_t *qr_spool_epoch(const struct qr_spool *spool, size_t *ret_len)
{
    *ret_len = spool->epoch_len;
    return spool->epoch;
}

int qr_spool_set_epoch(struct qr_spool *spool, const uint8_t *epoch, size_t len,
                       uint64_t *ret_dropped, struct qr_err *err)
{
    struct entry *entry;
    struct entry *next;

    *ret_dropped = 0;
    if (len == 0 || len > sizeof spool->epoch)
        return qr_fail(err, QR_E_INVALID, "a cluster epoch of %zu bytes", len);
    if (len == spool->epoch_len && memcmp(epoch, spool->epoch, len) == 0)
        return QR_OK;
    if (spool->epoch_len > 0) {
        HASH_ITER (hh, spool->results, entry, next) {
            qr_spool_remove(spool, entry->lease_id);
            ++*ret_dropped;
        }
        HASH_ITER (hh, spool->starts, entry, next)
            qr_spool_end(spool, entry->lease_id);
    }
    int rc = qr_spool_replace_file(spool, "epoch", epoch, len, err);
    if (rc < 0)
        return rc;
    memcpy(spool->epoch, epoch, len);
    spool->epoch_len = len;
    return QR_OK;
}

size_t qr_spool_count(const struct qr_spool *spool) { return HASH_COUNT(spool->results); }
int64_t qr_spool_bytes(const struct qr_spool *spool) { return spool->result_bytes; }
int64_t qr_spool_disk_free(const struct qr_spool *spool) { return spool->disk_free; }

bool qr_spool_is_full(const struct qr_spool *spool, const char **ret_reason)
{
    if (ret_reason)
        *ret_reason = spool->full_reason;
    return spool->full_reason[0] != '\0';
}

/* ---- now and then */

/* Write the results that a full disk kept in memory; with none of them, try a harmless record. */
static void retry_writes(struct qr_spool *spool)
{
    struct entry *entry;
    struct entry *next;
    struct qr_err err = {0};
    int rc = QR_OK;

    HASH_ITER (hh, spool->results, entry, next) {
        if (!entry->memory)
            continue;
        struct entry stored = *entry;
        struct iovec part = {.iov_base = entry->memory, .iov_len = entry->size};
        rc = qr_spool_journal_append(spool, RECORD_RESULT, entry->lease_id, entry->job_id, &part, 1,
                                     &stored, &err);
        if (rc < 0)
            break;
        spool->memory_bytes -= entry->size;
        free(entry->memory);
        entry->memory = NULL;
        entry->segment = stored.segment;
        entry->offset = stored.offset;
        qr_spool_segment(spool, entry->segment)->alive++;
    }
    if (rc == QR_OK)
        rc = qr_spool_journal_append(spool, RECORD_END, 0, 0, NULL, 0, NULL, &err);
    note_write(spool, rc, &err);
}

/* In the background, one journal at a time: what results still wait in. */
static void sync_journals(struct qr_spool *spool, int64_t now_ms)
{
    for (size_t i = 0; i + 1 < spool->n_segments; i++)
        if (spool->segments[i].unsynced &&
            qr_spool_sync_request(&spool->sync, spool->segments[i].fd))
            spool->segments[i].unsynced = false;
    if (spool->unsynced_since != 0 && now_ms - spool->unsynced_since >= QR_SPOOL_SYNC_MS &&
        qr_spool_sync_request(&spool->sync, spool->segments[spool->n_segments - 1].fd))
        spool->unsynced_since = 0;
}

void qr_spool_tick(struct qr_spool *spool, int64_t now_ms)
{
    if (spool->looked_at_disk == 0 || now_ms - spool->looked_at_disk >= DISK_CHECK_MS) {
        spool->looked_at_disk = now_ms;
        look_at_disk(spool);
        update_full(spool);
        if (spool->write_error[0])
            retry_writes(spool);
    }
    sync_journals(spool, now_ms);
    qr_spool_journal_trim(spool, true);
}
