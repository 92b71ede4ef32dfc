/* common/log.h
 *
 * Structured logs on standard error: one line an event, key=value, in UTC.
 *
 *     2026-01-31T08:15:30.123Z info coordinator lease.expired lease=812 job=4711 worker=w3
 *
 * Programs log; libraries in common/ return errors and never log above debug. An error is logged
 * once, where it is decided what to do about it. Thread-safe: a line is one write(2).
 */
#pragma once
#include <stdbool.h>

#include "common/base.h"
#include "common/err.h"

enum qr_log_level { QR_LOG_DEBUG, QR_LOG_INFO, QR_LOG_WARN, QR_LOG_ERROR };

/** Once at program start. `program` is borrowed for the life of the process. */
void qr_log_init(const char *program, enum qr_log_level level);

/** "debug", "info", "warn", "error"; false when `text` is none of them. */
bool qr_log_level_parse(const char *text, enum qr_log_level *ret);
bool qr_log_enabled(enum qr_log_level level);

/**
 * One line. `event` is dotted and constant ("lease.expired"); `fmt` gives the pairs, e.g.
 * "lease=%" PRIu64 " worker=%s". Quote values that may hold blanks: "file=\"%s\"
 * Control characters in the result are replaced, so a file name cannot forge a line.
 */
void qr_log(enum qr_log_level level, const char *event, const char *fmt, ...) QR_PRINTF(3, 4);

/** The usual way to log a caught error: pairs from `fmt`, then code=… error="…". */
void qr_log_err(enum qr_log_level level, const char *event, const struct qr_err *err,
                const char *fmt, ...) QR_PRINTF(4, 5);
