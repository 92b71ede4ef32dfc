#include "cadbridge/slots.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

struct slot {
    struct qr_slots *slots;
    pthread_t thread;
    bool started;
    bool busy; /* the loop's: from start to finished */
    struct qr_worker *worker;
    atomic_bool interrupted;
    uint64_t id; /* guarded by the lock: */
    bool asked;
    struct qr_work_job job;
    char *uri;
    uint8_t *raw;
};

struct qr_slots {
    struct qr_mailbox *mailbox;
    int n;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop; /* guarded by the lock */
    struct slot slot[];
};

/* The answer must not be lost: wait for memory. */
static void *for_sure(size_t size)
{
    void *block = calloc(1, size);

    while (!block) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        block = calloc(1, size);
    }
    return block;
}

static void work(struct slot *slot)
{
    struct qr_slot_done *done = for_sure(sizeof *done);
    int64_t begun_ms = qr_clock_ms();
    struct qr_letter *letter;

    qr_worker_run(slot->worker, &slot->job, &done->result);
    done->slot = (int)(slot - slot->slots->slot);
    done->took_ms = qr_clock_ms() - begun_ms;
    while (!(letter = qr_letter_new(QR_LETTER_DONE, slot->id, NULL, 0)))
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    letter->block = done;
    qr_mailbox_post(slot->slots->mailbox, letter);
}

static void *run(void *arg)
{
    struct slot *slot = arg;
    struct qr_slots *slots = slot->slots;

    pthread_mutex_lock(&slots->lock);
    while (!slots->stop) {
        if (!slot->asked) {
            pthread_cond_wait(&slots->wake, &slots->lock);
            continue;
        }
        slot->asked = false;
        pthread_mutex_unlock(&slots->lock);
        work(slot);
        pthread_mutex_lock(&slots->lock);
    }
    pthread_mutex_unlock(&slots->lock);
    return NULL;
}

int qr_slots_new(const struct qr_work_shared *shared, struct qr_mailbox *mailbox, int n,
                 struct qr_slots **ret, struct qr_err *err)
{
    struct qr_slots *slots = calloc(1, sizeof *slots + (size_t)n * sizeof slots->slot[0]);
    int rc = QR_OK;

    if (!slots)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    slots->mailbox = mailbox;
    slots->n = n;
    pthread_mutex_init(&slots->lock, NULL);
    pthread_cond_init(&slots->wake, NULL);
    for (int i = 0; rc == QR_OK && i < n; i++) {
        struct slot *slot = &slots->slot[i];
        slot->slots = slots;
        rc = qr_worker_new(shared, &slot->interrupted, &slot->worker, err);
        if (rc < 0)
            break;
        int error = pthread_create(&slot->thread, NULL, run, slot);
        slot->started = error == 0;
        if (error != 0)
            rc = qr_fail_errno(err, QR_E_LIMIT, error, "start a thread for a call");
    }
    if (rc < 0)
        qr_slots_free(slots, 1000);
    else
        *ret = slots;
    return rc;
}

bool qr_slots_free(struct qr_slots *slots, int64_t wait_ms)
{
    struct timespec until;

    if (!slots)
        return true;
    pthread_mutex_lock(&slots->lock);
    slots->stop = true;
    for (int i = 0; i < slots->n; i++)
        atomic_store(&slots->slot[i].interrupted, true);
    pthread_cond_broadcast(&slots->wake);
    pthread_mutex_unlock(&slots->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(wait_ms / 1000) + 1;
    for (int i = 0; i < slots->n; i++)
        if (slots->slot[i].started &&
            pthread_timedjoin_np(slots->slot[i].thread, NULL, &until) != 0)
            return false;
    for (int i = 0; i < slots->n; i++) {
        qr_worker_free(slots->slot[i].worker);
        free(slots->slot[i].uri);
        free(slots->slot[i].raw);
    }
    pthread_cond_destroy(&slots->wake);
    pthread_mutex_destroy(&slots->lock);
    free(slots);
    return true;
}

int qr_slots_find(const struct qr_slots *slots)
{
    for (int i = 0; i < slots->n; i++)
        if (!slots->slot[i].busy)
            return i;
    return -1;
}

int qr_slots_start(struct qr_slots *slots, int index, uint64_t id, const struct qr_work_job *job,
                   struct qr_err *err)
{
    struct slot *slot = &slots->slot[index];
    char *uri = strdup(job->uri);
    uint8_t *raw = malloc(job->raw_len + 1);

    if (!uri || !raw) {
        free(uri);
        free(raw);
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    }
    if (job->raw_len > 0)
        memcpy(raw, job->raw, job->raw_len);
    slot->busy = true;
    atomic_store(&slot->interrupted, false);
    pthread_mutex_lock(&slots->lock);
    free(slot->uri);
    free(slot->raw);
    slot->uri = uri;
    slot->raw = raw;
    slot->job = *job;
    slot->job.uri = uri;
    slot->job.raw = raw;
    slot->id = id;
    slot->asked = true;
    pthread_cond_broadcast(&slots->wake);
    pthread_mutex_unlock(&slots->lock);
    return QR_OK;
}

void qr_slots_interrupt(struct qr_slots *slots, int slot)
{
    atomic_store(&slots->slot[slot].interrupted, true);
}

void qr_slots_finished(struct qr_slots *slots, int slot) { slots->slot[slot].busy = false; }
