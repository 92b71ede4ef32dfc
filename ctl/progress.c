#include "ctl/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "ctl/text.h"

enum {
    LIVE_EVERY_MS = 100,
    PLAIN_EVERY_MS = 5000,
    RATE_EVERY_MS = 200, /* shorter steps are noise */
    BAR_MIN = 8,
    BAR_MAX = 40,
    LINE_BYTES = 1024,
};
static const double rate_tau_ms = 8000; /* the mean forgets with this time constant */

void qr_progress_init(struct qr_progress *progress, FILE *out, const struct qr_term *term,
                      enum qr_progress_unit unit, const char *label)
{
    memset(progress, 0, sizeof *progress);
    progress->out = out;
    progress->term = *term;
    progress->unit = unit;
    snprintf(progress->label, sizeof progress->label, "%s", label);
}

/* ------------------------------------------------------------------ rate */

static void move_rate(struct qr_progress *progress, int64_t now_ms, uint64_t done)
{
    int64_t step_ms = now_ms - progress->last_ms;

    if (!progress->started) {
        progress->started = true;
        progress->first_ms = progress->last_ms = now_ms;
        progress->last_done = done;
        return;
    }
    if (step_ms < RATE_EVERY_MS)
        return;
    /* Jobs retried count as not done again: then nothing was done in this step. */
    double made = done > progress->last_done ? (double)(done - progress->last_done) : 0;
    double keep = exp(-(double)step_ms / rate_tau_ms);
    progress->rate = progress->rate * keep + made * 1000 / (double)step_ms * (1 - keep);
    progress->weight = progress->weight * keep + (1 - keep);
    progress->last_ms = now_ms;
    progress->last_done = done;
}

double qr_progress_rate(const struct qr_progress *progress)
{
    return progress->weight > 0 ? progress->rate / progress->weight : -1;
}

int64_t qr_progress_eta_ms(const struct qr_progress *progress)
{
    double rate = qr_progress_rate(progress);
    const struct qr_progress_sample *now = &progress->now;

    if (now->listing || now->total == 0 || now->done > now->total)
        return -1;
    if (now->done == now->total)
        return 0;
    double left_s = rate > 1e-6 ? (double)(now->total - now->done) / rate : -1;
    return left_s >= 0 && left_s < 1e9 ? (int64_t)(left_s * 1000) : -1;
}

/* ------------------------------------------------------------------ the line */

static const char *amount(const struct qr_progress *progress, uint64_t n, char *buf, size_t cap)
{
    return progress->unit == QR_PROGRESS_BYTES ? qr_text_size(n, buf, cap)
                                               : qr_text_count(n, buf, cap);
}

static const char *rate_text(const struct qr_progress *progress, char *buf, size_t cap)
{
    double rate = qr_progress_rate(progress);
    char text[32];

    if (rate < 0)
        buf[0] = '\0';
    else if (progress->unit == QR_PROGRESS_BYTES)
        snprintf(buf, cap, "%s/s", qr_text_size((uint64_t)rate, text, sizeof text));
    else
        snprintf(buf, cap, "%s/s", qr_text_rate(rate, text, sizeof text));
    return buf;
}

/* Of all, 0 .. 1, with what is done of those that are being worked on. */
static double share(const struct qr_progress_sample *now)
{
    return now->total == 0
               ? 0
               : ((double)now->done + (double)now->working_permille / 1000) / (double)now->total;
}

/* Per cent, never 100 before all is done. */
static unsigned percent(const struct qr_progress_sample *now)
{
    if (now->total == 0)
        return 0;
    if (now->done >= now->total)
        return 100;
    return (unsigned)fmin(share(now) * 100, 99);
}

static void add(char *buf, size_t cap, const char *fmt, ...) QR_PRINTF(3, 4);
static void add(char *buf, size_t cap, const char *fmt, ...)
{
    size_t len = strlen(buf);
    va_list args;

    va_start(args, fmt);
    vsnprintf(buf + len, cap - len, fmt, args);
    va_end(args);
}

/* The part done is heavy, the rest light; where there are colours, green and dim. */
static void put_bar(const struct qr_progress *progress, size_t width, char *buf, size_t cap)
{
    const struct qr_progress_sample *now = &progress->now;
    size_t half = (size_t)(fmin(share(now), 1) * (double)width * 2);
    bool unicode = progress->term.unicode;
    bool color = progress->term.color;
    size_t i = 0;

    add(buf, cap, "%s", color ? "\033[32m" : "");
    for (; 2 * i + 2 <= half; i++)
        add(buf, cap, "%s", unicode ? "\xE2\x94\x81" : "#");
    if (unicode && half % 2 == 1 && i++ < width)
        add(buf, cap, "\xE2\x95\xB8"); /* heavy left half */
    add(buf, cap, "%s", color ? "\033[0;2m" : "");
    for (; i < width; i++)
        add(buf, cap, "%s", unicode ? "\xE2\x94\x80" : "-");
    add(buf, cap, "%s", color ? "\033[0m" : "");
}

/* How much of the line is told; each step down leaves something out. */
enum detail { DETAIL_ALL, DETAIL_NO_RATE, DETAIL_NO_LABEL, DETAIL_SHARE };

