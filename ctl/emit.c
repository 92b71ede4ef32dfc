#include "ctl/emit.h"

#include <stdio.h>
#include <string.h>

#include "ctl/json.h"

int qr_emit_table(struct qr_ctl *ctl, const struct qr_table *table, struct qr_err *err)
{
    if (!qr_table_print(table, stdout, &ctl->out))
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    return qr_ctl_flush(ctl, err);
}

int qr_emit_message(struct qr_ctl *ctl, const ProtobufCMessage *message, struct qr_err *err)
{
    json_t *value = qr_json_from_message(message);

    if (!value)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    qr_json_print(value, ctl->output == QR_CTL_JSONL, stdout); /* errors: the flush tells */
    json_decref(value);
    return qr_ctl_flush(ctl, err);
}

int qr_emit_begin(struct qr_emit *emit, struct qr_ctl *ctl, const struct qr_column *columns,
                  size_t n_columns,
                  void (*row)(const struct qr_ctl *ctl, const void *message,
                              struct qr_table *table),
                  struct qr_err *err)
{
    memset(emit, 0, sizeof *emit);
    emit->ctl = ctl;
    emit->row = row;
    if (ctl->output == QR_CTL_JSON)
        putchar('[');
    if (ctl->output != QR_CTL_TABLE)
        return QR_OK;
    emit->table = qr_table_new(columns, n_columns);
    return emit->table ? QR_OK : qr_fail(err, QR_E_NOMEM, "out of memory");
}

int qr_emit_item(struct qr_emit *emit, const ProtobufCMessage *message, struct qr_err *err)
{
    if (emit->table) {
        emit->row(emit->ctl, message, emit->table);
        return QR_OK;
    }
    json_t *value = qr_json_from_message(message);
    if (!value)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    /* One object a line in both formats: an array of thousands stays readable by line tools. */
    if (emit->ctl->output == QR_CTL_JSON)
        fputs(emit->n == 0 ? "\n  " : ",\n  ", stdout);
    json_dumpf(value, stdout, emit->ctl->output == QR_CTL_JSON ? 0 : JSON_COMPACT);
    if (emit->ctl->output == QR_CTL_JSONL)
        putchar('\n');
    json_decref(value);
    emit->n++;
    return ferror(stdout) ? qr_ctl_flush(emit->ctl, err) : QR_OK;
}

int qr_emit_end(struct qr_emit *emit, struct qr_err *err)
{
    int rc = QR_OK;

    if (emit->table)
        rc = qr_emit_table(emit->ctl, emit->table, err);
    if (emit->ctl->output == QR_CTL_JSON)
        fputs(emit->n == 0 ? "]\n" : "\n]\n", stdout);
    qr_emit_done(emit);
    return rc < 0 ? rc : qr_ctl_flush(emit->ctl, err);
}

void qr_emit_done(struct qr_emit *emit)
{
    qr_table_free(emit->table);
    emit->table = NULL;
}

int qr_emit_list(struct qr_ctl *ctl, const struct qr_column *columns, size_t n_columns,
                 void (*row)(const struct qr_ctl *ctl, const void *message, struct qr_table *table),
                 ProtobufCMessage *const *messages, size_t n, struct qr_err *err)
{
    struct qr_emit emit;

    int rc = qr_emit_begin(&emit, ctl, columns, n_columns, row, err);
    for (size_t i = 0; rc == QR_OK && i < n; i++)
        rc = qr_emit_item(&emit, messages[i], err);
    if (rc == QR_OK)
        return qr_emit_end(&emit, err);
    qr_emit_done(&emit);
    return rc;
}
