/* worker/pool/member.h
 *
 * One child of the pool, seen from the pool: its process, its pipe, the jobs it holds and how it
 * ended (judge.c). Only worker/pool/pool.c uses this.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/os/pipe.h"
#include "common/os/process.h"
#include "worker/child/wire.h"
#include "worker/pool/pool.h"
#include "worker/pool/task.h"

enum qr_member_state {
    QR_MEMBER_NONE,     /* no process */
    QR_MEMBER_STARTING, /* not READY yet; takes jobs already */
    QR_MEMBER_READY,
    QR_MEMBER_ENDING, /* killed, or its pipe was closed: waits to be reaped */
};

/* Why the pool ended a child. */
enum qr_member_end {
    QR_MEMBER_END_NONE, /* it was not the pool */
    QR_MEMBER_END_BUDGET,
    QR_MEMBER_END_STALLED,
    QR_MEMBER_END_MEMORY,
    QR_MEMBER_END_CANCEL,
    QR_MEMBER_END_GARBAGE, /* it broke the protocol */
    QR_MEMBER_END_DISCARD, /* not because of its job */
};

/* A place in the child's pipe. Without a task: the job was taken back, an answer is not used. */
struct qr_member_slot {
    uint64_t id;
    int64_t budget_ms;
    int64_t progress_ms;
    struct qr_pool_task *task;
};

struct qr_member {
    enum qr_member_state state;
    enum qr_member_end end;
    uint64_t end_id; /* the job it worked on when the pool ended it */
    bool was_ready;
    bool retiring; /* gets no more jobs; its pipe is closed when it has none left */
    struct qr_process process;
    struct qr_pipe pipe;
    struct qr_member_slot slots[QR_WIRE_DEPTH];
    size_t n_slots;
    struct qr_buf record; /* chunks of the first slot's record */
    struct qr_buf part;   /* of the part it is about to keep */
    struct qr_buf found;  /* files that the first slot's file names */
    uint32_t n_found;
    uint32_t files;                      /* answered */
    struct qr_extract_progress progress; /* how far the first slot's job has come */
    int64_t head_since_ms;               /* when the first slot's job could begin */
    int64_t progress_at_ms;              /* when it last showed life */
    int64_t memory_at_ms;                /* when its memory is looked at next */
    int64_t ending_at_ms;                /* when it began to end */
    uint64_t cpu_us;                     /* of all jobs it answered */
    struct qr_sandbox_report sandbox;
    const struct qr_pool_config *config; /* the pool's */
    char message[QR_WIRE_TEXT_MAX];      /* of the failure being reported */
};

struct qr_member_verdict {
    bool blames_job; /* the job it worked on ends with cls and message */
    bool killed;     /* for time or memory */
    bool crashed;
    bool start_failed;
    enum qr_class cls;
    char message[256];
};

void qr_member_init(struct qr_member *member);

/** Close and reap; the slots must have been dealt with. */
void qr_member_done(struct qr_member *member);

/** `mode`: what the program is to be, "--child". */
QR_MUST_CHECK int qr_member_start(struct qr_member *member, const char *program, const char *mode,
                                  int64_t memory_bytes, bool keep_stderr, struct qr_err *err);

/** May it get jobs? */
bool qr_member_is_usable(const struct qr_member *member);

/** Has it read so many files, or does it hold so much, that it should be replaced? */
bool qr_member_is_worn(const struct qr_member *member, uint32_t files, int64_t rss_bytes);

/** Send it a job. False when its pipe is broken; the task stays the caller's then. */
bool qr_member_give(struct qr_member *member, struct qr_pool_task *task);

/** Have what the first slot's job has finished kept soon. */
void qr_member_keep(struct qr_member *member);

/** Take back a job that is not the first: the child is told to skip it. */
void qr_member_take_back(struct qr_member *member, size_t slot);

/**
 * Read its pipe; true with the next job it answered. Pointers in *ret point into the member. The
 * slot is free then; the caller says qr_member_used() when it has used it.
 */
bool qr_member_next(struct qr_member *member, struct qr_pool_result *ret,
                    struct qr_pool_task **ret_task);

/** What the last job brought is not needed any more. */
void qr_member_used(struct qr_member *member);

/** Kill it if its job is over the budget or it holds too much memory; close it if it is to retire.
 */
void qr_member_check_time(struct qr_member *member, int64_t now_ms, int64_t memory_bytes);

/** When qr_member_check_time() should be called; INT64_MAX: no need. */
int64_t qr_member_deadline(const struct qr_member *member);

void qr_member_kill(struct qr_member *member, enum qr_member_end why);

/** What its end means for the job it worked on. */
void qr_member_judge(const struct qr_member *member, const struct qr_process_end *end,
                     int64_t memory_bytes, struct qr_member_verdict *ret);
