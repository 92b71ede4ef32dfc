/* cadbridge/gather.h
 *
 * What an answer that comes in parts adds up to, whichever service sends it: a cloud of points in
 * pieces, pairs of parent and child of which occurrences come one by one, and numbers, looked at
 * before they get into a record. It knows no service's messages: those are a mapping's
 * (creo_map.c).
 *
 *     qr_gather_init(&gather, rec);
 *     ... qr_gather_points(), qr_gather_pair() in any order, as the parts come ...
 *     rc = qr_gather_finish(&gather, "creo", &err);   // when all came
 *     qr_gather_done(&gather);                        // always
 *
 * Everything is put into the record's arena, which is borrowed and outlives this. Not thread-safe.
 */
#pragma once
#include "common/record/record.h"

enum { QR_GATHER_POINTS_MAX = 5000000 };

struct qr_gather_pair;

struct qr_gather {
    struct qr_record *rec;         /* borrowed */
    uint32_t points, points_total; /* came, and said to come; 0: no cloud */
    float *xyz, *normals;          /* of points_total points, in the arena; NULL: none */
    struct qr_gather_pair *pairs;  /* by parent and child */
};

void qr_gather_init(struct qr_gather *gather, struct qr_record *rec);
void qr_gather_done(struct qr_gather *gather);

/**
 * Checked and scaled: `from` has `n` numbers and should have `want`, all of them finite.
 *
 *   what  for the message, "a transform"
 *   to    of `want` numbers; `from` times `scale`
 *
 * Errors: QR_E_DATA.
 */
QR_MUST_CHECK int qr_gather_numbers(const double *from, size_t n, size_t want, double scale,
                                    const char *what, double *to, struct qr_err *err);
/** The same to a repeated field of the record, at most 16; none is good and stays none. */
QR_MUST_CHECK int qr_gather_list(struct qr_gather *gather, const double *from, size_t n,
                                 size_t want, double scale, const char *what, double **ret,
                                 size_t *ret_n, struct qr_err *err);
/** Millimetres and kilograms of one; an empty name leaves what is there.
 *  Errors: QR_E_UNSUPPORTED, a name that is not known. */
QR_MUST_CHECK int qr_gather_units(const char *length, const char *mass, double *ret_mm,
                                  double *ret_kg, struct qr_err *err);
/** Are all finite? Errors: QR_E_DATA with `what`. */
QR_MUST_CHECK int qr_gather_finite(const float *values, size_t n, const char *what,
                                   struct qr_err *err);
/** Is it one JSON object, as JSON columns want it? Errors: QR_E_DATA with `what`. */
QR_MUST_CHECK int qr_gather_object(const char *json, const char *what, struct qr_err *err);

/* A piece of a cloud: little-endian float32, x y z after one another. */
struct qr_gather_piece {
    uint32_t first, total;       /* this begins at point `first` of `total` */
    ProtobufCBinaryData xyz;     /* borrowed */
    ProtobufCBinaryData normals; /* as many, or none */
    double scale;                /* of xyz */
};
/** Pieces come in order, without gaps. Errors: QR_E_DATA, they do not, or there are more than
 *  said or QR_GATHER_POINTS_MAX. QR_E_LIMIT, no memory. */
QR_MUST_CHECK int qr_gather_points(struct qr_gather *gather, const struct qr_gather_piece *piece,
                                   struct qr_err *err);

/** The record's entry of these two; made where it is new, as a file of its own (`unresolved`).
 *  NULL: the record is full, which it says itself. */
Quarry__V1__CadAssembly *qr_gather_pair(struct qr_gather *gather, const char *parent,
                                        const char *child);

/** All parts came: the cloud goes to the record, and a row of the parts list for every pair.
 *  Errors: QR_E_DATA, a cloud that is not whole. */
QR_MUST_CHECK int qr_gather_finish(struct qr_gather *gather, const char *source,
                                   struct qr_err *err);
