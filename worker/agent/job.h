/* worker/agent/job.h
 *
 * The jobs an agent holds and their way through it: fetched, submitted to the pool, answered.
 *
 *     QUEUED  -> FETCHING -> READY -> [PREPARING -> READY ->] RUNNING -> [REFERRING ->] gone
 *
 * At most `slots` jobs plus the prefetch are held, because no more are offered. Used by the agent's
 * thread only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "common/fleet/session.h"
#include "worker/agent/fetcher.h"
#include "worker/agent/options.h"
#include "worker/agent/refer.h"
#include "worker/pool/pool.h"
#include "worker/tool/tools.h"

enum qr_job_state {
    QR_JOB_FETCHING,  /* a fetch thread opens it, or will */
    QR_JOB_READY,     /* open, waits for a child, or for a program of others */
    QR_JOB_PREPARING, /* a program of others reads it before the child does */
    QR_JOB_RUNNING,   /* in the pool */
    QR_JOB_REFERRING, /* done; a fetch thread looks at the files it names */
    QR_JOB_LEFT,      /* in the pool, but the lease is over: its end is of no interest */
};

struct qr_job {
    uint64_t lease_id; /* also its id in fetcher and pool */
    enum qr_job_state state;
    char *uri;
    char *name; /* path below the root */
    char *type;
    uint64_t listed_bytes; /* 0: unknown */
    int64_t listed_modified_ms;
    struct qr_extract_options options;
    bool alone;
    int64_t budget_ms, progress_ms; /* 0: the pool's default */
    int64_t taken_ms;               /* when it was accepted */
    int64_t fetching_ms;            /* a thread was seen opening it then; 0: it waits, or is open */
    int64_t fetch_ms;               /* how long opening took, and preparing */
    int64_t stop_ms;                /* asked to stop: until then it may finish; 0: not asked */
    const char *stop_reason;
    int fd;          /* READY, or open already while the parts are fetched */
    uint8_t *resume; /* state to go on from; NULL: from the start */
    size_t resume_len;
    int resume_fd;                /* state and parts for the child; -1: from the start */
    bool parts_wanted;            /* the parts are being fetched */
    bool said;                    /* that it went on, in the log */
    bool kept;                    /* something was kept since it was asked for (stop_ms) */
    const struct qr_tool *tool;   /* reads it first; NULL: none, or it has */
    char tool_type[32];           /* of the record then */
    struct qr_prepared *prepared; /* what came of that; NULL: nothing did */
    int prepared_fd;              /* what the program wrote; -1: none */
    bool changed;                 /* size or time differ from the listing */
    uint8_t *record;              /* REFERRING: the result, until its references are looked at */
    size_t record_len;
    int64_t done_ms, took_ms;
    uint32_t found_left_out;
    struct qr_job *prev, *next; /* READY, in order */
    UT_hash_handle hh;
};

struct qr_jobs {
    struct qr_session *session; /* borrowed, all */
    struct qr_fetcher *fetcher;
    struct qr_pool *pool;
    struct qr_tools *tools;
    const struct qr_tool_set *tool_set;
    const struct qr_roots *roots;
    uint64_t max_file_bytes;
    int64_t keep_ms; /* what is finished is kept so often */
    int64_t now_ms;
    struct qr_job *all;
    struct qr_job *ready;
    size_t n_submitted; /* in the pool, those left included, and with programs of others */
    bool alone_running;
    uint64_t done, failed; /* results handed to the session */
};

/** A lease was offered: accept or decline it, start fetching. */
void qr_jobs_offer(struct qr_jobs *jobs, const Quarry__V1__Lease *lease);
/** The fetch thread's answer; takes the letter's descriptor. */
void qr_jobs_fetched(struct qr_jobs *jobs, struct qr_letter *letter);
/** The parts behind the job's checkpoint; NULL: it begins anew. */
void qr_jobs_parts(struct qr_jobs *jobs, uint64_t lease_id, const uint8_t *data, size_t len);
/** A child has finished some of it. */
void qr_jobs_kept(struct qr_jobs *jobs, const struct qr_pool_kept *kept);
/** A child says how far it has come: for the log. */
void qr_jobs_progress(const struct qr_jobs *jobs, uint64_t id,
                      const struct qr_extract_progress *progress);
/** The fetch thread's answer about the files a job names; NULL: it had no memory. */
void qr_jobs_referred(struct qr_jobs *jobs, uint64_t lease_id, const struct qr_references *refs);
/** What a program of others made of a file. */
void qr_jobs_prepared(struct qr_jobs *jobs, const struct qr_tools_result *result);
/** The pool's answer. */
void qr_jobs_done(struct qr_jobs *jobs, const struct qr_pool_result *result);
void qr_jobs_stop(struct qr_jobs *jobs, uint64_t lease_id, enum qr_session_stop reason,
                  uint32_t grace_ms);

/** Hand back what has not started / everything. */
void qr_jobs_hand_back(struct qr_jobs *jobs, bool running_too, const char *reason);
/** Tell the session where each job stands. */
void qr_jobs_report(struct qr_jobs *jobs);
/** Budgets of fetches, ends of graces, then feed the pool. */
void qr_jobs_turn(struct qr_jobs *jobs);
/** When qr_jobs_turn() is wanted at the latest. */
int64_t qr_jobs_next_deadline(const struct qr_jobs *jobs);
/** Jobs whose lease is held. */
size_t qr_jobs_count(const struct qr_jobs *jobs);
/** Frees all jobs; nothing is reported. */
void qr_jobs_free(struct qr_jobs *jobs);