/* What stands right of the bar. */
static void put_right(const struct qr_progress *progress, enum detail detail, char *buf, size_t cap)
{
    const struct qr_progress_sample *now = &progress->now;
    char done[32];
    char total[32];
    char rate[40];
    char left[32];
    int64_t eta = qr_progress_eta_ms(progress);

    buf[0] = '\0';
    if (now->total > 0)
        add(buf, cap, "%3u %%", percent(now));
    if (detail < DETAIL_SHARE || now->total == 0) {
        add(buf, cap, "  %s", amount(progress, now->done, done, sizeof done));
        if (now->total > 0)
            add(buf, cap, "/%s%s", amount(progress, now->total, total, sizeof total),
                now->listing ? "+" : "");
    }
    if (detail < DETAIL_NO_RATE && rate_text(progress, rate, sizeof rate)[0])
        add(buf, cap, "  %s", rate);
    if (now->listing && detail < DETAIL_SHARE)
        add(buf, cap, "  listing");
    else if (eta > 0 && detail < DETAIL_SHARE)
        add(buf, cap, "  %s left", qr_text_clock(eta, left, sizeof left));
    if (now->failed > 0 && detail < DETAIL_SHARE)
        add(buf, cap, "  %s failed", qr_text_count(now->failed, done, sizeof done));
}

void qr_progress_render(const struct qr_progress *progress, int width, char *buf, size_t cap)
{
    char right[LINE_BYTES];
    size_t room = width > 1 ? (size_t)width - 1 : 1;
    size_t label = qr_text_width(progress->label);

    for (int detail = DETAIL_ALL; detail <= DETAIL_SHARE; detail++) {
        bool with_label = detail < DETAIL_NO_LABEL;
        put_right(progress, (enum detail)detail, right, sizeof right);
        size_t text = qr_text_width(right) + (with_label ? label + 2 : 0);
        size_t bar = room > text + 1 ? room - text - 1 : 0;
        bool with_bar = progress->now.total > 0;
        if (text > room || (with_bar && bar < BAR_MIN && detail < DETAIL_SHARE))
            continue;
        buf[0] = '\0';
        if (with_label)
            add(buf, cap, "%s  ", progress->label);
        if (with_bar && bar >= BAR_MIN) {
            put_bar(progress, bar < BAR_MAX ? bar : BAR_MAX, buf, cap);
            add(buf, cap, " ");
        }
        add(buf, cap, "%s", right);
        return;
    }
    qr_text_fit(right, room, false, "", buf, cap);
}

void qr_progress_render_plain(const struct qr_progress *progress, char *buf, size_t cap)
{
    const struct qr_progress_sample *now = &progress->now;
    const char *files = progress->unit == QR_PROGRESS_FILES ? " files" : "";
    char text[40];
    char total[32];
    int64_t eta = qr_progress_eta_ms(progress);

    buf[0] = '\0';
    add(buf, cap, "%s: %s", progress->label, amount(progress, now->done, text, sizeof text));
    if (now->total > 0)
        add(buf, cap, " of %s%s", amount(progress, now->total, total, sizeof total), files);
    if (now->listing)
        add(buf, cap, " (listing)");
    else if (now->total > 0)
        add(buf, cap, " (%u %%)", percent(now));
    if (now->failed > 0)
        add(buf, cap, ", %s failed", qr_text_count(now->failed, text, sizeof text));
    if (rate_text(progress, text, sizeof text)[0])
        add(buf, cap, ", %s", text);
    if (eta > 0 && eta < 60000)
        add(buf, cap, ", %d s left", (int)((eta + 999) / 1000));
    else if (eta > 0)
        add(buf, cap, ", %s left", qr_text_duration(eta, text, sizeof text));
}

/* ------------------------------------------------------------------ output */

void qr_progress_clear(struct qr_progress *progress)
{
    if (!progress->line_open)
        return;
    fputs("\r\033[K", progress->out);
    fflush(progress->out);
    progress->line_open = false;
}

void qr_progress_update(struct qr_progress *progress, int64_t now_ms,
                        const struct qr_progress_sample *sample)
{
    bool first = !progress->started;
    int every = progress->term.tty ? LIVE_EVERY_MS : PLAIN_EVERY_MS;
    char line[LINE_BYTES];

    progress->now = *sample;
    move_rate(progress, now_ms, sample->done);
    if (!first && now_ms - progress->shown_ms < every)
        return;
    progress->shown_ms = now_ms;
    if (progress->term.tty) {
        qr_term_refresh(fileno(progress->out), &progress->term);
        qr_progress_render(progress, progress->term.width, line, sizeof line);
        fprintf(progress->out, "\r%s\033[K", line);
        progress->line_open = true;
    } else {
        qr_progress_render_plain(progress, line, sizeof line);
        fprintf(progress->out, "%s\n", line);
    }
    fflush(progress->out);
}

void qr_progress_note(struct qr_progress *progress, const char *fmt, ...)
{
    va_list args;

    qr_progress_clear(progress);
    va_start(args, fmt);
    vfprintf(progress->out, fmt, args);
    va_end(args);
    fputc('\n', progress->out);
    fflush(progress->out);
}
