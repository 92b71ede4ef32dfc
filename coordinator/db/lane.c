#include "coordinator/db/lane.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "coordinator/db/impl.h"

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 3000, WAIT_MAX_MS = 500, FAILURE_LINE_MS = 10000 };

/* What one thread of a lane keeps to itself. */
struct lane_thread {
    struct qr_lane *lane;
    struct qr_conn *conn;
    bool first;
    bool connected;     /* counted in lane->connections */
    int64_t backoff_ms; /* 0: none */
    int64_t next_try_ms;
    int64_t next_tick_ms;
    unsigned seed;
};

void qr_lane_say_failure(struct qr_lane *lane, const char *event, size_t n,
                         const struct qr_err *err)
{
    long long now = qr_clock_ms();
    long long said = atomic_load(&lane->failure_said_ms);

    if ((said != 0 && now - said < FAILURE_LINE_MS) ||
        !atomic_compare_exchange_strong(&lane->failure_said_ms, &said, now)) {
        atomic_fetch_add(&lane->failures_unsaid, 1);
        return;
    }
    qr_log_err(QR_LOG_WARN, event, err, "items=%zu not_logged=%llu", n,
               (unsigned long long)atomic_exchange(&lane->failures_unsaid, 0));
}

/* ------------------------------------------------------------------ connection */

static void count_connection(struct lane_thread *self, bool connected)
{
    if (connected && !self->connected)
        atomic_fetch_add(&self->lane->connections, 1);
    else if (!connected && self->connected)
        atomic_fetch_sub(&self->lane->connections, 1);
    self->connected = connected;
}

static void back_off(struct lane_thread *self, const struct qr_err *err)
{
    if (self->backoff_ms == 0) /* once per outage */
        qr_log_err(QR_LOG_WARN, "db.unreachable", err, "lane=%s", self->lane->config.name);
    self->backoff_ms = self->backoff_ms ? self->backoff_ms * 2 : BACKOFF_MIN_MS;
    if (self->backoff_ms > BACKOFF_MAX_MS)
        self->backoff_ms = BACKOFF_MAX_MS;
    int64_t jitter = rand_r(&self->seed) % (self->backoff_ms / 2 + 1);
    self->next_try_ms = qr_clock_ms() + self->backoff_ms / 2 + jitter;
}

/* The connection, opened when it is not and the back-off is over; NULL while it cannot be, and when
 * it leads to another database. */
static struct qr_conn *connection(struct lane_thread *self)
{
    struct qr_db *db = self->lane->config.conn.db ? self->lane->config.ctx : NULL;
    struct qr_err err = {0};
    int rc;

    if (db && qr_db_is_replaced(db))
        return NULL;
    if (self->conn && qr_conn_check_idle(self->conn))
        return self->conn;
    count_connection(self, false);
    if (qr_clock_ms() < self->next_try_ms)
        return NULL;
    if (self->conn)
        rc = qr_conn_reopen(self->conn, &err);
    else
        rc = qr_conn_open(&self->lane->config.conn, &self->conn, &err);
    if (rc == QR_OK && db)
        rc = qr_db_check_epoch(db, self->conn, &err); /* a restore breaks every connection */
    if (rc < 0) {
        back_off(self, &err);
        return NULL;
    }
    if (self->backoff_ms > 0 || atomic_load(&self->lane->batches) > 0)
        atomic_fetch_add(&self->lane->reconnects, 1);
    if (self->backoff_ms > 0)
        qr_log(QR_LOG_INFO, "db.reachable", "lane=%s", self->lane->config.name);
    self->backoff_ms = 0;
    count_connection(self, true);
    return self->conn;
}

/* ------------------------------------------------------------------ the thread */

/* The lock is held, and let go while waiting. True: `tick` has something to do. */
static bool wait_for_news(struct lane_thread *self, int64_t wait_ms)
{
    struct qr_lane *lane = self->lane;
    struct pollfd fds[2] = {{.fd = lane->poke_fd, .events = POLLIN},
                            {.fd = qr_conn_socket(self->conn), .events = POLLIN}};
    uint64_t pokes;

    if (lane->head || lane->stopping)
        return false;
    pthread_mutex_unlock(&lane->lock);
    int n = poll(fds, 2, (int)wait_ms);
    if (n > 0 && fds[0].revents && read(lane->poke_fd, &pokes, sizeof pokes) < 0)
        n = fds[1].revents != 0; /* somebody else read it: there is one thread, so never */
    pthread_mutex_lock(&lane->lock);
    return n > 0;
}

static void wait_for_work(struct lane_thread *self)
{
    struct qr_lane *lane = self->lane;
    int64_t wait_ms = WAIT_MAX_MS;
    struct timespec until;

    if (self->first && lane->config.tick) {
        int64_t left = self->next_tick_ms - qr_clock_ms();
        wait_ms = left < 0 ? 0 : left < wait_ms ? left : wait_ms;
    }
    if (lane->config.listens) {
        if (wait_for_news(self, wait_ms))
            self->next_tick_ms = 0;
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(wait_ms * 1000000);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!lane->head && !lane->stopping && !lane->wants_help)
        if (pthread_cond_timedwait(&lane->wake, &lane->lock, &until) == ETIMEDOUT)
            break;
}

