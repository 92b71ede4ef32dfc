#include "common/record/record.h"
#include "common/record/intern.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)32 * 1024 * 1024)

const struct qr_record_limits qr_record_default_limits = {
    .text_bytes = TEXT_MAX,
    .value_bytes = (size_t)64 * 1024,
    .items = 100000,
    .memory_bytes = (size_t)256 * 1024 * 1024,
    .encoded_bytes = (size_t)60 * 1024 * 1024,
};

/* What the message points at until its arena has anything to offer. */
static Quarry__V1__ExtractionRecord nothing = QUARRY__V1__EXTRACTION_RECORD__INIT;

struct qr_record *qr_record_new(const struct qr_record_limits *limits)
{
    struct qr_record *rec = calloc(1, sizeof *rec);

    if (!rec)
        return NULL;
    rec->limits = limits ? *limits : qr_record_default_limits;
    qr_arena_init(&rec->arena, rec->limits.memory_bytes);
    qr_record_reset(rec);
    if (rec->failed) {
        qr_record_free(rec);
        return NULL;
    }
    return rec;
}

void qr_record_free(struct qr_record *rec)
{
    if (!rec)
        return;
    qr_arena_done(&rec->arena);
    free(rec);
}

void *qr_record_take(struct qr_record *rec, size_t size)
{
    void *at = qr_arena_alloc(&rec->arena, size);
    if (!at)
        rec->failed = true;
    return at;
}

void qr_record_reset(struct qr_record *rec)
{
    qr_arena_reset(&rec->arena);
    rec->failed = false;
    rec->text_used = 0;
    memset(&rec->cleaned, 0, sizeof rec->cleaned);
    rec->msg = qr_record_take(rec, sizeof *rec->msg);
    if (rec->msg)
        quarry__v1__extraction_record__init(rec->msg);
    else
        rec->msg = &nothing;
}

/* Room for one more pointer in a list; grown by doubling, the old array stays in the arena. */
bool qr_record_grow(struct qr_record *rec, void *list_slot, size_t n)
{
    void **list;

    memcpy(&list, list_slot, sizeof list);
    if (n > 0 && (n < 8 || (n & (n - 1)) != 0))
        return true; /* capacities are 8, 16, 32, … */
    size_t cap = n < 8 ? 8 : n * 2;
    void **bigger = qr_record_take(rec, cap * sizeof *bigger);
    if (!bigger)
        return false;
    if (n > 0)
        memcpy(bigger, list, n * sizeof *bigger);
    memcpy(list_slot, &bigger, sizeof bigger);
    return true;
}

/* Clean `len` bytes into the arena without looking at value_bytes. */
static char *copy_clean(struct qr_record *rec, const char *text, size_t len, size_t *ret_len)
{
    bool clean = qr_utf8_is_clean(text, len);
    char *copy = qr_record_take(rec, (clean ? len : 3 * len) + 1);

    *ret_len = 0;
    if (!copy)
        return NULL;
    if (clean) {
        if (len > 0)
            memcpy(copy, text, len);
        copy[len] = '\0';
        *ret_len = len;
    } else {
        *ret_len = qr_utf8_clean(text, len, copy, &rec->cleaned);
    }
    return copy;
}

char *qr_record_string(struct qr_record *rec, const char *text, size_t len)
{
    static char empty[1];
    size_t n;

    if (len > rec->limits.value_bytes) {
        len = qr_utf8_cut(text, len, rec->limits.value_bytes);
        qr_record_partial(rec, "record.capped", "a value was cut at %zu bytes",
                          rec->limits.value_bytes);
    }
    char *copy = copy_clean(rec, text, len, &n);
    return copy ? copy : empty;
}

void qr_record_set_file(struct qr_record *rec, const char *name)
{
    rec->msg->file = qr_record_string(rec, name, strlen(name));
}

void qr_record_set_type(struct qr_record *rec, const char *type)
{
    rec->msg->type = qr_record_string(rec, type, strlen(type));
}

void qr_record_set_extractor(struct qr_record *rec, const char *name, const char *version)
{
    rec->msg->extractor = qr_record_string(rec, name, strlen(name));
    rec->msg->extractor_version = qr_record_string(rec, version, strlen(version));
}

void qr_record_set_sha256(struct qr_record *rec, const uint8_t digest[32])
{
    uint8_t *copy = qr_record_take(rec, 32);
    if (!copy)
        return;
    memcpy(copy, digest, 32);
    rec->msg->sha256.data = copy;
    rec->msg->sha256.len = 32;
}

void qr_record_set_overlay(struct qr_record *rec, const uint8_t *png, size_t len)
{
    uint8_t *copy = qr_record_take(rec, len);
    if (!copy)
        return;
    memcpy(copy, png, len);
    rec->msg->overlay.data = copy;
    rec->msg->overlay.len = len;
}

static Quarry__V1__Failure *new_failure(struct qr_record *rec, enum qr_class cls, char *message)
{
    Quarry__V1__Failure *failure = qr_record_take(rec, sizeof *failure);
    if (!failure)
        return NULL;
    quarry__v1__failure__init(failure);
    failure->class_ = (Quarry__V1__ErrorClass)cls;
    failure->message = message;
    return failure;
}

