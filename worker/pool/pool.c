/* Jobs and children of the pool. A child's own life is in pool/member.c. */
#include "worker/pool/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/pool/member.h"
#include "worker/pool/second.h"

#define MAX_CHILDREN 256
#define START_FAILURES_MAX 3
#define START_RETRY_MS 1000
#define STEAL_AFTER_MS                                                        \
    20 /* a job that waits behind one that takes longer goes to an idle child \
        */

struct qr_pool {
    struct qr_pool_config config;
    char program[4096];
    int epoll;
    struct qr_member *members; /* twice `children`: while one retires its successor starts */
    size_t n_members;
    struct qr_pool_queue waiting; /* jobs without a child, oldest first */
    size_t n_jobs;
    struct qr_second *second; /* NULL: there is only one step */
    int start_failures;       /* in a row */
    int64_t start_at_ms;
    struct qr_pool_stats stats;
};

/* The one place where a job ends. */
static void end_job(void *arg, struct qr_pool_task *task, struct qr_pool_result *result)
{
    struct qr_pool *pool = arg;

    result->id = task->id;
    pool->n_jobs--;
    pool->stats.jobs_done++;
    pool->config.done(pool->config.arg, result);
    qr_pool_task_free(task);
}

/* No child has it any more: it ends, or goes on in the second step. */
static void finish(struct qr_pool *pool, struct qr_pool_task *task, struct qr_pool_result *result)
{
    if (!pool->second || !qr_second_take(pool->second, task, result))
        end_job(pool, task, result);
}

static void finish_failed(struct qr_pool *pool, struct qr_pool_task *task, enum qr_class cls,
                          const char *message, bool cancelled)
{
    struct qr_pool_result result = {.cls = cls, .message = message, .cancelled = cancelled};
    finish(pool, task, &result);
}

static size_t live_children(const struct qr_pool *pool)
{
    size_t n = 0;
    for (size_t i = 0; i < pool->n_members; i++)
        n += qr_member_is_usable(&pool->members[i]);
    return n;
}

