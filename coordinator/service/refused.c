#include <stdlib.h>

#include "coordinator/service/fleet_internal.h"

enum kind { HELLO, CLAIM, RETURN, SETTLES, CHECKPOINT, RENEW };

struct qr_refused {
    struct qr_refused *next;
    enum kind kind;
    union {
        struct qr_db_hello_reply hello;
        struct qr_db_claim_reply claim;
        struct qr_db_return_reply returned;
        struct {
            size_t n;
            enum qr_db_status status;
        } settles;
        struct {
            struct qr_checkpoint *checkpoint;
            enum qr_db_status status;
        } kept;
        bool renewed;
    };
    union { /* the array of `returned` or `settles` */
        struct qr_lease_ref refs[1];
        struct qr_settle *settle[1];
    } tail;
};

static _Thread_local struct qr_fleet *inside;

void qr_refused_enter(struct qr_fleet *fleet) { inside = fleet; }

void qr_refused_leave(void) { inside = NULL; }

/* As everything the engine remembers: without memory the process ends, the database has the truth.
 */
static struct qr_refused *keep(struct qr_fleet *fleet, enum kind kind, size_t tail_bytes)
{
    struct qr_refused *kept = calloc(1, sizeof *kept + tail_bytes);

    if (!kept)
        abort();
    kept->kind = kind;
    *fleet->refused_tail = kept;
    fleet->refused_tail = &kept->next;
    return kept;
}

bool qr_refused_hello(struct qr_fleet *fleet, const struct qr_db_hello_reply *reply)
{
    if (inside != fleet)
        return false;
    struct qr_refused *kept = keep(fleet, HELLO, 0);
    kept->hello.token = reply->token;
    kept->hello.status = reply->status;
    return true;
}

bool qr_refused_claim(struct qr_fleet *fleet, const struct qr_db_claim_reply *reply)
{
    if (inside != fleet)
        return false;
    struct qr_refused *kept = keep(fleet, CLAIM, 0);
    kept->claim = *reply;
    kept->claim.offers = NULL;
    kept->claim.n_offers = 0;
    return true;
}

bool qr_refused_return(struct qr_fleet *fleet, const struct qr_db_return_reply *reply)
{
    if (inside != fleet)
        return false;
    size_t bytes = reply->n_leases * sizeof *reply->leases;
    struct qr_refused *kept = keep(fleet, RETURN, bytes);
    kept->returned = *reply;
    kept->returned.leases = kept->tail.refs;
    if (bytes > 0)
        memcpy(kept->tail.refs, reply->leases, bytes);
    return true;
}

bool qr_refused_settles(struct qr_fleet *fleet, struct qr_settle *const *settles, size_t n,
                        enum qr_db_status status)
{
    if (inside != fleet)
        return false;
    struct qr_refused *kept = keep(fleet, SETTLES, n * sizeof *settles);
    kept->settles.n = n;
    kept->settles.status = status;
    memcpy(kept->tail.settle, settles, n * sizeof *settles);
    return true;
}

bool qr_refused_checkpoint(struct qr_fleet *fleet, struct qr_checkpoint *checkpoint,
                           enum qr_db_status status)
{
    if (inside != fleet)
        return false;
    struct qr_refused *kept = keep(fleet, CHECKPOINT, 0);
    kept->kept.checkpoint = checkpoint;
    kept->kept.status = status;
    return true;
}

bool qr_refused_renew(struct qr_fleet *fleet, bool ok)
{
    if (inside != fleet)
        return false;
    keep(fleet, RENEW, 0)->renewed = ok;
    return true;
}

static void deliver(struct qr_fleet *fleet, const struct qr_refused *kept)
{
    switch (kept->kind) {
    case HELLO:
        qr_engine_done_hello(fleet->engine, &kept->hello);
        break;
    case CLAIM:
        qr_engine_done_claim(fleet->engine, &kept->claim);
        break;
    case RETURN:
        qr_engine_done_return(fleet->engine, &kept->returned);
        break;
    case SETTLES:
        qr_fleet_settled(fleet, kept->tail.settle, kept->settles.n, kept->settles.status);
        break;
    case CHECKPOINT:
        qr_fleet_checkpointed(fleet, kept->kept.checkpoint, kept->kept.status);
        break;
    case RENEW:
        qr_engine_done_renew(fleet->engine, kept->renewed);
        break;
    }
}

void qr_refused_drop_all(struct qr_fleet *fleet)
{
    while (fleet->refused) {
        struct qr_refused *kept = fleet->refused;
        fleet->refused = kept->next;
        for (size_t i = 0; kept->kind == SETTLES && i < kept->settles.n; i++)
            qr_fleet_free_settle(fleet, kept->tail.settle[i]);
        if (kept->kind == CHECKPOINT)
            qr_checkpoint_free(kept->kept.checkpoint);
        free(kept);
    }
}

void qr_refused_deliver(struct qr_fleet *fleet)
{
    struct qr_refused *list = fleet->refused;

    fleet->refused = NULL;
    fleet->refused_tail = &fleet->refused;
    while (list) {
        struct qr_refused *next = list->next;
        deliver(fleet, list);
        free(list);
        list = next;
    }
}
