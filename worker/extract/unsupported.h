/* worker/extract/unsupported.h
 *
 * Formats that are recognised, but not read by this version.
 */
#pragma once

struct qr_extract;

/** Ends as class `unsupported` with a message that names the format. */
void qr_unsupported_extract(const struct qr_extract *x);
