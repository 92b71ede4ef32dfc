#include "worker/agent/fetcher.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/fleet/fetch.h"
#include "worker/agent/refer.h"

enum { THREADS_MAX = 16, STOP_WAIT_S = 1 };

struct request {
    struct request *next;
    uint64_t id;
    char *uri;
    bool refer; /* to see what names refer to; else to open the file */
    size_t len;
    uint8_t data[]; /* the path as bytes, or the names */
};

struct qr_fetcher {
    const struct qr_roots *roots;
    uint64_t max_file_bytes;
    struct qr_mailbox *mailbox;
    pthread_t threads[THREADS_MAX];
    int n_threads;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    struct request *first;
    struct request **end;
    bool stop;
};

static void free_request(struct request *request)
{
    free(request->uri);
    free(request);
}

/* The answer must not be lost: wait for memory. */
static struct qr_letter *letter_for_sure(enum qr_letter_kind kind, uint64_t id, const char *text)
{
    struct qr_letter *letter = qr_letter_new(kind, id, text, text ? strlen(text) : 0);

    while (!letter) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        letter = qr_letter_new(kind, id, NULL, 0);
    }
    return letter;
}

static void serve_refer(const struct qr_fetcher *fetcher, const struct request *request)
{
    struct qr_letter *letter = letter_for_sure(QR_LETTER_REFERRED, request->id, NULL);

    letter->block =
        qr_refer(fetcher->roots, request->uri, (const char *)request->data, request->len);
    qr_mailbox_post(fetcher->mailbox, letter);
}

static void serve(const struct qr_fetcher *fetcher, const struct request *request)
{
    const struct qr_fetch_request ask = {.roots = fetcher->roots,
                                         .uri = request->uri,
                                         .raw = request->data,
                                         .raw_len = request->len,
                                         .max_file_bytes = fetcher->max_file_bytes};
    struct qr_fetched got;
    int64_t begun_ms = qr_clock_ms();

    if (request->refer) {
        serve_refer(fetcher, request);
        return;
    }
    qr_fetch_open(&ask, &got);
    struct qr_letter *letter = letter_for_sure(QR_LETTER_FETCHED, request->id, got.message);
    letter->fd = got.fd;
    letter->cls = got.cls;
    letter->size = got.size;
    letter->took_ms = qr_clock_ms() - begun_ms;
    letter->modified_ms = got.modified_ms;
    letter->head_len = got.head_len;
    memcpy(letter->head, got.head, got.head_len);
    qr_mailbox_post(fetcher->mailbox, letter);
}

static void *run(void *arg)
{
    struct qr_fetcher *fetcher = arg;

    pthread_mutex_lock(&fetcher->lock);
    while (!fetcher->stop) {
        struct request *request = fetcher->first;
        if (!request) {
            pthread_cond_wait(&fetcher->wake, &fetcher->lock);
            continue;
        }
        fetcher->first = request->next;
        if (!fetcher->first)
            fetcher->end = &fetcher->first;
        pthread_mutex_unlock(&fetcher->lock);
        serve(fetcher, request);
        free_request(request);
        pthread_mutex_lock(&fetcher->lock);
    }
    pthread_mutex_unlock(&fetcher->lock);
    return NULL;
}

int qr_fetcher_new(const struct qr_roots *roots, uint64_t max_file_bytes,
                   struct qr_mailbox *mailbox, int threads, struct qr_fetcher **ret,
                   struct qr_err *err)
{
    struct qr_fetcher *fetcher = calloc(1, sizeof *fetcher);
    if (!fetcher)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    fetcher->roots = roots;
    fetcher->max_file_bytes = max_file_bytes;
    fetcher->mailbox = mailbox;
    fetcher->end = &fetcher->first;
    pthread_mutex_init(&fetcher->lock, NULL);
    pthread_cond_init(&fetcher->wake, NULL);
    while (fetcher->n_threads < threads && fetcher->n_threads < THREADS_MAX) {
        int rc = pthread_create(&fetcher->threads[fetcher->n_threads], NULL, run, fetcher);
        if (rc != 0) {
            qr_fetcher_free(fetcher);
            return qr_fail_errno(err, QR_E_LIMIT, rc, "start a thread for fetching files");
        }
        fetcher->n_threads++;
    }
    *ret = fetcher;
    return QR_OK;
}

bool qr_fetcher_free(struct qr_fetcher *fetcher)
{
    struct timespec until;

    if (!fetcher)
        return true;
    pthread_mutex_lock(&fetcher->lock);
    fetcher->stop = true;
    pthread_cond_broadcast(&fetcher->wake);
    pthread_mutex_unlock(&fetcher->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_WAIT_S;
    for (int i = 0; i < fetcher->n_threads; i++)
        if (pthread_timedjoin_np(fetcher->threads[i], NULL, &until) != 0)
            return false;
    while (fetcher->first) {
        struct request *request = fetcher->first;
        fetcher->first = request->next;
        free_request(request);
    }
    pthread_cond_destroy(&fetcher->wake);
    pthread_mutex_destroy(&fetcher->lock);
    free(fetcher);
    return true;
}

static int append(struct qr_fetcher *fetcher, uint64_t id, bool refer, const char *uri,
                  const void *data, size_t len, struct qr_err *err)
{
    struct request *request = calloc(1, sizeof *request + len);
    char *copy = strdup(uri);

    if (!request || !copy) {
        free(request);
        free(copy);
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    }
    request->id = id;
    request->refer = refer;
    request->uri = copy;
    request->len = len;
    if (len > 0)
        memcpy(request->data, data, len);
    pthread_mutex_lock(&fetcher->lock);
    *fetcher->end = request;
    fetcher->end = &request->next;
    pthread_cond_signal(&fetcher->wake);
    pthread_mutex_unlock(&fetcher->lock);
    return QR_OK;
}

int qr_fetcher_submit(struct qr_fetcher *fetcher, uint64_t id, const char *uri, const uint8_t *raw,
                      size_t raw_len, struct qr_err *err)
{
    return append(fetcher, id, false, uri, raw, raw_len, err);
}

int qr_fetcher_refer(struct qr_fetcher *fetcher, uint64_t id, const char *uri, const char *names,
                     size_t names_len, struct qr_err *err)
{
    return append(fetcher, id, true, uri, names, names_len, err);
}

/* Where the link to the waiting request `id` is kept; NULL: it does not wait. */
static struct request **find_waiting(struct qr_fetcher *fetcher, uint64_t id)
{
    struct request **link = &fetcher->first;
    while (*link && (*link)->id != id)
        link = &(*link)->next;
    return *link ? link : NULL;
}

bool qr_fetcher_is_waiting(struct qr_fetcher *fetcher, uint64_t id)
{
    pthread_mutex_lock(&fetcher->lock);
    bool waiting = find_waiting(fetcher, id) != NULL;
    pthread_mutex_unlock(&fetcher->lock);
    return waiting;
}

bool qr_fetcher_withdraw(struct qr_fetcher *fetcher, uint64_t id)
{
    pthread_mutex_lock(&fetcher->lock);
    struct request **link = find_waiting(fetcher, id);
    struct request *request = link ? *link : NULL;
    if (request) {
        *link = request->next;
        if (!request->next)
            fetcher->end = link;
    }
    pthread_mutex_unlock(&fetcher->lock);
    if (request)
        free_request(request);
    return request != NULL;
}
