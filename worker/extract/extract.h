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

#include "common/record/part.h"
#include "worker/extract/input.h"
#include "worker/extract/options.h"

struct qr_dxf_codepages; /* worker/extract/dxf/codepage.h */
struct qr_ocr;           /* worker/extract/ocr/ocr.h */
struct qr_prepared;      /* worker/extract/prepared.h */
struct qr_pdf;           /* worker/extract/pdf/pdf.h */

/* How far it has come. */
struct qr_extract_progress {
    uint32_t permille;    /* 0 .. 1000 */
    uint32_t done, total; /* pages; 0: the format has none */
    uint32_t from;        /* an earlier extraction had finished so many */
};

/** Called now and then. */
typedef void (*qr_extract_progress_fn)(void *arg, const struct qr_extract_progress *progress);

/* Where an earlier extraction of the file stopped, and the parts of its record until there
 * (common/record/part.h). Borrowed. */
struct qr_extract_resume {
    const void *state, *parts;
    size_t state_len, parts_len;
};

/* Work that is finished is kept, so that it need not be done again: `due` is asked where the
 * extraction could go on later, `keep` gets the state to go on with. What was found since the last
 * call lies behind engine->mark in the record. */
struct qr_extract_keeper {
    bool (*due)(void *arg);
    void (*keep)(void *arg, const struct qr_record *rec, const struct qr_buf *state);
    void *arg;
};

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
    const struct qr_prepared *prepared;     /* NULL: the file is read by ourselves */
    int prepared_fd;                        /* what the program wrote; -1: nothing. Borrowed */
    const struct qr_extract_resume *resume; /* NULL: from the start */
    const struct qr_extract_keeper *keeper; /* NULL: nothing is kept */
};

struct qr_engine {
    struct qr_input input;
    struct qr_input prepared; /* what a program of others made of it */
    struct qr_pdf *pdf;
    struct qr_dxf_codepages *codepages; /* NULL: double-byte pages cannot be read */
    struct qr_ocr *ocr;
    struct qr_buf text; /* scratch, kept from file to file */
    /* of the file in work */
    struct qr_record_mark mark; /* what was kept of its record */
    uint32_t resumed_at; /* pages that an earlier extraction had finished; 0: it began anew */
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

/* ---- for the format functions */
void qr_extract_report(const struct qr_extract *x, unsigned permille);
void qr_extract_report_pages(const struct qr_extract *x, uint32_t done, uint32_t total);

/**
 * `next` of `total` pages are finished and will not be looked at again: keep them when it is time.
 *
 *   memory  what the reader has learnt and wants to know when it goes on
 */
void qr_extract_keep(const struct qr_extract *x, uint32_t next, uint32_t total, uint64_t memory);

/**
 * Go on where an earlier extraction stopped, when there is one of this very file with these options
 * by this program: the record is filled with what it had found. Returns how many pages are
 * finished; 0: begin at the start, the record is as it was.
 */
uint32_t qr_extract_resume(const struct qr_extract *x, uint32_t total, uint64_t *ret_memory);
