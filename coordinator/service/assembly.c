#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/service/fleet_internal.h"

static void drop(struct qr_fleet *fleet, struct qr_fleet_stream *stream, struct qr_assembly *part)
{
    HASH_DEL(stream->assemblies, part);
    fleet->assembly_bytes -= part->cap;
    stream->assembly_bytes -= part->cap;
    EVP_MD_CTX_free(part->digest);
    free(part->data);
    free(part);
}

static struct qr_assembly *find(struct qr_fleet_stream *stream, uint64_t lease_id)
{
    struct qr_assembly *part = NULL;
    HASH_FIND(hh, stream->assemblies, &lease_id, sizeof lease_id, part);
    return part;
}

static struct qr_assembly *begin(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                                 uint64_t lease_id, bool hashed)
{
    if (HASH_COUNT(stream->assemblies) >= QR_ASSEMBLY_LEASES_MAX)
        drop(fleet, stream, stream->assemblies);
    struct qr_assembly *part = calloc(1, sizeof *part);
    if (!part)
        return NULL;
    if (hashed && ((part->digest = EVP_MD_CTX_new()) == NULL ||
                   EVP_DigestInit_ex(part->digest, EVP_sha256(), NULL) != 1)) {
        EVP_MD_CTX_free(part->digest);
        free(part);
        return NULL;
    }
    part->lease_id = lease_id;
    HASH_ADD(hh, stream->assemblies, lease_id, sizeof part->lease_id, part);
    return part;
}

/* Room for `more` bytes in what this stream may hold: one record and another one beside it. */
static void make_room(struct qr_fleet *fleet, struct qr_fleet_stream *stream,
                      const struct qr_assembly *part, size_t more)
{
    struct qr_assembly *old;
    struct qr_assembly *next;

    HASH_ITER (hh, stream->assemblies, old, next) {
        if (stream->assembly_bytes + more <= 2 * fleet->config.max_record_bytes)
            return;
        if (old != part)
            drop(fleet, stream, old);
    }
}

static bool grow(struct qr_fleet *fleet, struct qr_fleet_stream *stream, struct qr_assembly *part,
                 size_t need)
{
    size_t cap = part->cap ? part->cap : QR_FRAME_MAX;

    if (need > fleet->config.max_record_bytes)
        return false;
    while (cap < need)
        cap *= 2;
    if (cap > fleet->config.max_record_bytes)
        cap = fleet->config.max_record_bytes;
    if (cap == part->cap)
        return true;
    make_room(fleet, stream, part, cap - part->cap);
    if (fleet->assembly_bytes - part->cap + cap > fleet->config.max_assembly_bytes)
        return false;
    uint8_t *data = realloc(part->data, cap);
    if (!data)
        return false;
    fleet->assembly_bytes += cap - part->cap;
    stream->assembly_bytes += cap - part->cap;
    part->data = data;
    part->cap = cap;
    return true;
}

bool qr_assembly_add(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease_id,
                     uint64_t offset, const ProtobufCBinaryData *chunk, bool hashed)
{
    struct qr_assembly *part = find(stream, lease_id);

    if (part && offset == 0) {
        drop(fleet, stream, part);
        part = NULL;
    }
    if (!part && offset == 0)
        part = begin(fleet, stream, lease_id, hashed);
    if (!part)
        return false;
    if (offset != part->len || hashed != (part->digest != NULL) ||
        !grow(fleet, stream, part, part->len + chunk->len) ||
        (hashed && EVP_DigestUpdate(part->digest, chunk->data, chunk->len) != 1)) {
        drop(fleet, stream, part);
        return false;
    }
    if (chunk->len > 0)
        memcpy(part->data + part->len, chunk->data, chunk->len);
    part->len += chunk->len;
    part->touched_ms = qr_clock_ms();
    return true;
}

static bool is_sha256(struct qr_assembly *part, const ProtobufCBinaryData *sha256)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    return part->digest && EVP_DigestFinal_ex(part->digest, digest, &len) == 1 &&
           sha256->len == len && memcmp(digest, sha256->data, len) == 0;
}

bool qr_assembly_take(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease_id,
                      size_t len, const ProtobufCBinaryData *sha256, uint8_t **ret_data)
{
    struct qr_assembly *part = find(stream, lease_id);

    if (!part)
        return false;
    bool whole = part->len == len && (sha256->len == 0 || is_sha256(part, sha256));
    if (whole)
        *ret_data = qr_steal(&part->data);
    drop(fleet, stream, part);
    return whole;
}

void qr_assembly_drop(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease_id)
{
    struct qr_assembly *part = stream->assemblies ? find(stream, lease_id) : NULL;

    if (part)
        drop(fleet, stream, part);
}

void qr_assembly_drop_old(struct qr_fleet *fleet, struct qr_fleet_stream *stream, int64_t now_ms)
{
    struct qr_assembly *part;
    struct qr_assembly *next;

    HASH_ITER (hh, stream->assemblies, part, next)
        if (now_ms - part->touched_ms > QR_ASSEMBLY_KEEP_MS)
            drop(fleet, stream, part);
}

void qr_assembly_drop_all(struct qr_fleet *fleet, struct qr_fleet_stream *stream)
{
    struct qr_assembly *part;
    struct qr_assembly *next;

    HASH_ITER (hh, stream->assemblies, part, next)
        drop(fleet, stream, part);
}
