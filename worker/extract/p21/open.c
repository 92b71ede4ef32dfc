#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/p21/impostor.h"
#include "worker/extract/p21/intern.h"

#define NAMES_MAX ((size_t)16 << 20)
#define WORK_FACTOR 32 /* sound files are read two to three times over */
#define WORK_FREE ((uint64_t)256 << 20)

void qr_p21_note(struct qr_p21 *p21, bool lost, const char *code, const char *fmt, ...)
{
    char text[240];
    va_list args;

    if (!p21->rec)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (lost)
        qr_record_partial(p21->rec, code, "%s", text);
    else
        qr_record_note(p21->rec, code, "%s", text);
}

void qr_p21_free(struct qr_p21 *p21)
{
    if (!p21)
        return;
    free(p21->own);
    free(p21->where);
    free(p21->ids);
    free(p21->several);
    free(p21->parts);
    free(p21->types);
    free(p21->slots);
    free(p21->by_type);
    free(p21->dense);
    free(p21->sorted);
    free(p21->outside);
    qr_arena_done(&p21->names);
    free(p21);
}

/* What is missing or odd about the whole file. */
static void judge(struct qr_p21 *p21)
{
    if (p21->n_headers == 0)
        qr_p21_note(p21, false, "p21.header.missing", "there is no HEADER section");
    if (p21->sections == 0)
        qr_p21_note(p21, true, "p21.data.missing", "there is no DATA section");
    if (!p21->end_seen)
        qr_p21_note(p21, true, "p21.end.missing",
                    "END-ISO-10303-21 is missing: the file seems to be cut off");
}

int qr_p21_open(const uint8_t *data, size_t len, const struct qr_p21_hooks *hooks,
                struct qr_record *rec, struct qr_p21 **ret, struct qr_err *err)
{
    QR_AUTO(qr_p21) p21 = calloc(1, sizeof *p21);
    size_t from = 0;

    if (!p21)
        return qr_fail(err, QR_E_NOMEM, "no memory for the index");
    int rc = qr_p21_beginning(data, len, &from, err);
    if (rc < 0)
        return rc;
    p21->data = data;
    p21->len = len;
    p21->rec = rec;
    p21->work_max = (uint64_t)len * WORK_FACTOR + WORK_FREE;
    qr_arena_init(&p21->names, NAMES_MAX);
    if (!qr_p21_grow_types(p21) || !qr_p21_index(p21, hooks, from) || !qr_p21_finish(p21))
        return qr_fail(err, QR_E_NOMEM, "no memory for the index of %u records", p21->n);
    judge(p21);
    *ret = qr_steal(&p21);
    return QR_OK;
}

uint32_t qr_p21_count(const struct qr_p21 *p21) { return p21->n; }

uint32_t qr_p21_complex_count(const struct qr_p21 *p21) { return p21->n_several; }

uint32_t qr_p21_sections(const struct qr_p21 *p21) { return p21->sections; }

bool qr_p21_has_end(const struct qr_p21 *p21) { return p21->end_seen; }

size_t qr_p21_memory(const struct qr_p21 *p21)
{
    return (size_t)p21->cap * (sizeof *p21->where + sizeof *p21->ids) +
           (size_t)p21->n_by_type * sizeof *p21->by_type + p21->n_dense * sizeof *p21->dense +
           (p21->sorted ? (size_t)p21->n * sizeof *p21->sorted : 0) +
           (size_t)p21->cap_several * sizeof *p21->several +
           (size_t)p21->cap_parts * sizeof *p21->parts +
           (size_t)p21->cap_types * (sizeof *p21->types + 2 * sizeof *p21->slots) + p21->names.used;
}
