/* coordinator/engine/mutation.h
 *
 * Rules of the protocol that the simulation takes out of the engine, one at a time, to show that it
 * would notice (docs/engine.md "Mutations"). In the production library QR_MUTANT() is a constant
 * false and leaves no code behind; only tests/sim builds a second copy with QR_ENGINE_MUTATIONS.
 */
#pragma once

/*    name              what the engine then does */
#define QR_ENGINE_MUTATION_MAP(X)                                                      \
    X(no_seq, "a beat is compared with leases offered after it")                       \
    X(no_answer, "a beat is answered only when there is something to drop")            \
    X(old_stream, "frames of a session's older streams are processed")                 \
    X(coord_restores, "a lease taken back gives its credit back")                      \
    X(no_received, "a beat does not correct the count of offers sent")                 \
    X(sent_reset, "a Hello's received offers are ignored")                             \
    X(expire_settling, "expiry takes leases whose result is with the database")        \
    X(old_completion, "take-backs that end under another attach change memory")        \
    X(late_claim, "a claim that ends under another attach is offered")                 \
    X(return_once, "a take-back that failed is not repeated")                          \
    X(break_keeps, "offers survive the break of their stream until they are accepted") \
    X(forget_uncertain, "what a request of unknown end left behind is not asked for")  \
    X(end_uncertain, "a session ends at its Goodbye though a claim's end is unknown")  \
    X(accept_skipped, "an offer counts as accepted when it is sent")                   \
    X(no_grace, "silence counts through stalls and outages")                           \
    X(hold_on, "a coordinator that cannot renew goes on")                              \
    X(stale_from_memory, "a result of a lease that memory lacks is answered STALE")    \
    X(stop_unfenced, "a lease that was asked to stop is waited for without end")       \
    X(stop_once, "a session that comes back is not told again what is stopped")        \
    X(stop_offers, "offers of a stopped job stay")                                     \
    X(no_drop, "a Sync does not name leases that are over")

#ifdef QR_ENGINE_MUTATIONS
enum qr_engine_mutation {
    QR_MUTATION_none,
#define QR_MUTATION_ENUM(name, text) QR_MUTATION_##name,
    QR_ENGINE_MUTATION_MAP(QR_MUTATION_ENUM)
#undef QR_MUTATION_ENUM
};
extern enum qr_engine_mutation qr_engine_mutation; /* of all engines in the process */
#define QR_MUTANT(name) (qr_engine_mutation == QR_MUTATION_##name)
#else
#define QR_MUTANT(name) (0)
#endif
