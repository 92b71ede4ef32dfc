/* common/class.h
 *
 * Why a job failed, and what follows from it: the one table of error classes.
 *
 * The classes travel in results (proto enum ErrorClass, same numbers), stand as text in
 * extraction_jobs.error_class and decide about retries. Design: docs/operations.md "Error classes".
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Delays: the n-th retry (n from 1) of a job waits base * factor^(n-1) ms, at most cap ms, plus
 * jitter of up to jitter_pct per cent. retries counts for bulk runs; uploads get one more where
 * there is any. own_fault: the file itself is to blame, so it does not count against halt-at.
 *
 *    name           number  text             retries  base_ms  factor  cap_ms   jitter  own_fault
 */
/* clang-format off */
#define QR_CLASS_MAP(X)                                                                            \
    X(TIMEOUT,       1,      "timeout",       3,       30000,   4,      1500000, 10,     false)    \
    X(CONNECTION,    2,      "connection",    8,       1000,    2,      60000,   25,     false)    \
    X(RATE_LIMIT,    3,      "rate_limit",    12,      1000,    2,      60000,   25,     false)    \
    X(RESOURCE,      4,      "resource",      3,       30000,   4,      1500000, 10,     false)    \
    X(INVALID_INPUT, 5,      "invalid_input", 0,       0,       1,      0,       0,      true)     \
    X(PERMISSION,    6,      "permission",    0,       0,       1,      0,       0,      false)    \
    X(UNSUPPORTED,   7,      "unsupported",   0,       0,       1,      0,       0,      true)     \
    X(CRASH,         8,      "crash",         1,       1000,    1,      1000,    0,      false)    \
    X(INTERNAL,      9,      "internal",      3,       30000,   4,      1500000, 10,     false)
/* clang-format on */

enum qr_class {
    QR_CLASS_NONE = 0,
#define QR_CLASS_ENUM(name, number, text, retries, base, factor, cap, jitter, own) \
    QR_CLASS_##name = (number),
    QR_CLASS_MAP(QR_CLASS_ENUM)
#undef QR_CLASS_ENUM
        QR_CLASS_COUNT, /* one more than the last */
};

struct qr_class_policy {
    enum qr_class id;
    const char *text;
    int retries;
    int64_t base_ms;
    int factor;
    int64_t cap_ms;
    int jitter_pct;
    bool own_fault;
};

/** The table's row; an unknown class gets INTERNAL's. Never NULL. */
const struct qr_class_policy *qr_class_policy(enum qr_class id);

/** "timeout" …; QR_CLASS_NONE reads "". */
const char *qr_class_text(enum qr_class id);

/** QR_CLASS_NONE when `text` names no class. */
enum qr_class qr_class_parse(const char *text);

/**
 * What becomes of a job that failed.
 *
 *   retry_count  application retries it already had, before this failure
 *   is_upload    a single file a person waits for: one retry more
 *   seed         for the jitter; the same seed gives the same delay (the simulation needs that)
 *   ret_delay_ms how long to wait, set only when true is returned
 *
 * Returns true: back to pending after *ret_delay_ms; false: a dead letter.
 * Source: architecture, "Job states".
 */
bool qr_class_retry(enum qr_class id, int retry_count, bool is_upload, uint64_t seed,
                    int64_t *ret_delay_ms);

enum { QR_RETRY_AFTER_MAX_MS = 86400000 }; /* a day */

/** The wait when the source asked for `asked_ms` (Retry-After; 0: it did not) and the table says
 *  delay_ms: never less than asked, a day at most, and as many as were asked do not come back at
 *  once: jitter as above. */
int64_t qr_class_retry_after(enum qr_class id, int64_t delay_ms, uint64_t asked_ms, uint64_t seed);