static bool watch(struct qr_pool *pool, int fd, size_t index)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};
    return epoll_ctl(pool->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int start_child(struct qr_pool *pool, struct qr_err *err)
{
    size_t index = 0;

    while (index < pool->n_members && pool->members[index].state != QR_MEMBER_NONE)
        index++;
    if (index == pool->n_members)
        return qr_fail(err, QR_E_LIMIT, "%zu children have not ended yet", pool->n_members);
    struct qr_member *member = &pool->members[index];
    int rc = qr_member_start(member, pool->program, pool->config.mode, pool->config.memory_bytes,
                             pool->config.keep_stderr, err);
    if (rc < 0)
        return rc;
    member->config = &pool->config;
    pool->stats.started++;
    if (!watch(pool, member->pipe.fd, index) ||
        (member->process.watch >= 0 && !watch(pool, member->process.watch, index))) {
        rc = qr_fail_errno(err, QR_E_LIMIT, errno, "epoll_ctl");
        qr_member_kill(member, QR_MEMBER_END_DISCARD);
    }
    return rc;
}

/* How many usable children there should be now. */
static size_t wanted_children(const struct qr_pool *pool)
{
    size_t most = (size_t)pool->config.children;

    return pool->config.lazy && pool->n_jobs < most ? pool->n_jobs : most;
}

/* As many usable children as wanted, unless starting them fails again and again. */
static void start_missing(struct qr_pool *pool)
{
    struct qr_err err;

    while (live_children(pool) < wanted_children(pool) && qr_clock_ms() >= pool->start_at_ms) {
        if (start_child(pool, &err) == QR_OK)
            continue;
        if (err.code != QR_E_LIMIT)
            pool->start_failures++;
        pool->start_at_ms = qr_clock_ms() + START_RETRY_MS;
    }
}

int qr_pool_new(const struct qr_pool_config *config, struct qr_pool **ret, struct qr_err *err)
{
    if (config->children < 1 || config->children > MAX_CHILDREN)
        return qr_fail(err, QR_E_INVALID, "%d children; hint: 1 .. %d", config->children,
                       MAX_CHILDREN);
    QR_AUTO(qr_pool) pool = calloc(1, sizeof *pool);
    if (!pool)
        return qr_fail(err, QR_E_NOMEM, "no memory for a pool");
    pool->epoll = epoll_create1(EPOLL_CLOEXEC);
    qr_pool_queue_init(&pool->waiting);
    pool->config = *config;
    if (pool->config.memory_bytes == 0)
        pool->config.memory_bytes = (int64_t)1 << 30;
    if (!pool->config.mode)
        pool->config.mode = "--child";
    if (pool->config.recycle_files == 0)
        pool->config.recycle_files = 2000;
    if (pool->config.recycle_rss_bytes == 0)
        pool->config.recycle_rss_bytes = (int64_t)256 << 20;
    pool->members = calloc((size_t)config->children * 2, sizeof *pool->members);
    if (pool->epoll < 0 || !pool->members)
        return qr_fail(err, QR_E_NOMEM, "no memory for a pool of %d children", config->children);
    pool->n_members = (size_t)config->children * 2;
    for (size_t i = 0; i < pool->n_members; i++)
        qr_member_init(&pool->members[i]);
    if (config->program && strlen(config->program) < sizeof pool->program)
        memcpy(pool->program, config->program, strlen(config->program) + 1);
    else if (config->program || !qr_process_self(pool->program, sizeof pool->program))
        return qr_fail(err, QR_E_INVALID, "the worker's program cannot be found");
    if (config->geometry.on &&
        !(pool->second = qr_second_new(&pool->config, pool->program, pool->epoll, end_job, pool)))
        return qr_fail(err, QR_E_NOMEM, "no memory for a second pool");
    for (int i = 0; i < config->children && !config->lazy; i++) {
        int rc = start_child(pool, err);
        if (rc < 0)
            return rc;
    }
    *ret = qr_steal(&pool);
    return QR_OK;
}

void qr_pool_free(struct qr_pool *pool)
{
    if (!pool)
        return;
    qr_second_free(pool->second);
    for (size_t i = 0; i < pool->n_members; i++) {
        struct qr_member *member = &pool->members[i];
        qr_member_kill(member, QR_MEMBER_END_DISCARD);
        for (size_t k = 0; k < member->n_slots; k++)
            if (member->slots[k].task)
                qr_pool_task_free(member->slots[k].task);
        qr_member_done(member);
    }
    while (pool->waiting.first)
        qr_pool_task_free(qr_pool_queue_pop(&pool->waiting));
    free(pool->members);
    if (pool->epoll >= 0)
        close(pool->epoll);
    free(pool);
}

size_t qr_pool_room(const struct qr_pool *pool)
{
    size_t places = (size_t)pool->config.children * QR_WIRE_DEPTH;
    return pool->n_jobs < places ? places - pool->n_jobs : 0;
}

size_t qr_pool_jobs(const struct qr_pool *pool) { return pool->n_jobs; }

int qr_pool_fd(const struct qr_pool *pool) { return pool->epoll; }

/* The child that gets the next job: one with nothing to do, else one whose pipe is free. */
static struct qr_member *best_member(struct qr_pool *pool)
{
    struct qr_member *best = NULL;

    for (size_t i = 0; i < pool->n_members; i++) {
        struct qr_member *member = &pool->members[i];
        if (qr_member_is_usable(member) && member->n_slots < QR_WIRE_DEPTH &&
            (!best || member->n_slots < best->n_slots))
            best = member;
    }
    return best;
}

static void place_waiting(struct qr_pool *pool)
{
    struct qr_member *member;

    while (pool->waiting.first && (member = best_member(pool)) != NULL) {
        struct qr_pool_task *task = qr_pool_queue_pop(&pool->waiting);
        if (!qr_member_give(member, task)) {
            qr_pool_queue_push_front(&pool->waiting, task);
            qr_member_kill(member, QR_MEMBER_END_DISCARD); /* its pipe is broken */
        }
    }
}

int qr_pool_submit(struct qr_pool *pool, const struct qr_pool_job *job, struct qr_err *err)
{
    struct qr_pool_task *task;

    int rc = qr_pool_task_new(job, &task, err);
    if (rc < 0)
        return rc;
    qr_pool_queue_push(&pool->waiting, task);
    pool->n_jobs++;
    if (pool->config.lazy)
        start_missing(pool);
    place_waiting(pool);
    return QR_OK;
}

void qr_pool_cancel(struct qr_pool *pool, uint64_t id)
{
    if (pool->second)
        qr_second_cancel(pool->second, id);
    for (struct qr_pool_task *task = pool->waiting.first; task; task = task->next)
        if (task->id == id)
            task->cancelled = true;
    for (size_t i = 0; i < pool->n_members; i++) {
        struct qr_member *member = &pool->members[i];
        for (size_t k = 0; k < member->n_slots; k++) {
            struct qr_pool_task *task = member->slots[k].task;
            if (!task || task->id != id)
                continue;
            task->cancelled = true;
            if (k == 0) {
                qr_member_kill(member, QR_MEMBER_END_CANCEL);
            } else { /* it has not begun */
                qr_member_take_back(member, k);
                qr_pool_queue_push_front(&pool->waiting, task);
            }
        }
    }
}

void qr_pool_keep(struct qr_pool *pool, uint64_t id)
{
    for (size_t i = 0; i < pool->n_members; i++) {
        struct qr_member *member = &pool->members[i];
        if (member->state == QR_MEMBER_READY && member->n_slots > 0 && member->slots[0].task &&
            member->slots[0].id == id)
            qr_member_keep(member);
    }
}

/* Cancelled jobs that no child has. */
static void finish_cancelled(struct qr_pool *pool)
{
    struct qr_pool_task *kept = qr_pool_queue_take_all(&pool->waiting);

    while (kept) {
        struct qr_pool_task *task = kept;
        kept = kept->next;
        if (task->cancelled)
            finish_failed(pool, task, QR_CLASS_NONE, "", true);
        else
            qr_pool_queue_push(&pool->waiting, task);
    }
}

/* A child with nothing to do takes over a job that waits behind a long one. */
static void steal(struct qr_pool *pool, int64_t now)
{
    struct qr_member *idle = best_member(pool);

    if (pool->waiting.first || !idle || idle->n_slots > 0)
        return;
    for (size_t i = 0; i < pool->n_members; i++) {
        struct qr_member *member = &pool->members[i];
        if (member->state != QR_MEMBER_READY || member->n_slots < 2 || !member->slots[1].task ||
            now - member->head_since_ms < STEAL_AFTER_MS)
            continue;
        struct qr_pool_task *task = member->slots[1].task;
        qr_member_take_back(member, 1);
        qr_pool_queue_push_front(&pool->waiting, task);
        place_waiting(pool);
        return;
    }
}

/* Answers of one child: each DONE ends a job. */
static void read_member(struct qr_pool *pool, struct qr_member *member)
{
    struct qr_pool_result result;
    struct qr_pool_task *task;

    while (qr_member_next(member, &result, &task)) {
        result.cancelled = task->cancelled;
        finish(pool, task, &result);
        qr_member_used(member);
        if (member->state == QR_MEMBER_READY && !member->retiring &&
            qr_member_is_worn(member, pool->config.recycle_files, pool->config.recycle_rss_bytes)) {
            member->retiring = true;
            pool->stats.recycled++;
        }
        place_waiting(pool); /* at once: the child may be idle */
    }
    if (member->state == QR_MEMBER_READY) {
        pool->start_failures = 0;
        pool->stats.sandbox = member->sandbox;
    }
}

/* A child is gone: the job it worked on ends with a class, the next one goes to somebody else. */
static void bury(struct qr_pool *pool, struct qr_member *member)
{
    struct qr_process_end end;
    struct qr_member_verdict verdict;

    if (!qr_process_poll(&member->process, &end))
        return;
    read_member(pool, member); /* what it said before */
    qr_member_judge(member, &end, pool->config.memory_bytes, &verdict);
    for (size_t k = member->n_slots; k-- > 0;) {
        struct qr_pool_task *task = member->slots[k].task;
        if (task && (k > 0 || !verdict.blames_job)) {
            pool->stats.resubmitted++;
            qr_pool_queue_push_front(&pool->waiting, task);
        }
    }
    struct qr_pool_task *head =
        member->n_slots > 0 && verdict.blames_job ? member->slots[0].task : NULL;
    int64_t duration = qr_clock_ms() - member->head_since_ms;
    int64_t cpu = end.cpu_ms - (int64_t)(member->cpu_us / 1000);
    pool->stats.killed += verdict.killed;
    pool->stats.crashed += verdict.crashed;
    if (verdict.start_failed) {
        pool->start_failures++;
        pool->start_at_ms = qr_clock_ms() + (pool->start_failures > 1 ? START_RETRY_MS : 0);
    }
    qr_member_done(member);
    if (head) {
        struct qr_pool_result result = {.cls = head->cancelled ? QR_CLASS_NONE : verdict.cls,
                                        .message = head->cancelled ? "" : verdict.message,
                                        .cancelled = head->cancelled,
                                        .duration_ms = duration,
                                        .cpu_ms = cpu,
                                        .peak_rss_bytes = end.rss_bytes};
        finish(pool, head, &result);
    }
}

/* Children cannot be started: better a failure that is tried again elsewhere than a silent wait. */
static void give_up(struct qr_pool *pool)
{
    if (pool->start_failures < START_FAILURES_MAX || live_children(pool) > 0)
        return;
    /* jobs submitted meanwhile wait for the next try */
    struct qr_pool_task *task = qr_pool_queue_take_all(&pool->waiting);
    while (task) {
        struct qr_pool_task *next = task->next;
        finish_failed(pool, task, QR_CLASS_INTERNAL,
                      "the extraction process does not start; hint: run quarry-worker "
                      "--sandbox-report on this machine",
                      false);
        task = next;
    }
}

void qr_pool_dispatch(struct qr_pool *pool)
{
    struct epoll_event events[64];
    int n = epoll_wait(pool->epoll, events, (int)QR_COUNT(events), 0);

    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 >= pool->n_members)
            continue; /* the second step's: below */
        struct qr_member *member = &pool->members[events[i].data.u64];
        if (member->state == QR_MEMBER_NONE)
            continue; /* buried by an earlier event of this round */
        read_member(pool, member);
    }
    int64_t now = qr_clock_ms();
    for (size_t i = 0; i < pool->n_members; i++) {
        struct qr_member *member = &pool->members[i];
        if (member->state == QR_MEMBER_NONE)
            continue;
        qr_member_check_time(member, now, pool->config.memory_bytes);
        bury(pool, member);
    }
    finish_cancelled(pool);
    if (pool->second)
        qr_second_dispatch(pool->second);
    start_missing(pool);
    place_waiting(pool);
    steal(pool, now);
    give_up(pool);
}

