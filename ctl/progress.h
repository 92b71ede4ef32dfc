/* ctl/progress.h
 *
 * Work going on, shown while it goes on: on a terminal one line rewritten in place,
 *
 *     run 7  ━━━━━━━━━━━━━━━╸            62 %  512/823  41.2/s  0:07 left  3 failed
 *
 * elsewhere a plain line every few seconds. The rate is an exponentially weighted mean, so it
 * neither jumps nor lags. The caller tells the time: nothing here reads a clock. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base.h"
#include "ctl/term.h"

enum qr_progress_unit { QR_PROGRESS_FILES, QR_PROGRESS_BYTES };

struct qr_progress_sample {
    uint64_t done;             /* of total, failed ones included */
    uint64_t total;            /* 0: not known */
    uint64_t failed;           /* of done */
    bool listing;              /* total still grows: no ETA yet */
    uint64_t working_permille; /* what of the next ones is done already: 1500 is one and a half */
};

struct qr_progress {
    FILE *out;
    struct qr_term term;
    enum qr_progress_unit unit;
    char label[64];
    struct qr_progress_sample now;
    /* rate */
    bool started;
    int64_t first_ms, last_ms; /* first sample; last one that moved the mean */
    uint64_t last_done;
    double rate;   /* weighted sum of rates … */
    double weight; /* … and how much of it is not the zero it began with */
    /* output */
    int64_t shown_ms;
    bool line_open; /* a line without its newline stands on the terminal */
};

/** `out` and `label` (copied) as shown; `term` is what qr_term_probe() found for `out`. */
void qr_progress_init(struct qr_progress *progress, FILE *out, const struct qr_term *term,
                      enum qr_progress_unit unit, const char *label);

/** Take in where things stand at `now_ms` (any clock that does not go back), and show it when it is
 *  time: at most ten times a second on a terminal, every 5 s elsewhere. */
void qr_progress_update(struct qr_progress *progress, int64_t now_ms,
                        const struct qr_progress_sample *sample);

/** Something worth a line of its own: the bar makes room and comes back with the next update. */
void qr_progress_note(struct qr_progress *progress, const char *fmt, ...) QR_PRINTF(2, 3);

/** Take the live line away, so that a summary or an error can be printed. */
void qr_progress_clear(struct qr_progress *progress);

/** Units a second as of the last update; negative while not known. */
double qr_progress_rate(const struct qr_progress *progress);
/** Milliseconds left; negative while not known. */
int64_t qr_progress_eta_ms(const struct qr_progress *progress);

/** The live line for a terminal of `width` columns: never wider than width - 1. */
void qr_progress_render(const struct qr_progress *progress, int width, char *buf, size_t cap);
/** The plain line. */
void qr_progress_render_plain(const struct qr_progress *progress, char *buf, size_t cap);
