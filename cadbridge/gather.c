#include "cadbridge/gather.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <uthash.h>

#include "common/cadjson/units.h"
#include "common/record/cad.h"
#include "common/record/parts.h"

struct qr_gather_pair {
    Quarry__V1__CadAssembly *entry; /* the record's */
    UT_hash_handle hh;
    char key[]; /* parent and child, each with its zero */
};

void qr_gather_init(struct qr_gather *gather, struct qr_record *rec)
{
    *gather = (struct qr_gather){.rec = rec};
}

void qr_gather_done(struct qr_gather *gather)
{
    struct qr_gather_pair *pair;
    struct qr_gather_pair *next;

    HASH_ITER (hh, gather->pairs, pair, next) {
        HASH_DELETE(hh, gather->pairs, pair);
        free(pair);
    }
}

/* ---- looked at */

int qr_gather_numbers(const double *from, size_t n, size_t want, double scale, const char *what,
                      double *to, struct qr_err *err)
{
    if (n != want)
        return qr_fail(err, QR_E_DATA, "%s of %zu numbers instead of %zu", what, n, want);
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i] * scale;
        if (!isfinite(to[i]))
            return qr_fail(err, QR_E_DATA, "%s with a number that is none", what);
    }
    return QR_OK;
}

int qr_gather_list(struct qr_gather *gather, const double *from, size_t n, size_t want,
                   double scale, const char *what, double **ret, size_t *ret_n, struct qr_err *err)
{
    double scaled[16];

    assert(want <= QR_COUNT(scaled));
    if (n == 0)
        return QR_OK;
    int rc = qr_gather_numbers(from, n, want, scale, what, scaled, err);
    if (rc == QR_OK)
        qr_cad_numbers(gather->rec, scaled, want, ret, ret_n);
    return rc;
}

int qr_gather_units(const char *length, const char *mass, double *ret_mm, double *ret_kg,
                    struct qr_err *err)
{
    double mm = length[0] ? qr_cadjson_length_mm(length) : *ret_mm;
    double kg = mass[0] ? qr_cadjson_mass_kg(mass) : *ret_kg;

    if (!(mm > 0) || !(kg > 0))
        return qr_fail(err, QR_E_UNSUPPORTED, "units '%.20s' and '%.20s' are not known", length,
                       mass);
    *ret_mm = mm;
    *ret_kg = kg;
    return QR_OK;
}

int qr_gather_finite(const float *values, size_t n, const char *what, struct qr_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return qr_fail(err, QR_E_DATA, "%s with a number that is none", what);
    return QR_OK;
}

int qr_gather_object(const char *json, const char *what, struct qr_err *err)
{
    json_t *parsed = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    bool object = json_is_object(parsed);

    json_decref(parsed);
    return object ? QR_OK : qr_fail(err, QR_E_DATA, "%s that is no JSON object", what);
}

/* ---- points */

static int copy_floats(struct qr_gather *gather, const ProtobufCBinaryData *from, double scale,
                       float **all, struct qr_err *err)
{
    const size_t first = (size_t)gather->points * 3;
    const size_t n = from->len / sizeof(float);

    if (!*all)
        *all =
            qr_arena_alloc(&gather->rec->arena, (size_t)gather->points_total * 3 * sizeof(float));
    if (!*all)
        return qr_fail(err, QR_E_LIMIT, "no memory for %" PRIu32 " points", gather->points_total);
    for (size_t i = 0; i < n; i++) {
        float value;
        memcpy(&value, from->data + i * sizeof value, sizeof value); /* little endian, as here */
        value = (float)(value * scale);
        if (!isfinite(value))
            return qr_fail(err, QR_E_DATA, "a point with a number that is none");
        (*all)[first + i] = value;
    }
    return QR_OK;
}

int qr_gather_points(struct qr_gather *gather, const struct qr_gather_piece *piece,
                     struct qr_err *err)
{
    const size_t n = piece->xyz.len / 12;
    const uint32_t total = piece->total;

