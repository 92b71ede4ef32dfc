/* worker/child/wire.h
 *
 * What the pool and a child say to each other over their pipe (common/os/pipe.h).
 *
 *     pool -> child
 *       JOB (with the open file)     the next one is sent while the child works, so that it is
 *                                    there when the child has finished
 *       RESUME (with a file)         right before the JOB of the same id: where to go on from
 *       PREPARED (with a file)       the same: what a program of others made of the job's file
 *       SKIP                         forget a job that has not begun
 *       KEEP                         keep what the job has finished now, not when it is time
 *
 *     child -> pool
 *       READY                        once, from inside the sandbox
 *       PROGRESS, PART…, KEPT, FOUND…, CHUNK…, DONE    for each job, in order
 *       SKIPPED                      the job was forgotten; no answer to SKIP: it had begun
 *
 * The frame's id is the job's. Closing the pipe ends the child.
 * The pool trusts nothing a child says but uses it for that child's job only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/os/sandbox.h"
#include "worker/extract/extract.h"
#include "worker/extract/prepared.h"

enum qr_wire_type {
    QR_WIRE_JOB = 1, /* struct qr_wire_job, then name and type, each NUL-terminated */
    QR_WIRE_SKIP,
    QR_WIRE_READY,    /* struct qr_sandbox_report */
    QR_WIRE_PROGRESS, /* struct qr_extract_progress */
    QR_WIRE_CHUNK,    /* the next bytes of the encoded record */
    QR_WIRE_DONE,     /* struct qr_wire_done, then the failure's message, NUL-terminated */
    QR_WIRE_SKIPPED,
    QR_WIRE_RESUME, /* uint64_t bytes of the state; the file has the state, then the parts */
    QR_WIRE_KEEP,
    QR_WIRE_PART,     /* the next bytes of a part */
    QR_WIRE_KEPT,     /* struct qr_wire_kept, then the state: the part is whole */
    QR_WIRE_FOUND,    /* another file, as the job's file names it: text, NUL-terminated */
    QR_WIRE_PREPARED, /* struct qr_prepared; with the file that the program made, if it did */
};

enum {
    QR_WIRE_DEPTH = 2,
    QR_WIRE_CHUNK_BYTES = 128 * 1024,
    QR_WIRE_TEXT_MAX = 8192,
    QR_WIRE_STATE_MAX = 48 * 1024,
    QR_WIRE_FOUND_MAX = 256,   /* frames a job */
    QR_WIRE_FOUND_TEXT = 1024, /* bytes of one, with its NUL */
};
#define QR_WIRE_PART_MAX ((size_t)8 * 1024 * 1024) /* a larger part ends the keeping */

/* Descriptor of the pipe in the child. */
enum { QR_WIRE_FD = 3 };

/* How a child ends by itself. */
enum { QR_CHILD_OK = 0, QR_CHILD_BROKEN = 70, QR_CHILD_NO_MEMORY = 71, QR_CHILD_NO_SANDBOX = 72 };

struct qr_wire_job {
    uint64_t max_file_bytes;
    int64_t budget_ms; /* the pool kills the child when it is used up */
    int64_t keep_ms;   /* what is finished is kept so often; 0: not at all */
    struct qr_extract_options options;
};

struct qr_wire_kept {
    uint64_t part_bytes; /* sum of the PART frames since the last KEPT */
    uint32_t anew;       /* the first of a job that was begun at its start */
    uint32_t reserved;   /* 0 */
};

struct qr_wire_done {
    uint32_t class_id; /* enum qr_class; 0: completed */
    uint32_t duration_ms;
    uint64_t record_bytes; /* sum of the chunks */
    uint64_t cpu_us;
    uint64_t peak_rss_bytes; /* of the child so far */
    uint32_t found_left_out; /* files it names beyond QR_WIRE_FOUND_MAX, or by too long a name */
    uint32_t is_model;       /* a geometry kernel could make something of the file */
};
