/* worker/extract/dxf/codepage.h
 *
 * The code pages of drawings, to UTF-8.
 *
 * Single-byte pages are tables of ours. Those of two bytes (932, 936, 949, 950, 1361) are the C
 * library's, which loads them from files: qr_dxf_codepages_new() opens them before the sandbox
 * closes. Where one is missing its characters become U+FFFD and a note says so.
 *
 * Sources: unicode.org/Public/MAPPINGS (VENDORS/MICSFT, ISO8859, VENDORS/APPLE); the names of
 * $DWGCODEPAGE: AutoCAD DXF reference, and public files.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct qr_dxf_codepages; /* all of them; one an engine */

/** NULL when out of memory. Opens the C library's converters: call it outside the sandbox. */
struct qr_dxf_codepages *qr_dxf_codepages_new(void);
void qr_dxf_codepages_free(struct qr_dxf_codepages *pages);
QR_DEFINE_AUTO(qr_dxf_codepages)

/** One page, ready to decode. */
struct qr_dxf_codepage {
    const char *name;   /* "windows-1252", "utf-8", "gbk" */
    int number;         /* 1252; 65001 for UTF-8; DOS pages 437 ..; others negative */
    bool utf8;          /* otherwise one of the next two */
    uint16_t high[128]; /* single-byte: of bytes 0x80 .. 0xFF; U+FFFD: not assigned */
    void *converter;    /* double-byte: of iconv; NULL: none */
    bool wide;          /* double-byte, with or without a converter */
    uint64_t unknown;   /* bytes that were no characters of the page, so far */
};

/**
 * The page a drawing names in $DWGCODEPAGE, case and spelling of separators aside ("ANSI_1252",
 * "dos850", "iso8859_1", "MAC-ROMAN", "GB2312").
 *
 *   name, len  as in the file
 *   ret        borrows from `pages`; NULL `pages`: double-byte ones have no converter
 *
 * Returns false, with Windows-1252 in `ret`, when the name is unknown; "ASCII" and "UNDEFINED" are
 * known and mean Windows-1252.
 */
bool qr_dxf_codepage_named(struct qr_dxf_codepages *pages, const char *name, size_t len,
                           struct qr_dxf_codepage *ret);

/** The double-byte page of that number (932, 936, 949, 950, 1361); false: no such page. */
bool qr_dxf_codepage_numbered(struct qr_dxf_codepages *pages, int number,
                              struct qr_dxf_codepage *ret);

void qr_dxf_codepage_utf8(struct qr_dxf_codepage *ret);

/** Append `len` bytes as UTF-8; counts what was unknown. */
void qr_dxf_codepage_decode(struct qr_dxf_codepage *page, const char *text, size_t len,
                            struct qr_buf *out);

/** One character from the front; returns the bytes it took, 0 when it is none. */
size_t qr_dxf_codepage_char(struct qr_dxf_codepage *page, const char *text, size_t len,
                            struct qr_buf *out);

/** Well-formed UTF-8 as a whole? *ret_high: a byte from 0x80 occurs. */
bool qr_dxf_is_utf8(const char *text, size_t len, bool *ret_high);
