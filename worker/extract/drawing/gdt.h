/* worker/extract/drawing/gdt.h
 *
 * Feature control frames in the text of a sheet: "⌖ Ø0.1 Ⓜ A B C".
 *
 * Read from the symbols of Unicode, from the letters of symbol fonts, and from ruled rows of cells:
 * symbol, value, datums. Where the symbol is drawn with lines the frame is kept without its
 * characteristic. Symbols and names are those of dxf/gdt.h. Source: ISO 1101:2017, ASME Y14.5.
 */
#pragma once
#include "worker/extract/drawing/grid.h"
#include "worker/extract/drawing/pieces.h"

enum { QR_GDT_DATUMS_MAX = 6 };

struct qr_gdt_frame {
    uint32_t symbol; /* 0: none in the text */
    double value;
    bool has_value;
    bool diameter_zone;
    char modifiers[8];                  /* of the value: "M", "LP" */
    char datums[QR_GDT_DATUMS_MAX][12]; /* "A", "B(M)", "A-B" */
    size_t n_datums;
};

/** Read the text of a frame; cells may be parted by '|' or blanks. False: it is none. Total. */
bool qr_gdt_parse(const char *utf8, size_t len, struct qr_gdt_frame *ret);

/**
 * Add the frames of a sheet to the record.
 *
 *   taken  of each span: nonzero when it is something else; set to 1 for those used here
 */
void qr_gdt_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                 const struct qr_pieces *pieces, uint8_t *taken, struct qr_record *rec);