    if (piece->xyz.len % 12 != 0 || total == 0 || total > QR_GATHER_POINTS_MAX)
        return qr_fail(err, QR_E_DATA, "%zu bytes of %" PRIu32 " points", piece->xyz.len, total);
    if (gather->points_total != 0 && gather->points_total != total)
        return qr_fail(err, QR_E_DATA, "a cloud of two sizes");
    if (piece->first != gather->points || n > total - gather->points)
        return qr_fail(err, QR_E_DATA, "points %" PRIu32 " to %zu of %" PRIu32, piece->first,
                       piece->first + n, total);
    if (piece->normals.len != 0 && piece->normals.len != piece->xyz.len)
        return qr_fail(err, QR_E_DATA, "%zu bytes of normals for %zu points", piece->normals.len,
                       n);
    if (gather->points > 0 && (piece->normals.len != 0) != (gather->normals != NULL))
        return qr_fail(err, QR_E_DATA, "a cloud of which only some points have normals");
    gather->points_total = total;
    int rc = copy_floats(gather, &piece->xyz, piece->scale, &gather->xyz, err);
    if (rc == QR_OK && piece->normals.len > 0)
        rc = copy_floats(gather, &piece->normals, 1, &gather->normals, err);
    gather->points += (uint32_t)n;
    return rc;
}

/* ---- structure */

static Quarry__V1__CadAssembly *new_entry(struct qr_record *rec, const char *parent,
                                          const char *child)
{
    Quarry__V1__CadAssembly *entry = qr_cad_add_assembly(rec);

    if (entry) {
        entry->parent = qr_record_text(rec, parent);
        entry->child = qr_record_text(rec, child);
        entry->unresolved = true;
    }
    return entry;
}

Quarry__V1__CadAssembly *qr_gather_pair(struct qr_gather *gather, const char *parent,
                                        const char *child)
{
    const size_t len = strlen(parent) + 1;
    const size_t size = len + strlen(child) + 1;
    struct qr_gather_pair *known = NULL;
    struct qr_gather_pair *pair = calloc(1, sizeof *pair + size);

    if (!pair)
        return NULL;
    memcpy(pair->key, parent, len);
    memcpy(pair->key + len, child, size - len);
    HASH_FIND(hh, gather->pairs, pair->key, size, known);
    if (!known && (pair->entry = new_entry(gather->rec, parent, child))) {
        HASH_ADD_KEYPTR(hh, gather->pairs, pair->key, size, pair);
        return pair->entry;
    }
    free(pair);
    return known ? known->entry : NULL;
}

/* One row a parent and child, with how many are in it. */
static void add_rows(struct qr_record *rec)
{
    const Quarry__V1__CadModel *cad = qr_record_cad(rec);
    char quantity[32];

    for (size_t i = 0; cad && i < cad->n_assemblies; i++) {
        const Quarry__V1__CadAssembly *pair = cad->assemblies[i];
        Quarry__V1__BomItem *row = qr_record_add_bom_item(rec);
        if (!row)
            return;
        snprintf(quantity, sizeof quantity, "%.15g", pair->quantity);
        row->part_number = pair->child;
        row->parent = pair->parent;
        row->quantity = qr_record_text(rec, quantity);
        row->source = qr_record_text(rec, "structure");
        row->confidence = 1;
    }
}

int qr_gather_finish(struct qr_gather *gather, const char *source, struct qr_err *err)
{
    Quarry__V1__CadModel *cad = qr_record_cad(gather->rec);

    if (gather->points != gather->points_total)
        return qr_fail(err, QR_E_DATA, "%" PRIu32 " of %" PRIu32 " points", gather->points,
                       gather->points_total);
    if (gather->points > 0 && cad)
        cad->points =
            qr_cad_points(gather->rec, gather->xyz, gather->normals, gather->points, source);
    add_rows(gather->rec);
    return QR_OK;
}
