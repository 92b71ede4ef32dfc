/* tests/unit/worker/extract/drawing/sheet_builder.h
 *
 * Sheets for tests: texts and frames put down by hand, and the record they end up in.
 */
#pragma once
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/record.h"
#include "tests/harness/test.h"
#include "worker/extract/drawing/sheet.h"

struct desk {
    struct qr_sheet sheet;
    struct qr_record *rec;
};

static inline int desk_set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);

    desk->rec = qr_record_new(NULL);
    desk->sheet.page = 1;
    desk->sheet.area = (struct qr_sheet_rect){0, 0, 842, 595};
    *state = desk;
    return 0;
}

static inline int desk_tear_down(void **state)
{
    struct desk *desk = *state;

    qr_sheet_done(&desk->sheet);
    qr_record_free(desk->rec);
    free(desk);
    return 0;
}

/* A text whose letters are half as wide as high; x, y is its upper left corner. */
static inline struct qr_sheet_span *put_text(struct desk *desk, float x, float y, float height,
                                             const char *text)
{
    struct qr_sheet_span *span = qr_sheet_add_span(&desk->sheet);
    size_t letters = 0;

    for (const char *c = text; *c; c++)
        letters += ((unsigned char)*c & 0xC0) != 0x80;
    span->text = text;
    span->len = (uint32_t)strlen(text);
    span->height = height;
    span->box = (struct qr_sheet_rect){x, y, x + (float)letters * height * 0.5f, y + height};
    return span;
}

static inline void put_attribute(struct desk *desk, const char *tag, const char *text)
{
    struct qr_sheet_span *span = put_text(desk, 10, 10, 3, text);

    span->source = QR_SPAN_ATTRIBUTE;
    span->tag = tag;
}

/* A ruled rectangle. */
static inline void put_cell(struct desk *desk, float x0, float y0, float x1, float y1)
{
    qr_sheet_add_rule(&desk->sheet, x0, y0, x1, y0);
    qr_sheet_add_rule(&desk->sheet, x0, y1, x1, y1);
    qr_sheet_add_rule(&desk->sheet, x0, y0, x0, y1);
    qr_sheet_add_rule(&desk->sheet, x1, y0, x1, y1);
}

/* Turn everything that lies on the desk by a quarter, clockwise. */
static inline void turn_desk(struct desk *desk)
{
    struct qr_sheet *sheet = &desk->sheet;
    float height = sheet->area.y1;

    for (size_t i = 0; i < sheet->n_spans; i++) {
        struct qr_sheet_span *span = &sheet->spans[i];
        struct qr_sheet_rect b = span->box;
        span->box = (struct qr_sheet_rect){height - b.y1, b.x0, height - b.y0, b.x1};
        span->angle = fmodf(span->angle + 270, 360);
    }
    for (size_t i = 0; i < sheet->n_rules; i++) {
        struct qr_sheet_rule r = sheet->rules[i];
        sheet->rules[i] = (struct qr_sheet_rule){height - r.y1, r.x0, height - r.y0, r.x1};
    }
    sheet->area = (struct qr_sheet_rect){0, 0, height, sheet->area.x1};
}

/* The first value of a field of the title block; NULL when there is none. */
static inline const Quarry__V1__MetadataItem *find_field(const struct desk *desk, const char *key)
{
    const Quarry__V1__ExtractionRecord *msg = desk->rec->msg;

    for (size_t i = 0; i < msg->n_title_block; i++)
        if (strcmp(msg->title_block[i]->key, key) == 0)
            return msg->title_block[i];
    return NULL;
}

#define assert_field(desk, key, want)                                \
    do {                                                             \
        const Quarry__V1__MetadataItem *af_ = find_field(desk, key); \
        if (!af_)                                                    \
            fail_msg("no %s", key);                                  \
        assert_string_equal(af_->value, want);                       \
    } while (0)
