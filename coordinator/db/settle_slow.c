/* Results that the database does not store within a statement's time.
 *
 * Usually it is the database that is slow, and the worker sends the result again. But one that is
 * not stored three times, while this coordinator could commit in between, never will be: then its
 * job fails, instead of holding the lane up for ever.
 */
#include <stdio.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/settle.h"

enum { TRIES = 3 };

static struct qr_slow *find(struct qr_db *db, uint64_t lease_id)
{
    for (size_t i = 0; i < QR_COUNT(db->slow); i++)
        if (db->slow[i].lease_id == lease_id)
            return &db->slow[i];
    return NULL;
}

static void forget(struct qr_db *db, struct qr_slow *slow)
{
    *slow = (struct qr_slow){.lease_id = 0};
    atomic_fetch_sub(&db->n_slow, 1);
}

bool qr_settle_is_slow(struct qr_db *db, const struct settle_item *item)
{
    if (atomic_load(&db->n_slow) == 0)
        return false;
    pthread_mutex_lock(&db->slow_lock);
    bool known = find(db, item->settle->lease_id) != NULL;
    pthread_mutex_unlock(&db->slow_lock);
    return known;
}

void qr_settle_stored(struct qr_db *db, struct settle_item **items, size_t n)
{
    for (size_t i = 0; i < n && atomic_load(&db->n_slow) > 0; i++) {
        pthread_mutex_lock(&db->slow_lock);
        struct qr_slow *slow = find(db, items[i]->settle->lease_id);
        if (slow)
            forget(db, slow);
        pthread_mutex_unlock(&db->slow_lock);
    }
}

/* Room for one more: a free place, or that of the one least tried. */
static struct qr_slow *place(struct qr_db *db)
{
    struct qr_slow *least = &db->slow[0];

    for (size_t i = 1; i < QR_COUNT(db->slow) && least->lease_id != 0; i++)
        if (db->slow[i].lease_id == 0 || db->slow[i].tries < least->tries)
            least = &db->slow[i];
    if (least->lease_id == 0)
        atomic_fetch_add(&db->n_slow, 1);
    return least;
}

bool qr_settle_gives_up(struct qr_db *db, const struct settle_item *item, struct qr_err *err)
{
    uint64_t lease_id = item->settle->lease_id;
    unsigned long long renewals = atomic_load(&db->renewals);

    pthread_mutex_lock(&db->slow_lock);
    struct qr_slow *slow = find(db, lease_id);
    if (!slow) {
        slow = place(db);
        *slow = (struct qr_slow){.lease_id = lease_id, .renewals = renewals};
        slow->tries = 1;
    } else if (renewals > slow->renewals) { /* else the database stood still, or was not there */
        slow->renewals = renewals;
        slow->tries++;
    }
    bool give_up = slow->tries >= TRIES;
    if (give_up)
        forget(db, slow);
    pthread_mutex_unlock(&db->slow_lock);
    if (give_up)
        snprintf(err->msg, sizeof err->msg,
                 "the result of %zu bytes was not stored within %lld ms, %d times; hint: a larger "
                 "--statement-timeout, then: quarry job retry",
                 item->settle->record_len,
                 (long long)db->config.statement_timeout_ms / QR_HOT_SHARE, TRIES);
    return give_up;
}

size_t qr_settle_split(struct settle_item **items, size_t n)
{
    size_t largest = 0;
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        bytes += items[i]->settle->record_len;
        if (items[i]->settle->record_len > items[largest]->settle->record_len)
            largest = i;
    }
    if (items[largest]->settle->record_len < bytes / 4 || bytes == 0)
        return n / 2;
    struct settle_item *alone = items[largest];
    for (size_t i = largest; i + 1 < n; i++)
        items[i] = items[i + 1];
    items[n - 1] = alone;
    return n - 1;
}
