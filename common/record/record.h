/* common/record/record.h
 *
 * The extraction record while it is made, sent and shown: one struct around the protobuf message of
 * proto/quarry/v1/record.proto, with all its memory in one arena.
 *
 * Everything put in is copied and cleaned: strings become valid UTF-8 without NUL (what had to be
 * changed is counted in the notes "text.invalid_utf8" and "text.nul"), numbers of entries and bytes
 * are capped (what is left out sets `partial` and a note "record.capped"). So a record that was
 * built can always be encoded, stored and printed. After running out of memory `failed` is set and
 * qr_record_encode() says so; the builders may be called on without harm.
 *
 * Meaning of each field: docs/record.md. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "common/buf.h"
#include "common/class.h"
#include "common/err.h"
#include "common/record/arena.h"
#include "common/record/utf8.h"
#include "quarry/v1/record.pb-c.h"

struct qr_record_limits {
    size_t text_bytes;    /* of all pages together */
    size_t value_bytes;   /* of one metadata value, message, name */
    size_t items;         /* of one list: metadata, pages, notes */
    size_t memory_bytes;  /* of the arena */
    size_t encoded_bytes; /* of the finished record; 0: no limit */
};

/** 32 MiB of text, 64 KiB a value, 100,000 items, 256 MiB of memory, 60 MiB encoded: coordinators
 * accept 64. */
extern const struct qr_record_limits qr_record_default_limits;

struct qr_record {
    Quarry__V1__ExtractionRecord *msg; /* in the arena; fields may be read and plain numbers set */
    struct qr_record_limits limits;
    struct qr_arena arena;
    struct qr_utf8_stats cleaned; /* so far, over all strings */
    size_t text_used;
    bool failed; /* out of memory */
};

/** NULL when out of memory. `limits` NULL: the default ones. */
struct qr_record *qr_record_new(const struct qr_record_limits *limits);
void qr_record_free(struct qr_record *rec);
QR_DEFINE_AUTO(qr_record)

/** Empty it for the next file. */
void qr_record_reset(struct qr_record *rec);

/** A cleaned copy in the arena, cut at value_bytes; "" when out of memory, so never NULL. */
char *qr_record_string(struct qr_record *rec, const char *text, size_t len);

void qr_record_set_file(struct qr_record *rec, const char *name);
void qr_record_set_type(struct qr_record *rec, const char *type);
void qr_record_set_extractor(struct qr_record *rec, const char *name, const char *version);
/** A picture of a page with its findings; copied. */
void qr_record_set_overlay(struct qr_record *rec, const uint8_t *png, size_t len);
void qr_record_set_sha256(struct qr_record *rec, const uint8_t digest[32]);

/** The file could not be read: class and message; the first failure stays. */
void qr_record_fail(struct qr_record *rec, enum qr_class cls, const char *fmt, ...) QR_PRINTF(3, 4);
bool qr_record_has_failed(const struct qr_record *rec);

/** Why nothing came out of a file that could be read. */
void qr_record_set_empty(struct qr_record *rec, const char *reason);

/** A repair or warning; notes of one code are counted, the first message is kept. */
void qr_record_note(struct qr_record *rec, const char *code, const char *fmt, ...) QR_PRINTF(3, 4);

/** The same for something missing: sets `partial` as well. */
void qr_record_partial(struct qr_record *rec, const char *code, const char *fmt, ...)
    QR_PRINTF(3, 4);

/** One metadata item; an empty value adds nothing. `origin` says where it stood ("info", "xmp", …).
 */
void qr_record_add_meta(struct qr_record *rec, const char *key, const char *value, size_t len,
                        const char *origin);
void qr_record_add_meta_number(struct qr_record *rec, const char *key, uint64_t value,
                               const char *origin);

/** The value of the first item of that key, NULL when there is none. */
const char *qr_record_find_meta(const struct qr_record *rec, const char *key);

/** A new page, numbered by the caller; NULL when the cap is reached (noted) or memory is short. */
Quarry__V1__Page *qr_record_add_page(struct qr_record *rec, uint32_t number);

/** The page's text; counts `chars`. Cut with a note when the record's text cap is reached. */
void qr_record_set_page_text(struct qr_record *rec, Quarry__V1__Page *page, const char *text,
                             size_t len);
void qr_record_fail_page(struct qr_record *rec, Quarry__V1__Page *page, enum qr_class cls,
                         const char *message);

/** Text of a format without pages; the same cap. */
void qr_record_set_text(struct qr_record *rec, const char *text, size_t len);

/** Write the notes about cleaned strings; call once, before encoding. */
void qr_record_finish(struct qr_record *rec);

/**
 * Append the encoded message to `out`.
 * Errors: QR_E_NOMEM, the record ran out of memory; QR_E_LIMIT, larger than `out` allows.
 */
QR_MUST_CHECK int qr_record_encode(const struct qr_record *rec, struct qr_buf *out,
                                   struct qr_err *err);

/**
 * From bytes a less trusted process made: size, memory and every string are checked.
 *
 *   limits    NULL: the default ones; memory_bytes and four times text_bytes (as encoded size) hold
 *   ret       caller frees with qr_record_free()
 *
 * Errors: QR_E_LIMIT, larger than allowed; QR_E_DATA, not such a message or not clean UTF-8.
 */
QR_MUST_CHECK int qr_record_decode(const void *data, size_t len,
                                   const struct qr_record_limits *limits, struct qr_record **ret,
                                   struct qr_err *err);

/**
 * The JSON of docs/record.md: absent parts are left out. Works on any message whose strings are
 * clean. Returns a new object, caller decrefs; NULL when out of memory.
 */
json_t *qr_record_json(const Quarry__V1__ExtractionRecord *msg);
