/* worker/extract/input.h
 *
 * The bytes of one file, read through a descriptor that somebody else opened.
 *
 * Only regular files are taken. A file of moderate size is read into memory once, so what is hashed
 * is what is parsed; a large one is read where it lies. Size and time of change are compared before
 * and after: a file that changes while it is read is a failure that is retried. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/record/record.h"

#define QR_INPUT_WHOLE ((uint64_t)16 * 1024 * 1024) /* read into memory up to this size */
#define QR_INPUT_HEAD 2048                          /* bytes kept for looking at the type */

struct qr_input {
    int fd; /* borrowed */
    uint64_t size;
    const uint8_t *data; /* all of it, or NULL when it is larger than QR_INPUT_WHOLE */
    uint8_t head[QR_INPUT_HEAD];
    size_t head_len;
    int64_t changed_ns; /* when opened */
    const uint8_t *map; /* of qr_input_map(); NULL: none */
    uint8_t *own;       /* buffer behind `data`, kept from file to file when it is small */
    size_t own_cap;
};

/** Also makes the hash function ready, which reads its configuration: do it outside the sandbox. */
void qr_input_init(struct qr_input *in);
void qr_input_done(struct qr_input *in);

/**
 * Look at the descriptor, read the file, put size and SHA-256 into the record.
 * Returns false after having put the failure into the record: not a regular file (invalid_input),
 * larger than max_bytes (invalid_input), unreadable (connection: it may be a share that went away).
 */
bool qr_input_open(struct qr_input *in, int fd, uint64_t max_bytes, struct qr_record *rec);

/** Copy up to `len` bytes from `offset`; returns how many, 0 at the end or on a read error. */
size_t qr_input_read(const struct qr_input *in, uint64_t offset, void *to, size_t len);

/**
 * All bytes in memory: `data`, or the file mapped. NULL after having put the failure into the
 * record, and for an empty file. Valid until qr_input_close().
 *
 * Pages of a map that the file loses while it is read (it was made shorter, the share went away)
 * read as zeros instead of ending the process; qr_input_close() then puts in the failure.
 */
const uint8_t *qr_input_map(struct qr_input *in, struct qr_record *rec);

/** Bytes before `offset` of the map are not needed soon: their memory may go. */
void qr_input_passed(const struct qr_input *in, uint64_t offset);

/** Has it changed since qr_input_open()? Puts the failure (connection) into the record. */
void qr_input_close(struct qr_input *in, struct qr_record *rec);
