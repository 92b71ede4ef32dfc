/* worker/extract/step/step.h
 *
 * STEP models (AP203, AP209, AP214, AP242) without a geometry kernel: what stands in the records of
 * an exchange file. What is read from where: docs/record.md, "A STEP model".
 */
#pragma once

struct qr_extract;

/** The format's function in worker/extract/table.c. */
void qr_step_extract(const struct qr_extract *x);
