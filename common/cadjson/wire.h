/* common/cadjson/wire.h
 *
 * What the importing process and its child say to each other over their pipe (common/os/pipe.h).
 *
 *     parent -> child   SETUP
 *     child -> parent   READY, from inside the sandbox
 *     parent -> child   JOB, with the open export or archive
 *     child -> parent   CHUNK…, DONE
 */
#pragma once
#include <stdint.h>

#include "common/cadjson/import.h"

enum { QR_IMPORT_FD = 3, QR_IMPORT_CHUNK_BYTES = 128 * 1024 };
#define QR_IMPORT_RECORD_MAX ((size_t)64 * 1024 * 1024)

enum qr_import_frame {
    QR_IMPORT_SETUP = 1,
    QR_IMPORT_READY, /* struct qr_sandbox_report */
    QR_IMPORT_JOB,
    QR_IMPORT_CHUNK, /* the next bytes of the encoded record */
    QR_IMPORT_DONE,
};

struct qr_import_setup {
    int64_t memory_bytes;
};

struct qr_import_job {
    uint64_t max_bytes;
    uint32_t archive; /* the export is a member of it */
    uint32_t probe;   /* only: is there one? */
    char model[QR_IMPORT_NAME_MAX];
    char name[QR_IMPORT_NAME_MAX]; /* of the export's file */
};

struct qr_import_done {
    uint32_t class_id; /* 0: the chunks are the record */
    uint32_t found;
    uint32_t partial;
    uint32_t reserved;
    uint64_t bytes; /* read */
    uint64_t record_bytes;
    char name[QR_IMPORT_NAME_MAX]; /* of the member, in an archive */
    char message[QR_IMPORT_MESSAGE_MAX];
};
