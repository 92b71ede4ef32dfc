#include "coordinator/totals.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/dead_letter.h"

enum { EVERY_MS = 5000 };

struct qr_totals {
    pthread_mutex_t lock; /* guards all below */
    struct qr_run_totals known;
    struct qr_run_totals answer; /* of the question under way; its lane's own meanwhile */
    bool is_known, is_asked;
    int64_t asked_ms;
};

struct qr_totals *qr_totals_new(void)
{
    struct qr_totals *totals = calloc(1, sizeof *totals);

    if (!totals)
        return NULL;
    pthread_mutex_init(&totals->lock, NULL);
    totals->asked_ms = -EVERY_MS;
    return totals;
}

void qr_totals_free(struct qr_totals *totals)
{
    if (!totals)
        return;
    pthread_mutex_destroy(&totals->lock);
    free(totals);
}

static int ask(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct qr_totals *totals = arg;

    int rc = qr_run_get_totals(conn, &totals->answer, err);
    return rc < 0 ? rc : qr_dead_letter_classes(conn, totals->answer.dead_letters, err);
}

/* A question that failed keeps what was known: the lanes' own metrics tell about the database. */
static void answered(void *arg, int rc, const struct qr_err *err)
{
    struct qr_totals *totals = arg;
    (void)err;

    pthread_mutex_lock(&totals->lock);
    if (rc == QR_OK) {
        totals->known = totals->answer;
        totals->is_known = true;
    }
    totals->is_asked = false;
    pthread_mutex_unlock(&totals->lock);
}

void qr_totals_refresh(struct qr_totals *totals, struct qr_db *db)
{
    int64_t now_ms = qr_clock_ms();

    pthread_mutex_lock(&totals->lock);
    bool due = !totals->is_asked && now_ms - totals->asked_ms >= EVERY_MS;
    if (due) {
        totals->is_asked = true;
        totals->asked_ms = now_ms;
    }
    pthread_mutex_unlock(&totals->lock);
    if (due)
        qr_db_submit(db, QR_DB_LANE_READ, ask, answered, totals);
}

bool qr_totals_get(struct qr_totals *totals, struct qr_run_totals *ret)
{
    pthread_mutex_lock(&totals->lock);
    bool is_known = totals->is_known;
    *ret = totals->known;
    pthread_mutex_unlock(&totals->lock);
    return is_known;
}
