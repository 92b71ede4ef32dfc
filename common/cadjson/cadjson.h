/* common/cadjson/cadjson.h
 *
 * JSON about a model -> qr_record: the documented export (docs/cad-export.schema.json) and
 * CREOSON's answers, with one mapping for both.
 *
 *     qr_cadjson_new(rec, "wheel.prt", &cj, &err);
 *     qr_cadjson_read(cj, &source, &err)                          // an export, or a dump; or:
 *     qr_cadjson_answer(cj, "parameter", "list", data, len, &err) // each `data` of a CREOSON
 * answer qr_cadjson_finish(cj, &err);                                // units, sums, what is
 * missing qr_cadjson_free(cj);
 *
 * Reading is one pass in bounded memory, however long the document: what the record's limits do not
 * hold is left out and noted (record.capped). Fields that are not known are kept in
 * CadModel.details, up to QR_CADJSON_DETAILS_MAX. Numbers that are not finite (NaN, 1e400) are left
 * out and noted (cadjson.number). Values come in the document's units and become mm, kg when it is
 * finished.
 *
 * No I/O but the source's. Not thread-safe. For untrusted bytes: run it in a sandboxed process.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/record/record.h"

enum {
    QR_CADJSON_DEPTH = 128,               /* levels of objects and lists */
    QR_CADJSON_DETAILS_MAX = 1024 * 1024, /* bytes of unknown fields */
};

/** Bytes in order. read: up to `cap` bytes to `buf`, returns how many, 0 at the end, -1 on error
 * (then it has filled *err). */
struct qr_cadjson_source {
    int64_t (*read)(void *ctx, uint8_t *buf, size_t cap, struct qr_err *err);
    void *ctx;
};

struct qr_cadjson;

/**
 *   rec    gets the model; borrowed until _free; should be empty
 *   model  whose data is wanted: another model's is an error. NULL: the first model of the document
 *
 * Errors: QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_cadjson_new(struct qr_record *rec, const char *model, struct qr_cadjson **ret,
                                 struct qr_err *err);
void qr_cadjson_free(struct qr_cadjson *cj);
QR_DEFINE_AUTO(qr_cadjson)

/**
 * Read a document: an object, a list of models, or several values one behind the other (JSON
 * lines).
 *
 * Errors: QR_E_DATA, with the path in the document and the byte: what is wrong, or no such model in
 * it (the record then holds what was read before). What source.read gave. QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_cadjson_read(struct qr_cadjson *cj, const struct qr_cadjson_source *source,
                                  struct qr_err *err);

/**
 * One answer of CREOSON: its "data" object, for the command and function that were asked. A
 * function that is not known goes to details. May be called many times, in any order. Errors:
 * QR_E_DATA as above.
 */
QR_MUST_CHECK int qr_cadjson_answer(struct qr_cadjson *cj, const char *command,
                                    const char *function, const char *data, size_t len,
                                    struct qr_err *err);

/** The answers that follow are about this sheet of a drawing; 0: about none. */
void qr_cadjson_sheet(struct qr_cadjson *cj, uint32_t sheet);

/** Units and what follows from all of it. Errors: QR_E_DATA, there is no model. QR_E_NOMEM. */
QR_MUST_CHECK int qr_cadjson_finish(struct qr_cadjson *cj, struct qr_err *err);

/** Are they names of one model? Case and Creo's version do not count; a name without extension is
 * that of any. "WHEEL.PRT.3", "wheel.prt"; "wheel", "wheel.prt". */
bool qr_cadjson_same_model(const char *a, const char *b);
