/* worker/geometry/geometry.h
 *
 * The second step of a STEP job: what a geometry kernel makes of the file, as the field `geometry`
 * of a record (proto CadGeometry) and nothing else of it. The encoded answer is put behind the
 * first step's record; together they are one record.
 *
 * What goes wrong is a status and a message in the answer, never a failure of the job. Statuses:
 *
 *     done         everything that was asked
 *     partial      something is missing: the message says what
 *     failed       the kernel cannot read or make anything of the file
 *     timeout, resource, crash   what ended it; nothing was computed
 *     unsupported  this program has no kernel, or nothing that it reads
 *
 * Design: docs/geometry.md.
 */
#pragma once
#include "worker/extract/extract.h"
#include "worker/geometry/kernel.h"

enum {
    QR_GEOMETRY_POINTS = 2048, /* unless asked otherwise */
    QR_GEOMETRY_HOLES_MAX = 2000,
    QR_GEOMETRY_MASS_MAX = 64, /* products or solids with mass properties of their own */
    QR_GEOMETRY_PIXELS = 400,  /* of a view, both ways */
};

/** Does the file of this record get the second step, with these options? */
bool qr_geometry_is_for(const Quarry__V1__ExtractionRecord *msg,
                        const struct qr_extract_options *options);

/**
 * In the child: read the job's file and fill rec->msg->geometry. Nothing else of `rec` is meant to
 * be used.
 *
 *   kernel  NULL: `why` says what is missing
 */
void qr_geometry_compute(const struct qr_kernel *kernel, const char *why,
                         const struct qr_extract_job *job, struct qr_record *rec);

/** The same fields and notes without the rest of `rec`: appended to `out`. */
QR_MUST_CHECK int qr_geometry_encode(const struct qr_record *rec, struct qr_buf *out,
                                     struct qr_err *err);

/** An answer where there is none: `status` as above. Appended to `out`; false: out of memory. */
bool qr_geometry_missing(const char *status, const char *message, int64_t duration_ms,
                         struct qr_buf *out);
