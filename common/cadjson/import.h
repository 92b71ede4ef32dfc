/* common/cadjson/import.h
 *
 * Exports of models, found by the model's name and read in a sandboxed child process.
 *
 * A store is a folder, a zip archive or a base URL with exports in JSON (docs/cad-export.md, or
 * dumps of CREOSON's answers). An export of wheel.prt.12 is called wheel.prt.12.json,
 * wheel.prt.json or wheel.json; case does not count, the newest version that is there wins.
 *
 *     qr_import_new(&config, &import, &err);
 *     qr_import_run(import, "wheel.prt.12", 60000, &stop, &result, &err);   // from any thread
 *     if (result.class == QR_CLASS_NONE) ... result.record ...
 *     qr_import_result_done(&result);
 *     qr_import_free(import);
 *
 * What is untrusted is parsed in the child alone: one process for each run, `program
 * --import-child`, under common/os/sandbox.h. A crash, hang or memory bomb costs that run and has
 * its class.
 */
#pragma once
#include <stdatomic.h>

#include "common/buf.h"
#include "common/class.h"
#include "common/err.h"

enum { QR_IMPORT_MESSAGE_MAX = 512, QR_IMPORT_NAME_MAX = 300 };

struct qr_import_config { /* a zero takes the default */
    const char
        *store; /* folder, path of a .zip, or http(s)://host/base; borrowed until new is over */
    const char *program;         /* what runs as the child; NULL: this program. Its main() calls
                                    qr_import_child_main() when its first argument is --import-child */
    uint64_t max_bytes;          /* of an export, and of an archive's member when unpacked; 4 GiB */
    uint64_t max_download_bytes; /* of an export by HTTP; 1 GiB */
    int64_t memory_bytes;        /* of the child; 1 GiB */
    int64_t refresh_ms; /* a folder's index is read again when it has changed, and when older than
                           this and a name is missing; 5,000 */
    int64_t connect_timeout_ms; /* HTTP; 10,000 */
};

struct qr_import;

struct qr_import_result {
    enum qr_class class;                 /* NONE: `record` has the model */
    char message[QR_IMPORT_MESSAGE_MAX]; /* of a failure: what, where, what to do */
    bool found;                          /* false: no export of this model (class unsupported) */
    char source[QR_IMPORT_NAME_MAX];     /* "json:wheel.prt.12.json"; "" unless found */
    struct qr_buf record; /* encoded ExtractionRecord: type, extractor, cad (mode "json",
                             source), parameters, dimensions, …; nothing about the model's
                             own file: concatenate that */
    bool partial;
    uint64_t bytes;            /* read */
    int64_t cpu_ms, rss_bytes; /* of the child */
};

/**
 * Errors: QR_E_NOT_FOUND, QR_E_DENIED: the folder or archive cannot be opened. QR_E_INVALID, not
 * such a store. A base URL is not asked before it is needed.
 */
QR_MUST_CHECK int qr_import_new(const struct qr_import_config *config, struct qr_import **ret,
                                struct qr_err *err);
/** No run may be under way. */
void qr_import_free(struct qr_import *import);
QR_DEFINE_AUTO(qr_import)

/** Is there an export of the model? Thread-safe. A folder is answered from its index, an archive
 * from its list; a base URL is asked. Errors: as run's class connection. */
QR_MUST_CHECK int qr_import_has(struct qr_import *import, const char *model, bool *ret,
                                struct qr_err *err);

/**
 * Find the export of `model` and read it. Waits for the end, at most budget_ms; thread-safe, any
 * number at a time.
 *
 *   model  "wheel.prt.12", "wheel.prt": a file's name without folders
 *   stop   ends it early, as class timeout, when it becomes true; NULL: nothing does
 *   ret    written on every path; qr_import_result_done() frees it
 *
 * Errors: QR_E_INTERNAL, QR_E_LIMIT, QR_E_NOMEM: the machine could not do it (also ret->class).
 * Everything that is the export's fault is QR_OK with a class: invalid_input names the place,
 * "/features/12/parameters/3/value: a number is expected, not a string (byte 48123)".
 */
QR_MUST_CHECK int qr_import_run(struct qr_import *import, const char *model, int64_t budget_ms,
                                const atomic_bool *stop, struct qr_import_result *ret,
                                struct qr_err *err);
void qr_import_result_done(struct qr_import_result *result);

/** Main of `program --import-child`: an exit code. The pipe is descriptor 3. */
int qr_import_child_main(void);
