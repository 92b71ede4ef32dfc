/* tests/sim/work.h
 *
 * What a worker holds, runs and sends; shared by work.c and worker.c.
 */
#pragma once
#include "tests/sim/sim.h"

struct held *work_find(struct worker *worker, uint64_t lease);
void work_forget(struct worker *worker, struct held *held);
void work_free_place(struct worker *worker, const struct held *held);
bool work_is_stalled(const struct sim *sim, const struct worker *worker);
void work_send(struct sim *sim, struct worker *worker, struct frame *frame);
void work_send_credits(struct sim *sim, struct worker *worker);
void work_send_leases(struct sim *sim, struct worker *worker, enum frame_kind kind,
                      const uint64_t *leases, size_t n);
struct frame *work_frame(struct sim *sim, struct worker *worker, enum frame_kind kind);
void work_send_results(struct sim *sim, void *object, void *arg, uint64_t life);
void work_send_result_soon(struct sim *sim, struct worker *worker, struct held *held,
                           int64_t wait_ms);
void work_say_goodbye(struct sim *sim, struct worker *worker);
void work_release(struct sim *sim, struct worker *worker, struct held *held);
void work_start_jobs(struct sim *sim, struct worker *worker);
