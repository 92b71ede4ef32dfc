/* worker/pool/second.h
 *
 * The second step of a job: geometry of a file that turned out to be a STEP model.
 *
 * A pool of its own, whose children load a geometry kernel (docs/geometry.md), works behind the
 * first one. It is started at the first model, and a child only when there is a job for it. The
 * record of the first step waits here; whatever becomes of the second step, it is answered: with
 * what the kernel computed behind it, or with what went wrong. Time that is left of the job's
 * budget is all that the second step gets. Only worker/pool/pool.c uses this; same thread.
 */
#pragma once
#include "worker/pool/member.h"

struct qr_second;

/** A job ended for good; *result is the callee's to change. */
typedef void (*qr_second_done_fn)(void *arg, struct qr_pool_task *task,
                                  struct qr_pool_result *result);

/**
 * Starts nothing yet.
 *
 *   config   of the first pool; borrowed for the life of this
 *   program  as above
 *   epoll    gets the second pool's descriptor, once there is one
 *
 * NULL: out of memory.
 */
struct qr_second *qr_second_new(const struct qr_pool_config *config, const char *program, int epoll,
                                qr_second_done_fn done, void *arg);
/** Jobs in it end without a call of `done`. Accepts NULL. */
void qr_second_free(struct qr_second *second);

/** The first step is done: does a second follow? Then `done` is called later, or at once; the
 * result is copied. */
bool qr_second_take(struct qr_second *second, struct qr_pool_task *task,
                    const struct qr_pool_result *result);

/** `done` follows at the next dispatch, with `cancelled` set. */
void qr_second_cancel(struct qr_second *second, uint64_t id);

void qr_second_dispatch(struct qr_second *second);
/** As qr_pool_wait_ms(). */
int qr_second_wait_ms(const struct qr_second *second);
void qr_second_each_working(const struct qr_second *second, qr_pool_working_fn fn, void *arg);
void qr_second_get_stats(const struct qr_second *second, struct qr_pool_stats *ret);
