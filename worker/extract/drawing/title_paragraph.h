/* worker/extract/drawing/title_paragraph.h
 *
 * Title blocks without lines or cells: a paragraph such as
 *
 *     Center Pulley - 11.8.2020
 *     Aluminium 7075
 *     A4 Drawing - Scale 4:1
 *     Dimensions in inches
 *
 * Labels have given scale, units, …; this reads the lines between them: the first one is the title,
 * a date behind a dash the date, a material the material, a name above an address the company.
 */
#pragma once
#include "worker/extract/drawing/title_assign.h"

/**
 * Fill fields that are still empty.
 *
 *   block  around the labels, upright
 */
void qr_title_paragraph(const struct qr_title_view *view, struct qr_title_piece *pieces, size_t n,
                        const struct qr_sheet_rect *block, struct qr_title_values *values);
