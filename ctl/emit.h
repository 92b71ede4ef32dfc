/* ctl/emit.h
 *
 * Answers in the format the user asked for: rows of a table, a JSON array, or a JSON value a line.
 */
#pragma once
#include "ctl/ctl.h"
#include "ctl/table.h"

#include <protobuf-c/protobuf-c.h>

struct qr_emit {
    struct qr_ctl *ctl;
    void (*row)(const struct qr_ctl *ctl, const void *message, struct qr_table *table);
    struct qr_table *table; /* TABLE */
    size_t n;
};

/** Begin a list. `row` adds the cells of one message to the table. */
QR_MUST_CHECK int qr_emit_begin(struct qr_emit *emit, struct qr_ctl *ctl,
                                const struct qr_column *columns, size_t n_columns,
                                void (*row)(const struct qr_ctl *ctl, const void *message,
                                            struct qr_table *table),
                                struct qr_err *err);
QR_MUST_CHECK int qr_emit_item(struct qr_emit *emit, const ProtobufCMessage *message,
                               struct qr_err *err);
/** Ends the list; releases what it holds. */
QR_MUST_CHECK int qr_emit_end(struct qr_emit *emit, struct qr_err *err);
/** Releases without output, after an error; harmless after qr_emit_end(). */
void qr_emit_done(struct qr_emit *emit);

/** A whole list in one go. */
QR_MUST_CHECK int
qr_emit_list(struct qr_ctl *ctl, const struct qr_column *columns, size_t n_columns,
             void (*row)(const struct qr_ctl *ctl, const void *message, struct qr_table *table),
             ProtobufCMessage *const *messages, size_t n, struct qr_err *err);

/** One message as JSON; -o jsonl puts it on one line. Not for TABLE. */
QR_MUST_CHECK int qr_emit_message(struct qr_ctl *ctl, const ProtobufCMessage *message,
                                  struct qr_err *err);

/** Print and flush a table. */
QR_MUST_CHECK int qr_emit_table(struct qr_ctl *ctl, const struct qr_table *table,
                                struct qr_err *err);
