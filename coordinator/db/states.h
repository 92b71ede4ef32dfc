/* coordinator/db/states.h
 *
 * States of a job and the one table of what may follow what. The database holds the same rule as a
 * trigger (migrations/0001_schema.sql); a test compares the two, pair by pair.
 * Source: docs/database.md; architecture, "Job states".
 */
#pragma once
#include <stdbool.h>

/*    name        text */
#define QR_STATE_MAP(X)         \
    X(PENDING, "pending")       \
    X(PROCESSING, "processing") \
    X(PAUSED, "paused")         \
    X(COMPLETED, "completed")   \
    X(FAILED, "failed")         \
    X(CANCELLED, "cancelled")

/* A short lease leaves no trace in the row: pending may end at once. */
#define QR_STATE_TRANSITIONS(X) \
    X(PENDING, PROCESSING)      \
    X(PENDING, COMPLETED)       \
    X(PENDING, FAILED)          \
    X(PENDING, PAUSED)          \
    X(PENDING, CANCELLED)       \
    X(PROCESSING, PENDING)      \
    X(PROCESSING, COMPLETED)    \
    X(PROCESSING, FAILED)       \
    X(PROCESSING, PAUSED)       \
    X(PROCESSING, CANCELLED)    \
    X(PAUSED, PENDING)          \
    X(PAUSED, CANCELLED)        \
    X(FAILED, PENDING)          \
    X(CANCELLED, PENDING)

enum qr_state {
#define QR_STATE_ENUM(name, text) QR_STATE_##name,
    QR_STATE_MAP(QR_STATE_ENUM)
#undef QR_STATE_ENUM
        QR_STATE_COUNT
};

const char *qr_state_text(enum qr_state state);
/** QR_STATE_COUNT when `text` is no state. */
enum qr_state qr_state_parse(const char *text);
/** May `to` follow `from`? A state never follows itself. */
bool qr_state_may_follow(enum qr_state from, enum qr_state to);
