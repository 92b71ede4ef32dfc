/* worker/extract/prepared.h
 *
 * A file that a program of others has read before (worker/tool/): what it made of it, a drawing as
 * DXF or a record as JSON, is extracted in the place of the file. Type, size and hash stay the
 * file's own.
 *
 * Both the file and what was made of it are untrusted.
 */
#pragma once
#include <stdint.h>

struct qr_extract;

/* Plain, as it travels to the child. Texts are NUL-terminated. */
struct qr_prepared {
    uint32_t duration_ms; /* of the program */
    uint32_t class_id;    /* enum qr_class: how the program failed; 0: it did not */
    char type[32];        /* of the record */
    char extractor[64];   /* the program's name */
    char note[64];        /* code of something that it noted; "" none */
    char message[1024];   /* of the failure or the note */
};

/** The record of x->job->prepared. `x` has the file itself as input. */
void qr_prepared_extract(const struct qr_extract *x);
