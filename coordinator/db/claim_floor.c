/* Floors: where a claim starts to look in a queue.
 *
 * Deleted rows leave their index entries until the next vacuum, which a transaction held open puts
 * off for as long as it lasts; starting where the head was last seen keeps a claim from walking
 * over them, also in a queue that has nothing left. Rows that come back below a floor have an index
 * of their own (ready_again). New ones come below it only where enqueues commit in another order
 * than they took their ids, or with a better priority: each announces itself, and a look from the
 * queue's first entry once in MAX_AGE_MS, and before a claim is called dry, finds what was not
 * heard of. A floor that such a look finds nothing below stays. Where those looks take long they
 * are had no more than a LOOK_SHARE-th of the time. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "coordinator/db/claim.h"
#include "coordinator/db/impl.h"
#include "coordinator/engine/types.h"

enum { MAX_AGE_MS = 1000, LOOK_SHARE = 20, LOOK_PAUSE_MAX_MS = 30000, SLOW_LOOK_MS = 1 };

static bool may_look(const struct qr_db *db, int64_t now)
{
    int64_t pause = db->look_ms * LOOK_SHARE;

    return now - db->looked_ms >= (pause < LOOK_PAUSE_MAX_MS ? pause : LOOK_PAUSE_MAX_MS);
}

/* ------------------------------------------------------------------ a look at the heads */

void qr_floor_columns(struct claim_txn *txn, struct qr_array *queues, struct qr_array *ranks,
                      struct qr_array *jobs)
{
    struct qr_db *db = txn->db;
    struct look *look = &txn->look;
    size_t n_used = 0;

    look->begin_ms = qr_clock_ms();
    look->announced = atomic_load(&db->announced);
    bool may = may_look(db, look->begin_ms);
    for (size_t i = 0; i < db->n_floors; i++) {
        struct qr_floor *floor = &db->floors[i];
        floor->used = !may || (floor->seen == look->announced &&
                               look->begin_ms - floor->checked_ms < MAX_AGE_MS);
        if (!floor->used)
            continue;
        n_used++;
        qr_array_i32(queues, floor->queue_id);
        qr_array_i16(ranks, (int16_t)floor->rank);
        qr_array_i64(jobs, floor->job_id);
    }
    look->is_bare = n_used < db->n_floors || n_used == 0;
    txn->looked_bare |= n_used == 0;
}

void qr_floor_looked(struct claim_txn *txn)
{
    struct qr_db *db = txn->db;

    if (!txn->look.is_bare)
        return;
    db->looked_ms = qr_clock_ms();
    db->look_ms = db->looked_ms - txn->look.begin_ms - 1; /* a clock of whole milliseconds */
}

/* ------------------------------------------------------------------ what it says */

static const struct head *head_of(const struct claim_txn *txn, int32_t queue_id)
{
    for (size_t i = 0; i < txn->n_heads; i++)
        if (txn->heads[i].queue_id == queue_id)
            return &txn->heads[i];
    return NULL;
}

/* Was this queue among those that the look asked for, whatever it found? */
static bool was_looked_at(const struct claim_txn *txn, const struct qr_floor *floor)
{
    if (txn->look.some_blocked || !(txn->look.types >> floor->type & 1))
        return false;
    if (!floor->root[0])
        return true;
    for (size_t i = 0; i < txn->n; i++)
        for (size_t k = 0; k < txn->claims[i]->n_roots; k++)
            if (strcmp(txn->claims[i]->roots[k], floor->root) == 0)
                return true;
    return false;
}

void qr_floor_learn(struct claim_txn *txn)
{
    struct qr_db *db = txn->db;

    for (size_t i = 0; i < db->n_floors; i++) {
        struct qr_floor *floor = &db->floors[i];
        if (floor->used)
            continue;
        const struct head *head = head_of(txn, floor->queue_id);
        if (!head && !was_looked_at(txn, floor))
            continue;
        if (head) {
            floor->rank = head->rank;
            floor->job_id = head->job_id;
        }
        floor->checked_ms = txn->look.begin_ms;
        floor->seen = txn->look.announced;
    }
}

/* The queue's entry, made where it has none; in the place of the one that is least fresh when there
 * is no room. */
static struct qr_floor *floor_of(struct claim_txn *txn, int32_t queue_id, qr_type_id type,
                                 const char *root)
{
    struct qr_db *db = txn->db;
    size_t at = 0, oldest = 0;

    for (; at < db->n_floors && db->floors[at].queue_id != queue_id; at++)
        if (db->floors[at].checked_ms < db->floors[oldest].checked_ms)
            oldest = at;
    if (at < db->n_floors)
        return &db->floors[at];
    if (at == QR_FLOORS_MAX)
        at = oldest;
    else
        db->n_floors++;
    db->floors[at] = (struct qr_floor){.queue_id = queue_id,
                                       .type = type,
                                       .checked_ms = txn->look.begin_ms,
                                       .seen = txn->look.announced};
    snprintf(db->floors[at].root, sizeof db->floors[at].root, "%s", root);
    return &db->floors[at];
}

void qr_floor_set(struct claim_txn *txn, const struct head *head, int64_t job_id)
{
    struct qr_floor *floor = floor_of(txn, head->queue_id, head->type, head->root);

    floor->rank = head->rank;
    floor->job_id = job_id;
}

/* ------------------------------------------------------------------ queues without a head */

/* A look says nothing of a queue that has none, and nobody took from it here since the start. */
int qr_floor_find_ends(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err)
{
    struct qr_db *db = txn->db;
    struct qr_array known;
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    if (!txn->looked_bare || db->look_ms < SLOW_LOOK_MS || qr_clock_ms() < db->next_ends_ms)
        return QR_OK;
    int64_t begin_ms = qr_clock_ms();
    qr_array_init(&known, QR_OID_INT4);
    for (size_t i = 0; i < db->n_floors; i++)
        qr_array_i32(&known, db->floors[i].queue_id);
    qr_params_init(&params);
    qr_param_array(&params, &known);
    int rc = qr_conn_run(conn, QR_SQL_claim_ends, &params, &rows, err);
    qr_array_done(&known);
    int64_t now = qr_clock_ms();
    db->next_ends_ms = now + MAX_AGE_MS + (now - begin_ms) * LOOK_SHARE;
    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++) {
        struct qr_floor *floor =
            floor_of(txn, qr_get_i32(rows, i, 0), qr_type_intern(qr_get_text(rows, i, 1)),
                     qr_get_text(rows, i, 2));
        floor->rank = qr_get_i32(rows, i, 3);
        floor->job_id = qr_get_i64(rows, i, 4) + 1;
    }
    return rc;
}

/* ------------------------------------------------------------------ doubt */

bool qr_floor_doubt(struct qr_db *db)
{
    int64_t now = qr_clock_ms();

    if (!may_look(db, now))
        return false;
    for (size_t i = 0; i < db->n_floors; i++)
        db->floors[i].checked_ms = now - MAX_AGE_MS;
    return true;
}
