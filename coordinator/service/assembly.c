#include <openssl/sha.h>
#include <stdlib.h>

#include "coordinator/service/fleet_internal.h"

static void drop(struct qr_fleet *fleet, struct qr_fleet_stream *stream, struct qr_assembly *part)
{
    HASH_DEL(stream->assemblies, part);
    fleet->assembly_bytes -= part->cap;
    free(part->data);
    free(part);
}

static struct qr_assembly *find(struct qr_fleet_stream *stream, uint64_t lease_id)
{
    struct qr_assembly *part = NULL;
    HASH_FIND(hh, stream->assemblies, &lease_id, sizeof lease_id, part);
    return part;
}

static struct qr_assembly *begin(struct qr_fleet_stream *stream, uint64_t lease_id)
{
    if (HASH_COUNT(stream->assemblies) >= QR_ASSEMBLY_LEASES_MAX)
        return NULL;
    struct qr_assembly *part = calloc(1, sizeof *part);
    if (!part)
        return NULL;
    part->lease_id = lease_id;
    HASH_ADD(hh, stream->assemblies, lease_id, sizeof part->lease_id, part);
    return part;
}

static bool grow(struct qr_fleet *fleet, struct qr_assembly *part, size_t need)
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
    if (fleet->assembly_bytes - part->cap + cap > fleet->config.max_assembly_bytes)
        return false;
    uint8_t *data = realloc(part->data, cap);
    if (!data)
        return false;
    fleet->assembly_bytes += cap - part->cap;
    part->data = data;
    part->cap = cap;
    return true;
}

bool qr_assembly_add(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease_id,
                     uint64_t offset, const uint8_t *data, size_t len)
{
    struct qr_assembly *part = find(stream, lease_id);

    if (part && offset == 0) {
        drop(fleet, stream, part);
        part = NULL;
    }
    if (!part && offset == 0)
        part = begin(stream, lease_id);
    if (!part)
        return false;
    if (offset != part->len || !grow(fleet, part, part->len + len)) {
        drop(fleet, stream, part);
        return false;
    }
    if (len > 0)
        memcpy(part->data + part->len, data, len);
    part->len += len;
    return true;
}

bool qr_assembly_take(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease_id,
                      size_t len, const ProtobufCBinaryData *sha256, uint8_t **ret_data)
{
    struct qr_assembly *part = find(stream, lease_id);
    unsigned char digest[SHA256_DIGEST_LENGTH];

    if (!part)
        return false;
    bool whole = part->len == len;
    if (whole && sha256->len > 0) {
        SHA256(part->data, part->len, digest);
        whole = sha256->len == sizeof digest && memcmp(digest, sha256->data, sizeof digest) == 0;
    }
    if (whole)
        *ret_data = qr_steal(&part->data);
    drop(fleet, stream, part);
    return whole;
}

void qr_assembly_drop_all(struct qr_fleet *fleet, struct qr_fleet_stream *stream)
{
    struct qr_assembly *part;
    struct qr_assembly *next;

    HASH_ITER (hh, stream->assemblies, part, next)
        drop(fleet, stream, part);
}