int qr_pool_wait_ms(const struct qr_pool *pool)
{
    int64_t now = qr_clock_ms();
    int64_t until = INT64_MAX;

    for (size_t i = 0; i < pool->n_members; i++) {
        const struct qr_member *member = &pool->members[i];
        int64_t at = qr_member_deadline(member);
        if (at < until)
            until = at;
        if (member->n_slots > 1 && member->slots[1].task &&
            member->head_since_ms + STEAL_AFTER_MS > now &&
            member->head_since_ms + STEAL_AFTER_MS < until)
            until = member->head_since_ms + STEAL_AFTER_MS;
    }
    if (live_children(pool) < wanted_children(pool) && pool->start_at_ms < until)
        until = pool->start_at_ms;
    for (const struct qr_pool_task *task = pool->waiting.first; task; task = task->next)
        if (task->cancelled)
            until = now;
    int second = pool->second ? qr_second_wait_ms(pool->second) : -1;
    if (second >= 0 && now + second < until)
        until = now + second;
    if (until == INT64_MAX)
        return -1;
    if (until <= now)
        return 0;
    return until - now > 60000 ? 60000 : (int)(until - now);
}

void qr_pool_each_working(const struct qr_pool *pool, qr_pool_working_fn fn, void *arg)
{
    int64_t now = qr_clock_ms();

    for (size_t i = 0; i < pool->n_members; i++) {
        const struct qr_member *member = &pool->members[i];
        if (member->was_ready && member->n_slots > 0 && member->slots[0].task)
            fn(arg, member->slots[0].id, now - member->head_since_ms, &member->progress);
    }
    if (pool->second)
        qr_second_each_working(pool->second, fn, arg);
}

void qr_pool_get_stats(const struct qr_pool *pool, struct qr_pool_stats *ret)
{
    *ret = pool->stats;
    ret->children = (int)live_children(pool);
    ret->working = 0;
    for (size_t i = 0; i < pool->n_members; i++)
        ret->working += pool->members[i].n_slots > 0;
    if (pool->second) {
        struct qr_pool_stats second;
        qr_second_get_stats(pool->second, &second);
        ret->geometry_started = second.started;
        ret->geometry_done = second.jobs_done;
    }
}
