/* worker/tool/wire.h
 *
 * What the worker and a warden (worker/tool/warden.h) say to each other over their pipe.
 *
 *     worker -> warden
 *       SETUP             once: the program
 *       JOB (with a file) one at a time
 *       STOP              end the job now; DONE follows all the same
 *
 *     warden -> worker
 *       DONE (with a file when it is completed)
 *
 * The frame's id is the job's. Closing the pipe ends the warden and whatever it runs. Both ends are
 * trusted; what the program made is not, and neither looks into it.
 */
#pragma once
#include <stdint.h>

enum qr_tool_wire_type {
    QR_TOOL_WIRE_SETUP =
        1,            /* struct qr_tool_wire_setup, then strings, each with its NUL: the folder
                         for temporary files, the program's name, the words, files to stage and their names */
    QR_TOOL_WIRE_JOB, /* struct qr_tool_wire_job, then the file's name with its NUL */
    QR_TOOL_WIRE_STOP,
    QR_TOOL_WIRE_DONE, /* struct qr_tool_wire_done, then message, note code, each with its NUL */
};

enum { QR_TOOL_TEXT_MAX = 2048 };

struct qr_tool_wire_setup {
    int64_t memory_bytes;
    int64_t reserve_bytes;
    int64_t file_bytes; /* largest output */
    uint32_t n_args, n_staged;
    uint32_t serve, converter;
};

struct qr_tool_wire_job {
    int64_t budget_ms;
};

struct qr_tool_wire_done {
    uint32_t class_id; /* enum qr_class; 0: completed */
    uint32_t stopped;  /* by STOP */
    int64_t cpu_ms;    /* of a program that ended */
};
