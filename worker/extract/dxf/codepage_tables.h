/* worker/extract/dxf/codepage_tables.h
 *
 * The single-byte code pages of drawings as data; for codepage.c.
 */
#pragma once

struct qr_dxf_table {
    const char *name; /* NULL: the end */
    int number;
    const char *high; /* 128 characters in UTF-8, of bytes 0x80 .. 0xFF; '?': not assigned */
};

extern const struct qr_dxf_table qr_dxf_tables[];
