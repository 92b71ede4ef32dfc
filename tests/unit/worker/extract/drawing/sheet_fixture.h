/* tests/unit/worker/extract/drawing/sheet_fixture.h
 *
 * Sheets for tests, built text by text.
 */
#pragma once
#include <stdlib.h>

#include "common/record/record.h"
#include "tests/harness/test.h"
#include "worker/extract/drawing/regions.h"
#include "worker/extract/drawing/sheet.h"

/** An A3 page in points without anything on it; end it with qr_sheet_done(). */
static inline void fixture_sheet(struct qr_sheet *sheet)
{
    *sheet =
        (struct qr_sheet){.page = 1, .area = {0, 0, 1190, 842}, .unit_mm = 25.4 / 72, .unit = "mm"};
}

/** A text of letters 10 high, (x, y) at its upper left; boxes follow the angle (0 or 90). */
static inline struct qr_sheet_span *fixture_text(struct qr_sheet *sheet, float x, float y,
                                                 float angle, const char *text)
{
    struct qr_sheet_span *span = qr_sheet_add_span(sheet);
    float width;

    assert_non_null(span);
    span->text = text;
    span->len = (uint32_t)strlen(text);
    width = 6.0f * (float)span->len;
    span->box = (struct qr_sheet_rect){x, y, x + (angle == 90 ? 10 : width),
                                       y + (angle == 90 ? width : 10)};
    span->angle = angle;
    span->height = 10;
    return span;
}

/** A closed rectangle of rules. */
static inline void fixture_box(struct qr_sheet *sheet, float x0, float y0, float x1, float y1)
{
    qr_sheet_add_rule(sheet, x0, y0, x1, y0);
    qr_sheet_add_rule(sheet, x0, y1, x1, y1);
    qr_sheet_add_rule(sheet, x0, y0, x0, y1);
    qr_sheet_add_rule(sheet, x1, y0, x1, y1);
}

/** A sheet and what is found on it, between a test's begin() and end(). */
struct found {
    struct qr_sheet sheet;
    struct qr_regions regions;
    struct qr_record *rec;
};

static inline int begin(void **state)
{
    struct found *f = calloc(1, sizeof *f);

    assert_non_null(f);
    fixture_sheet(&f->sheet);
    f->rec = qr_record_new(NULL);
    assert_non_null(f->rec);
    *state = f;
    return 0;
}

static inline int end(void **state)
{
    struct found *f = *state;

    qr_record_free(f->rec);
    qr_sheet_done(&f->sheet);
    free(f);
    return 0;
}
