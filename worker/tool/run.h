/* worker/tool/run.h
 *
 * One foreign program at work, inside the warden: started in its cage, watched, ended, its output
 * taken. Blocks; what interrupts it is said by a callback. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/class.h"
#include "common/os/cage.h"
#include "worker/tool/folder.h"
#include "worker/tool/tool.h"
#include "worker/tool/wire.h"

struct qr_tool_run {
    /* set by the caller, borrowed */
    struct qr_tool_wire_setup setup;
    const char *base; /* folder for temporary files */
    const char *name; /* for messages */
    const char *argv[QR_TOOL_ARGS];
    const char *staged[QR_TOOL_STAGED];
    const char *staged_as[QR_TOOL_STAGED];
    int interrupt;           /* a descriptor: when it is readable, `stop` is asked */
    bool (*stop)(void *arg); /* true: end the job now */
    void *arg;
    /* its own */
    struct qr_tool_folder folder;
    struct qr_cage cage;
    struct qr_cage_report report;
    int to, from, err; /* pipes: to its standard input, from its output, from its error; -1: none */
    char tail[4096];   /* the last it wrote to standard error */
    size_t tail_len;
    char line[QR_TOOL_TEXT_MAX]; /* of its answer */
    size_t line_len;
    uint32_t served;
    int64_t look_ms; /* when its memory is looked at next */
};

struct qr_tool_outcome {
    enum qr_class cls; /* QR_CLASS_NONE: `fd` is what it wrote */
    bool stopped;
    int fd; /* the caller's; -1: none */
    int64_t cpu_ms;
    char message[1024]; /* of the failure, or of the note */
    char note[64];      /* code of something to note; "" none */
};

void qr_tool_run_init(struct qr_tool_run *run);
/** Have it read one file. Fills *ret in any case. */
void qr_tool_run_file(struct qr_tool_run *run, int fd, const char *name, int64_t budget_ms,
                      struct qr_tool_outcome *ret);
/** Between two files: a program that stays may end by itself first. */
void qr_tool_run_end(struct qr_tool_run *run);
/** End what still runs, remove its folder. */
void qr_tool_run_done(struct qr_tool_run *run);
