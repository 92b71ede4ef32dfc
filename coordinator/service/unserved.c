#include "coordinator/service/unserved.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "coordinator/db/message.h"
#include "coordinator/db/unserved.h"

enum { EVERY_MS = 2000, SHARE = 20 /* it takes no more than one in so many */ };

struct known {
    struct qr_unserved_rows rows;
    int64_t *since_ms; /* one a row: when it was first seen */
};

struct qr_unserved {
    pthread_mutex_t lock; /* guards all below */
    struct known known;
    struct qr_unserved_rows answer; /* of the question under way; its lane's own meanwhile */
    bool is_known, is_asked;
    int64_t asked_ms, took_ms; /* took_ms: as answer */
};

struct qr_unserved *qr_unserved_new(void)
{
    struct qr_unserved *unserved = calloc(1, sizeof *unserved);

    if (!unserved)
        return NULL;
    pthread_mutex_init(&unserved->lock, NULL);
    unserved->asked_ms = -EVERY_MS;
    return unserved;
}

static void known_done(struct known *known)
{
    qr_unserved_rows_done(&known->rows);
    free(known->since_ms);
    known->since_ms = NULL;
}

void qr_unserved_free(struct qr_unserved *unserved)
{
    if (!unserved)
        return;
    known_done(&unserved->known);
    pthread_mutex_destroy(&unserved->lock);
    free(unserved);
}

/* ------------------------------------------------------------------ asking */

static int ask(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct qr_unserved *unserved = arg;
    int64_t begin_ms = qr_clock_ms();
    int rc = qr_unserved_read(conn, &unserved->answer, err);

    unserved->took_ms = qr_clock_ms() - begin_ms;
    return rc;
}

static int compare(const struct qr_unserved_row *a, const struct qr_unserved_row *b)
{
    int by_type = a->run_id < b->run_id ? -1 : a->run_id > b->run_id ? 1 : strcmp(a->type, b->type);

    return by_type ? by_type : strcmp(a->root, b->root);
}

/* Since when: as before where it was known before. */
static int64_t since(const struct known *known, const struct qr_unserved_row *row, int64_t now_ms)
{
    for (size_t i = 0; i < known->rows.n; i++)
        if (compare(&known->rows.list[i], row) == 0)
            return known->since_ms[i];
    return now_ms;
}

/* A question that failed keeps what was known: the lanes' own metrics tell about the database. */
static void answered(void *arg, int rc, const struct qr_err *err)
{
    struct qr_unserved *unserved = arg;
    int64_t now_ms = qr_clock_wall_ms();
    (void)err;

    pthread_mutex_lock(&unserved->lock);
    if (rc == QR_OK) {
        struct known next = {.rows = unserved->answer};
        memset(&unserved->answer, 0, sizeof unserved->answer);
        next.since_ms = calloc(next.rows.n + 1, sizeof *next.since_ms);
        if (next.since_ms) {
            for (size_t i = 0; i < next.rows.n; i++)
                next.since_ms[i] = since(&unserved->known, &next.rows.list[i], now_ms);
            known_done(&unserved->known);
            unserved->known = next;
            unserved->is_known = true;
        } else {
            known_done(&next);
        }
    }
    unserved->is_asked = false;
    pthread_mutex_unlock(&unserved->lock);
}

void qr_unserved_refresh(struct qr_unserved *unserved, struct qr_db *db)
{
    int64_t now_ms = qr_clock_ms();

    pthread_mutex_lock(&unserved->lock);
    bool due = !unserved->is_asked && now_ms - unserved->asked_ms >= EVERY_MS &&
               now_ms - unserved->asked_ms >= SHARE * unserved->took_ms;
    if (due) {
        unserved->is_asked = true;
        unserved->asked_ms = now_ms;
    }
    pthread_mutex_unlock(&unserved->lock);
    if (due)
        qr_db_submit(db, QR_DB_LANE_READ, ask, answered, unserved);
}

/* ------------------------------------------------------------------ looking */

static Quarry__V1__Unserved *message_of(const struct qr_unserved_row *row, uint64_t workers,
                                        int64_t since_ms)
{
    Quarry__V1__Unserved *message = malloc(sizeof *message);
    const char *code = workers == 0 ? "no_workers" : row->type_is_done ? "no_root" : "no_type";
    char text[400];
    char why[300];

    if (!message)
        return NULL;
    quarry__v1__unserved__init(message);
    if (workers == 0)
        snprintf(why, sizeof why, "no worker is connected");
    else if (row->type_is_done)
        snprintf(why, sizeof why, "no worker that does it has the root '%.100s'", row->root);
    else
        snprintf(why, sizeof why, "none of %llu workers does it", (unsigned long long)workers);
    snprintf(text, sizeof text, "%llu%s %s of type %.60s wait%s: %s", (unsigned long long)row->jobs,
             row->more ? " or more" : "", row->jobs == 1 ? "job" : "jobs", row->type,
             row->jobs == 1 ? "s" : "", why);
    message->run_id = row->run_id;
    message->jobs = row->jobs;
    message->more = row->more;
    message->since_ms = since_ms;
    if (qr_message_set(&message->type, row->type) && qr_message_set(&message->root, row->root) &&
        qr_message_set(&message->code, code) && qr_message_set(&message->text, text))
        return message;
    quarry__v1__unserved__free_unpacked(message, NULL);
    return NULL;
}

bool qr_unserved_list(struct qr_unserved *unserved, int64_t run_id, Quarry__V1__Unserved ***ret,
                      size_t *ret_n)
{
    bool ok = true;

    pthread_mutex_lock(&unserved->lock);
    const struct known *known = &unserved->known;
    for (size_t i = 0; ok && i < known->rows.n; i++) {
        if (run_id != 0 && known->rows.list[i].run_id != run_id)
            continue;
        Quarry__V1__Unserved **list = realloc(*ret, (*ret_n + 1) * sizeof(Quarry__V1__Unserved *));
        ok = list != NULL;
        if (!ok)
            break;
        *ret = list;
        list[*ret_n] = message_of(&known->rows.list[i], known->rows.workers, known->since_ms[i]);
        ok = list[*ret_n] != NULL;
        *ret_n += ok;
    }
    pthread_mutex_unlock(&unserved->lock);
    return ok;
}

static void add_type(struct qr_unserved_sum *sum, const struct qr_unserved_row *row)
{
    size_t i = 0;

    while (i < sum->n_types && strcmp(sum->types[i].name, row->type) != 0)
        i++;
    if (i == QR_COUNT(sum->types))
        return;
    if (i == sum->n_types)
        snprintf(sum->types[sum->n_types++].name, sizeof sum->types[0].name, "%s", row->type);
    sum->types[i].jobs += row->jobs;
}

bool qr_unserved_get(struct qr_unserved *unserved, struct qr_unserved_sum *ret)
{
    memset(ret, 0, sizeof *ret);
    pthread_mutex_lock(&unserved->lock);
    const struct qr_unserved_rows *rows = &unserved->known.rows;
    bool is_known = unserved->is_known;
    ret->workers = rows->workers;
    ret->stuck = rows->stuck;
    ret->oldest_s = rows->oldest_s;
    for (size_t i = 0; i < rows->n; i++) {
        ret->runs += i == 0 || rows->list[i].run_id != rows->list[i - 1].run_id;
        add_type(ret, &rows->list[i]);
    }
    pthread_mutex_unlock(&unserved->lock);
    return is_known;
}
