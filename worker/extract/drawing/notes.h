/* worker/extract/drawing/notes.h
 *
 * Notes of a drawing: the lines below "NOTES:" (in several languages), numbered lines that stand
 * below each other, and "UNLESS OTHERWISE SPECIFIED ...".
 *
 * A note is one number with its wrapped lines joined by blanks; without numbers each line that
 * begins a sentence of its own is one. The block becomes a region.
 */
#pragma once
#include "common/record/record.h"
#include "worker/extract/drawing/regions.h"
#include "worker/extract/drawing/sheet.h"

/** Nothing is taken from regions that are known. O(n log n) in spans; at most 8 blocks of 200
 *  lines a sheet. */
void qr_notes_find(const struct qr_sheet *sheet, struct qr_regions *regions, struct qr_record *rec);