/* Cut a batch off the queue's head; the lock is held. */
static struct qr_item *take(struct qr_lane *lane, size_t *ret_n)
{
    struct qr_item *list = lane->head;
    struct qr_item *last = NULL;
    size_t n = 0;
    size_t bytes = 0;

    for (struct qr_item *item = list; item; item = item->next) {
        if (n > 0 &&
            (n == lane->config.batch_items || bytes + item->bytes > lane->config.batch_bytes))
            break;
        n++;
        bytes += item->bytes;
        last = item;
    }
    *ret_n = n;
    if (!last)
        return NULL;
    if (!last->next || !last->next->urgent)
        lane->urgent_tail = &lane->head;
    lane->head = last->next;
    last->next = NULL;
    if (!lane->head)
        lane->tail = &lane->head;
    lane->waiting_items -= n;
    lane->waiting_bytes -= bytes;
    return list;
}

static void run_batch(struct qr_lane *lane, struct qr_conn *conn, struct qr_item *list, size_t n)
{
    int64_t begin = qr_clock_ns();

    lane->config.run(lane->config.ctx, lane, conn, list, n);
    if (conn && qr_conn_in_transaction(conn))
        qr_conn_rollback(conn);
    int64_t took_ns = qr_clock_ns() - begin;
    atomic_fetch_add(&lane->busy_ns, (unsigned long long)took_ns);
    qr_histogram_observe(&lane->batch_seconds, (double)took_ns / 1e9);
    atomic_fetch_add(&lane->batches, 1);
    atomic_fetch_add(&lane->items, n);
}

/* ------------------------------------------------------------------ help */

/* Something waits and no own thread is free; the lock is held. */
static bool needs_help(const struct qr_lane *lane)
{
    return lane->config.helper && lane->head && !lane->stopping &&
           lane->running >= lane->config.threads;
}

/* No lock is held. */
static void call_helper(struct qr_lane *lane)
{
    struct qr_lane *helper = lane->config.helper;

    pthread_mutex_lock(&helper->lock);
    helper->wants_help = lane;
    pthread_cond_signal(&helper->wake);
    pthread_mutex_unlock(&helper->lock);
}

/* One batch of another lane. Without a connection that lane's own threads see to it. */
static void help(struct lane_thread *self, struct qr_lane *other)
{
    struct qr_conn *conn = connection(self);
    struct qr_item *list = NULL;
    size_t n = 0;

    if (!conn)
        return;
    pthread_mutex_lock(&other->lock);
    if (needs_help(other))
        list = take(other, &n);
    pthread_mutex_unlock(&other->lock);
    if (!list)
        return;
    run_batch(other, conn, list, n);
    pthread_mutex_lock(&other->lock);
    bool more = needs_help(other);
    pthread_mutex_unlock(&other->lock);
    if (more)
        call_helper(other);
}

static void run_tick(struct lane_thread *self)
{
    struct qr_lane *lane = self->lane;

    if (!self->first || !lane->config.tick || qr_clock_ms() < self->next_tick_ms)
        return;
    struct qr_conn *conn = connection(self);
    lane->config.tick(lane->config.ctx, lane, conn);
    if (conn && qr_conn_in_transaction(conn))
        qr_conn_rollback(conn);
    int64_t in_ms = lane->tick_soon_ms > 0 ? lane->tick_soon_ms : lane->config.tick_ms;
    lane->tick_soon_ms = 0;
    self->next_tick_ms = qr_clock_ms() + in_ms;
}

static void *lane_main(void *arg)
{
    struct lane_thread *self = arg;
    struct qr_lane *lane = self->lane;

    connection(self);
    pthread_mutex_lock(&lane->lock);
    for (;;) {
        size_t n;
        wait_for_work(self);
        struct qr_item *list = take(lane, &n);
        struct qr_lane *other = lane->stopping ? NULL : lane->wants_help;
        bool stopping = lane->stopping;
        bool abandon = lane->abandon;
        if (!list && stopping)
            break;
        lane->running += list != NULL;
        lane->wants_help = NULL;
        bool more = needs_help(lane);
        pthread_mutex_unlock(&lane->lock);
        if (more)
            call_helper(lane);
        if (list) {
            run_batch(lane, abandon ? NULL : connection(self), list, n);
            if (lane->config.listens) /* notifications may have come with the answers */
                self->next_tick_ms = 0;
        }
        if (!stopping)
            run_tick(self);
        if (other)
            help(self, other);
        pthread_mutex_lock(&lane->lock);
        lane->running -= list != NULL;
    }
    pthread_mutex_unlock(&lane->lock);
    count_connection(self, false);
    qr_conn_free(self->conn);
    free(self);
    return NULL;
}

/* ------------------------------------------------------------------ outside */

