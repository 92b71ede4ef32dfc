/* Keeping what is finished, and going on from it. */
#include <stdio.h>
#include <string.h>

#include "worker/extract/extract.h"

/* One more whenever a state means something else than before. */
#define FORMAT 1

static void version_of(const Quarry__V1__ExtractionRecord *msg, char *to, size_t size)
{
    snprintf(to, size, "quarry %s, %s %s", QUARRY_VERSION, msg->extractor, msg->extractor_version);
}

void qr_extract_keep(const struct qr_extract *x, uint32_t next, uint32_t total, uint64_t memory)
{
    const struct qr_extract_keeper *keeper = x->job->keeper;
    const struct qr_record *rec = x->rec;
    Quarry__V1__ExtractionState state = QUARRY__V1__EXTRACTION_STATE__INIT;
    struct qr_buf out;
    char version[200];

    if (!keeper || !keeper->due(keeper->arg))
        return;
    version_of(rec->msg, version, sizeof version);
    state.format = FORMAT;
    state.version = version;
    state.type = rec->msg->type;
    state.file_bytes = rec->msg->bytes;
    state.sha256 = rec->msg->sha256;
    state.options.data = (uint8_t *)(uintptr_t)&x->job->options;
    state.options.len = sizeof x->job->options;
    state.next = next;
    state.total = total;
    state.items = qr_record_items(rec);
    state.text_used = rec->text_used;
    state.replaced = rec->cleaned.replaced;
    state.nuls = rec->cleaned.nuls;
    state.memory = memory;
    qr_buf_init(&out, 4096);
    uint8_t *at = qr_buf_reserve(&out, quarry__v1__extraction_state__get_packed_size(&state));
    if (at) {
        out.len = quarry__v1__extraction_state__pack(&state, at);
        keeper->keep(keeper->arg, rec, &out);
    }
    qr_buf_done(&out);
}

static bool same_bytes(const ProtobufCBinaryData *a, const void *data, size_t len)
{
    return a->len == len && (len == 0 || memcmp(a->data, data, len) == 0);
}

/* Of this program, this file, these options? */
static bool fits(const struct qr_extract *x, const Quarry__V1__ExtractionState *state,
                 uint32_t total)
{
    const Quarry__V1__ExtractionRecord *msg = x->rec->msg;
    char version[200];

    version_of(msg, version, sizeof version);
    return state->format == FORMAT && strcmp(state->version, version) == 0 &&
           strcmp(state->type, msg->type) == 0 && state->file_bytes == msg->bytes &&
           msg->sha256.len > 0 && same_bytes(&state->sha256, msg->sha256.data, msg->sha256.len) &&
           same_bytes(&state->options, &x->job->options, sizeof x->job->options) &&
           state->total == total && state->next > 0 && state->next < total;
}

/* The parts are all there and belong to the state: else the record is not touched. */
static bool restore(const struct qr_extract *x, const Quarry__V1__ExtractionState *state)
{
    const struct qr_extract_resume *from = x->job->resume;
    QR_AUTO(qr_record) whole = qr_record_new(&x->rec->limits);
    struct qr_err err;

    if (!whole || qr_record_restore(whole, from->parts, from->parts_len, &err) < 0 ||
        qr_record_items(whole) != state->items || whole->msg->n_pages != state->next ||
        state->text_used > whole->limits.text_bytes || whole->msg->error)
        return false;
    whole->text_used = (size_t)state->text_used;
    whole->cleaned.replaced = (size_t)state->replaced;
    whole->cleaned.nuls = (size_t)state->nuls;
    struct qr_record old = *x->rec;
    *x->rec = *whole;
    *whole = old;
    return true;
}

uint32_t qr_extract_resume(const struct qr_extract *x, uint32_t total, uint64_t *ret_memory)
{
    const struct qr_extract_resume *from = x->job->resume;
    uint32_t next = 0;

    if (!from)
        return 0;
    Quarry__V1__ExtractionState *state =
        quarry__v1__extraction_state__unpack(NULL, from->state_len, from->state);
    if (state && fits(x, state, total) && restore(x, state)) {
        next = state->next;
        *ret_memory = state->memory;
        x->engine->resumed_at = next;
        qr_record_mark_all(x->rec, &x->engine->mark);
    }
    if (state)
        quarry__v1__extraction_state__free_unpacked(state, NULL);
    return next;
}