/* Format into the arena; long messages are cut, they are for people. */
QR_PRINTF(2, 0)
static char *format(struct qr_record *rec, const char *fmt, va_list args)
{
    char text[1024];
    int n = vsnprintf(text, sizeof text, fmt, args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;

    return qr_record_string(rec, text, qr_utf8_cut(text, len, sizeof text - 4));
}

void qr_record_fail(struct qr_record *rec, enum qr_class cls, const char *fmt, ...)
{
    va_list args;

    if (rec->msg->error)
        return;
    va_start(args, fmt);
    rec->msg->error = new_failure(rec, cls, format(rec, fmt, args));
    va_end(args);
}

bool qr_record_has_failed(const struct qr_record *rec) { return rec->msg->error != NULL; }

void qr_record_set_empty(struct qr_record *rec, const char *reason)
{
    rec->msg->empty_reason = qr_record_string(rec, reason, strlen(reason));
}

QR_PRINTF(3, 0)
static void add_note(struct qr_record *rec, const char *code, const char *fmt, va_list args)
{
    Quarry__V1__ExtractionRecord *msg = rec->msg;

    for (size_t i = 0; i < msg->n_notes; i++) {
        if (strcmp(msg->notes[i]->code, code) == 0) {
            if (msg->notes[i]->count < UINT32_MAX)
                msg->notes[i]->count++;
            return;
        }
    }
    if (msg->n_notes >= rec->limits.items || !qr_record_grow(rec, &msg->notes, msg->n_notes))
        return;
    Quarry__V1__Note *note = qr_record_take(rec, sizeof *note);
    if (!note)
        return;
    quarry__v1__note__init(note);
    size_t len;
    char *copy = copy_clean(rec, code, strlen(code), &len);
    if (!copy)
        return;
    note->count = 1;
    note->code = copy;
    msg->notes[msg->n_notes++] = note; /* before the message, which may be cut and noted in turn */
    note->message = format(rec, fmt, args);
}

void qr_record_note(struct qr_record *rec, const char *code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_note(rec, code, fmt, args);
    va_end(args);
}

void qr_record_partial(struct qr_record *rec, const char *code, const char *fmt, ...)
{
    va_list args;

    rec->msg->partial = true;
    va_start(args, fmt);
    add_note(rec, code, fmt, args);
    va_end(args);
}

void qr_record_add_meta(struct qr_record *rec, const char *key, const char *value, size_t len,
                        const char *origin)
{
    Quarry__V1__ExtractionRecord *msg = rec->msg;

    if (len == 0)
        return;
    if (msg->n_metadata >= rec->limits.items) {
        qr_record_partial(rec, "record.capped", "metadata were cut at %zu items",
                          rec->limits.items);
        return;
    }
    Quarry__V1__MetadataItem *item = qr_record_take(rec, sizeof *item);
    if (!item || !qr_record_grow(rec, &msg->metadata, msg->n_metadata))
        return;
    quarry__v1__metadata_item__init(item);
    item->key = qr_record_string(rec, key, strlen(key));
    item->value = qr_record_string(rec, value, len);
    item->origin = qr_record_string(rec, origin, strlen(origin));
    if (item->value[0] != '\0')
        msg->metadata[msg->n_metadata++] = item;
}

void qr_record_add_meta_number(struct qr_record *rec, const char *key, uint64_t value,
                               const char *origin)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRIu64, value);
    qr_record_add_meta(rec, key, text, (size_t)n, origin);
}

const char *qr_record_find_meta(const struct qr_record *rec, const char *key)
{
    for (size_t i = 0; i < rec->msg->n_metadata; i++)
        if (strcmp(rec->msg->metadata[i]->key, key) == 0)
            return rec->msg->metadata[i]->value;
    return NULL;
}

Quarry__V1__Page *qr_record_add_page(struct qr_record *rec, uint32_t number)
{
    Quarry__V1__ExtractionRecord *msg = rec->msg;

    if (msg->n_pages >= rec->limits.items) {
        qr_record_partial(rec, "record.capped", "pages were cut at %zu", rec->limits.items);
        return NULL;
    }
    Quarry__V1__Page *page = qr_record_take(rec, sizeof *page);
    if (!page || !qr_record_grow(rec, &msg->pages, msg->n_pages))
        return NULL;
    quarry__v1__page__init(page);
    page->number = number;
    msg->pages[msg->n_pages++] = page;
    return page;
}

/* Cut at what is left of the text cap, cleaned; NULL when out of memory. */
static char *copy_text(struct qr_record *rec, const char *text, size_t len, size_t *ret_len)
{
    size_t left = rec->limits.text_bytes - rec->text_used;

    if (len > left) {
        len = qr_utf8_cut(text, len, left);
        qr_record_partial(rec, "record.capped", "text was cut at %zu bytes",
                          rec->limits.text_bytes);
    }
    char *copy = copy_clean(rec, text, len, ret_len);
    rec->text_used += len;
    return copy;
}

void qr_record_set_page_text(struct qr_record *rec, Quarry__V1__Page *page, const char *text,
                             size_t len)
{
    size_t n;
    char *copy = copy_text(rec, text, len, &n);

    if (!copy)
        return;
    page->text = copy;
    page->chars = (uint32_t)qr_utf8_count(copy, n);
}

void qr_record_fail_page(struct qr_record *rec, Quarry__V1__Page *page, enum qr_class cls,
                         const char *message)
{
    page->error = new_failure(rec, cls, qr_record_string(rec, message, strlen(message)));
}

void qr_record_set_text(struct qr_record *rec, const char *text, size_t len)
{
    size_t n;
    char *copy = copy_text(rec, text, len, &n);

    if (copy)
        rec->msg->text = copy;
}

void qr_record_finish(struct qr_record *rec)
{
    if (rec->cleaned.replaced > 0)
        qr_record_note(rec, "text.invalid_utf8",
                       "%zu invalid byte sequences or characters became U+FFFD",
                       rec->cleaned.replaced);
    if (rec->cleaned.nuls > 0)
        qr_record_note(rec, "text.nul", "%zu NUL characters were left out", rec->cleaned.nuls);
    qr_record_fit(rec);
}