static int start_thread(struct qr_lane *lane, struct qr_err *err)
{
    struct lane_thread *self = calloc(1, sizeof *self);

    if (!self)
        return qr_fail(err, QR_E_NOMEM, "start lane '%s': out of memory", lane->config.name);
    self->lane = lane;
    self->first = lane->n_threads == 0;
    self->seed = (unsigned)qr_clock_ns() ^ lane->n_threads;
    int sys = pthread_create(&lane->threads[lane->n_threads], NULL, lane_main, self);
    if (sys != 0) {
        free(self);
        return qr_fail_errno(err, QR_E_LIMIT, sys, "start lane '%s'", lane->config.name);
    }
    lane->n_threads++;
    return QR_OK;
}

int qr_lane_start(struct qr_lane *lane, const struct qr_lane_config *config, struct qr_err *err)
{
    pthread_condattr_t attr;

    memset(lane, 0, sizeof *lane);
    lane->config = *config;
    lane->tail = &lane->head;
    lane->urgent_tail = &lane->head;
    lane->poke_fd = -1;
    qr_histogram_init(&lane->batch_seconds, qr_histogram_seconds, qr_histogram_seconds_count);
    pthread_mutex_init(&lane->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&lane->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (config->listens) {
        lane->poke_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (lane->poke_fd < 0)
            return qr_fail_errno(err, QR_E_LIMIT, errno, "start lane '%s'", config->name);
    }
    lane->threads = calloc(config->threads, sizeof *lane->threads);
    if (!lane->threads)
        return qr_fail(err, QR_E_NOMEM, "start lane '%s': out of memory", config->name);
    for (unsigned i = 0; i < config->threads; i++) {
        int rc = start_thread(lane, err);
        if (rc < 0)
            return rc;
    }
    return QR_OK;
}

bool qr_lane_push(struct qr_lane *lane, struct qr_item *item)
{
    bool help = false;

    pthread_mutex_lock(&lane->lock);
    bool fits =
        !lane->stopping && lane->waiting_items < lane->config.queue_items &&
        (lane->waiting_items == 0 || lane->waiting_bytes + item->bytes <= lane->config.queue_bytes);
    if (fits) {
        struct qr_item **at = item->urgent ? lane->urgent_tail : lane->tail;
        item->next = *at;
        *at = item;
        if (!item->next)
            lane->tail = &item->next;
        if (item->urgent)
            lane->urgent_tail = &item->next;
        lane->waiting_items++;
        lane->waiting_bytes += item->bytes;
        pthread_cond_signal(&lane->wake);
        help = needs_help(lane);
    }
    pthread_mutex_unlock(&lane->lock);
    if (help)
        call_helper(lane);
    if (fits)
        qr_lane_poke(lane);
    if (!fits)
        atomic_fetch_add(&lane->refused, 1);
    return fits;
}

void qr_lane_poke(struct qr_lane *lane)
{
    const uint64_t one = 1;

    if (lane->poke_fd >= 0 && write(lane->poke_fd, &one, sizeof one) < 0)
        return; /* full: it is awake */
}

void qr_lane_tick_in(struct qr_lane *lane, int64_t ms) { lane->tick_soon_ms = ms; }

void qr_lane_stop(struct qr_lane *lane)
{
    if (!lane->threads)
        return;
    pthread_mutex_lock(&lane->lock);
    lane->stopping = true;
    pthread_cond_broadcast(&lane->wake);
    pthread_mutex_unlock(&lane->lock);
    qr_lane_poke(lane);
}

void qr_lane_join(struct qr_lane *lane, int64_t deadline_ms)
{
    struct timespec until;

    if (!lane->threads)
        return;
    int64_t left = deadline_ms - qr_clock_ms();
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += left > 0 ? left / 1000 : 0;
    for (unsigned i = 0; i < lane->n_threads; i++) {
        if (pthread_timedjoin_np(lane->threads[i], NULL, &until) == 0)
            continue;
        pthread_mutex_lock(&lane->lock);
        lane->abandon = true;
        pthread_cond_broadcast(&lane->wake);
        pthread_mutex_unlock(&lane->lock);
        pthread_join(lane->threads[i], NULL); /* bounded by the statement's deadline */
    }
    free(lane->threads);
    lane->threads = NULL;
}

void qr_lane_done(struct qr_lane *lane)
{
    if (!lane->config.run)
        return; /* never started */
    if (lane->poke_fd >= 0)
        close(lane->poke_fd);
    pthread_cond_destroy(&lane->wake);
    pthread_mutex_destroy(&lane->lock);
}

void qr_lane_get_stats(const struct qr_lane *lane, struct qr_db_lane_stats *ret)
{
    struct qr_lane *l = (struct qr_lane *)(uintptr_t)lane; /* the lock is not part of its value */

    ret->name = lane->config.name;
    ret->help = lane->config.help;
#define QR_LANE_LOAD(name, help) ret->name = atomic_load(&l->name);
    QR_DB_LANE_COUNTERS(QR_LANE_LOAD)
#undef QR_LANE_LOAD
    ret->connections = atomic_load(&l->connections);
    ret->lanes = lane->config.threads;
    ret->batch_seconds = &l->batch_seconds;
    ret->waiting = 0;
    if (lane->config.run) {
        pthread_mutex_lock(&l->lock);
        ret->waiting = l->waiting_items;
        pthread_mutex_unlock(&l->lock);
    }
}
