/* worker/extract/drawing/title_guess.h
 *
 * Fields of a title block that stand there without a label: the title as its largest text, a
 * number, a scale, a size of paper by their form.
 */
#pragma once
#include "worker/extract/drawing/title_assign.h"

/**
 * Fill fields that have neither a value nor a label.
 *
 *   pieces  of one title block; those taken by labels are marked
 *   frame   the title block, upright: what stands outside is not looked at
 */
void qr_title_guess(const struct qr_title_view *view, struct qr_title_piece *pieces, size_t n,
                    const struct qr_sheet_rect *frame, struct qr_title_values *values);
