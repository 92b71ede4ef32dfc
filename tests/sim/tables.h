/* tests/sim/tables.h
 *
 * The rows of the simulated database. "Ghost" fields are the simulation's own knowledge, which the
 * real tables do not have.
 */
#pragma once
#include "tests/sim/sim.h"

enum job_state {
    JOB_READY,
    JOB_DELAYED,
    JOB_LEASED,
    JOB_PAUSED,
    JOB_DONE,
    JOB_FAILED,
    JOB_CANCELLED,
};

enum stage_kind { STAGE_EXTRACT, STAGE_LINK, STAGE_REPORT, STAGES };
enum stop { STOP_NONE, STOP_PAUSE, STOP_CANCEL };
enum gate { GATE_OPEN, GATE_PAUSED, GATE_CANCELLED };

struct stage {
    int64_t open; /* jobs that have not ended, and the token of who still adds */
    uint32_t epoch;
    bool closed;
    uint32_t written;             /* input epoch of the newest result stored */
    uint8_t triggers[EPOCHS_MAX]; /* ghost: how often the next stage was begun */
    bool early[EPOCHS_MAX];
    bool fired; /* ghost: in this transaction */
};

struct run {
    enum gate gate;
    bool adding;
    struct stage stages[STAGES];
};

struct job {
    enum job_state state;
    qr_type_id type;
    int64_t run_at;
    int retries;
    uint64_t settled_lease;
    uint32_t rows;    /* result row sets */
    uint64_t rows_by; /* the lease that wrote them */
    uint64_t current; /* ghost: the one lease given out and not ended */
    uint64_t newest;  /* newest lease of the job; older ones by lease.before */
    uint32_t starts;  /* ghost: how often a worker began it */
    bool fill;        /* added for the last check */
    uint8_t run, stage, children;
    uint32_t uri;    /* unique in its run; 0: a stage job */
    uint32_t epoch;  /* stage job: of the stage before it */
    bool partial;    /* stage job: begun early */
    enum stop stop;  /* stop_requested */
    enum stop asked; /* ghost: what the operator was told has been taken */
    int64_t asked_at;
    bool retried; /* ghost: by the operator */
    /* checkpoints (keep.c): pages that are finished, one a byte, part behind part */
    uint8_t pages; /* 0: too short to keep anything */
    uint32_t checkpoint;
    uint8_t n_parts, parts[PAGES_MAX];
    /* suspects (suspect.c) */
    bool poison; /* kills the process that runs it */
    bool alone;
    int error_class;         /* of its last failure */
    uint32_t marks;          /* suspects */
    uint32_t deaths, killed; /* ghost: of processes while it ran there; by it, since a retry */
};

struct lease_row { /* an element of a batch row */
    uint64_t job, session, before;
    bool gone;
    uint64_t accept_order; /* ghost: requests so far when its Accept reached the coordinator */
    bool confirmed;        /* ghost: the worker knows that the coordinator knows that it has it */
    int64_t given_at;      /* ghost */
    bool received;         /* ghost: its Offer reached the worker */
    uint64_t claimed_by;   /* session of the claim, for good */
    bool brought_part;     /* of the parts of its job */
    bool alone, marked;    /* on record: given out to run alone; spoken of by a suspect event */
    bool died, beside;     /* ghost: its process died while it ran there; other work beside it */
};

struct session_row {
    uint8_t id[QR_SESSION_BYTES];
    int worker; /* which process: index in sim.workers */
    char worker_id[16];
    uint64_t counter, owner, attach, stream_number;
    bool ended;
    uint64_t birth; /* ghost: order in which processes started */
};

enum req_kind {
    REQ_HELLO,
    REQ_CLAIM,
    REQ_RETURN,
    REQ_SETTLE,
    REQ_CHECKPOINT,
    REQ_RENEW,
    REQ_END_SESSION,
    REQ_POLL,
    REQ_KINDS
};

struct req {
    enum req_kind kind;
    int coord;
    uint64_t instance, order; /* who asked; when it was asked, a repeated take-back: first */
    uint64_t token, session_pk, attach;
    /* hello */
    uint8_t session[QR_SESSION_BYTES];
    char worker_id[16];
    uint64_t counter, stream_number;
    int worker;
    bool recover;
    /* claim */
    uint64_t want[TYPES + 1], want_total;
    enum gate gates[RUNS]; /* as they were when it was asked */
    /* return */
    enum qr_return_reason reason;
    /* settle */
    uint64_t lease, job;
    int error_class;
    uint32_t found;
    struct qr_settle *settle;
    /* checkpoint: its part; settle: the record */
    struct qr_checkpoint *checkpoint;
    uint64_t number;
    bool anew;
    uint8_t n_pages, pages[PAGES_MAX];
    /* answer */
    enum qr_db_status status;
    int code; /* hello outcome, ack code */
    uint64_t newest, pk, answer_attach, ended_pk, returned, suspects, convicted, stands;
    bool dry, rows_written, stale;
    size_t n_out;
    struct item *out;
    size_t n, n_starts;
    struct item items[]; /* hello: what it names, then starts of earlier lives; return: leases */
};

struct db {
    struct job jobs[JOBS_MAX];
    size_t n_jobs;
    struct run runs[RUNS];
    struct lease_row *leases; /* by lease id */
    uint64_t holds[64];       /* leases that have a slot of the limited type */
    size_t n_holds;
    uint64_t last_lease;
    struct session_row *sessions; /* by pk */
    uint64_t last_session;
    uint64_t renewals[COORDS * 200]; /* by instance */
    int64_t renewed_at[COORDS * 200];
    int64_t down_until, cut_until[COORDS]; /* for all, for one coordinator */
    bool down_hangs;
    uint64_t order;
    struct {
        uint64_t instance, token, order;
    } returns[512]; /* take-backs: when each was first asked for */
    size_t n_returns;
    struct req *in_flight[4096]; /* submitted settles, for invariant 4 */
    size_t n_in_flight;
};
