/* worker/extract/table.h
 *
 * The formats: one table of type, extensions, magic bytes and function. A format is added by one
 * row.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qr_extract;

struct qr_format {
    const char *type;       /* "pdf": as in jobs and records */
    const char *what;       /* for messages: "a PDF" */
    const char *extensions; /* between blanks, lower case: " pdf " */
    const char *contains; /* types whose magic such a file may also show: " archive "; NULL: none */
    bool is_text;         /* readable as text, so a text extension is no contradiction */
    void (*run)(const struct qr_extract *x);
};

struct qr_detected {
    const struct qr_format *format;     /* whose function to run; NULL: mislabelled or unknown */
    const struct qr_format *by_content; /* NULL: no magic bytes known */
    const struct qr_format *by_name;    /* NULL: extension unknown or absent */
    bool mislabelled;                   /* content and name say different things */
};

/**
 * Which format is it? Content first, extension second, the listed type last.
 *
 *   head, len   the beginning of the file
 *   name        only its extension is looked at; Creo's "wheel.prt.12" is known
 *   type        as listed, "" or "other" when unknown
 */
void qr_detect(const uint8_t *head, size_t len, const char *name, const char *type,
               struct qr_detected *ret);

/** The row of a type, NULL when there is none. */
const struct qr_format *qr_format_find(const char *type);

/** The extension of a name, lower case, at most 15 letters; "" when there is none. */
void qr_extension_of(const char *name, char ret[16]);

/** The table itself, ended by a row without type. */
extern const struct qr_format qr_format_table[];
