/* cadbridge/jobs.h
 *
 * The jobs a bridge holds: in line, at work in a slot, answered. Used by the loop's thread only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "cadbridge/slots.h"
#include "common/fleet/session.h"

struct qr_bridge_job {
    uint64_t lease_id;
    int slot;  /* -1: in line */
    bool left; /* the lease is over: its end is of no interest */
    bool alone;
    int64_t begun_ms;
    struct qr_work_job work;
    char *uri;
    uint8_t *raw;
    struct qr_bridge_job *prev, *next; /* in line */
    UT_hash_handle hh;
};

struct qr_bridge_jobs {
    struct qr_session *session; /* borrowed, all */
    struct qr_slots *slots;
    const struct qr_roots *roots;
    int64_t now_ms;
    struct qr_bridge_job *all, *line;
    size_t n_running; /* those left included */
    bool alone_running;
    uint64_t done, failed, waited;
};

void qr_bridge_jobs_offer(struct qr_bridge_jobs *jobs, const Quarry__V1__Lease *lease);
void qr_bridge_jobs_stop(struct qr_bridge_jobs *jobs, uint64_t lease_id,
                         enum qr_session_stop reason);
/** A slot's answer; takes over the result in it. */
void qr_bridge_jobs_done(struct qr_bridge_jobs *jobs, uint64_t lease_id, struct qr_slot_done *done);
void qr_bridge_jobs_hand_back(struct qr_bridge_jobs *jobs, bool running_too, const char *reason);
void qr_bridge_jobs_report(struct qr_bridge_jobs *jobs);
/** Those in line go to free slots. */
void qr_bridge_jobs_turn(struct qr_bridge_jobs *jobs);
size_t qr_bridge_jobs_count(const struct qr_bridge_jobs *jobs);
void qr_bridge_jobs_free(struct qr_bridge_jobs *jobs);
