/* worker/extract/extract.h
 *
 * From an open file to its record: look at the bytes, find the format in the one table
 * (worker/extract/table.c), run its function.
 *
 * Runs inside the sandbox: no paths, no network, bounded memory. Whatever happens to the file ends
 * up in the record, as content, note or failure; nothing here returns an error. Not thread-safe:
 * one engine a process or thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/record/record.h"
#include "worker/extract/input.h"
#include "worker/extract/options.h"

struct qr_dxf_codepages; /* worker/extract/dxf/codepage.h */
struct qr_ocr;           /* worker/extract/ocr/ocr.h */
struct qr_pdf;           /* worker/extract/pdf/pdf.h */

/** Called now and then with how far it has come; 0 .. 1000. */
typedef void (*qr_extract_progress_fn)(void *arg, unsigned permille);

struct qr_extract_job {
    uint64_t id;             /* of the job, for the pipe */
    int fd;                  /* borrowed, readable */
    const char *name;        /* the file as the caller named it: for messages and its extension */
    const char *type;        /* as listed, "" when unknown; the content has the last word */
    uint64_t max_file_bytes; /* larger files fail */
    int64_t started_ms;      /* by qr_clock_ms() */
    int64_t budget_ms;       /* wall clock from then on; 0: no limit */
    struct qr_extract_options options;
    qr_extract_progress_fn progress; /* may be NULL */
    void *progress_arg;
};

struct qr_engine {
    struct qr_input input;
    struct qr_pdf *pdf;
    struct qr_dxf_codepages *codepages; /* NULL: double-byte pages cannot be read */
    struct qr_ocr *ocr;
    struct qr_buf text; /* scratch, kept from file to file */
};

/** One extraction while it runs: what a format's function gets. */
struct qr_extract {
    const struct qr_extract_job *job;
    struct qr_engine *engine;
    const struct qr_input *in;
    struct qr_record *rec;
};

/**
 * Make ready what needs time (the PDF library) or files (OCR), so that the first file does not
 * wait.
 *
 *   memory_bytes  cap on what parsing one PDF may take
 *
 * Errors: QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_engine_init(struct qr_engine *engine, size_t memory_bytes, struct qr_err *err);
void qr_engine_done(struct qr_engine *engine);

/** Fill `rec`, which is empty. */
void qr_extract_file(struct qr_engine *engine, const struct qr_extract_job *job,
                     struct qr_record *rec);

/** For the format functions. */
void qr_extract_report(const struct qr_extract *x, unsigned permille);
