#include "common/fleet/station.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/os/process.h"
#include "common/os/signal.h"

enum {
    SPOOL_TICK_MS = 100,
    IDLE_MS = 1000,
    FLUSH_MS = 5000, /* after the last job: for the Acks of what is in the spool */
};

#define AT(field) offsetof(struct qr_station_options, field)
#define PAGE "docs/worker.md"

/* clang-format off */
const struct qr_option qr_station_option_rows[] = {
    /* name            letter type     where                    default           min  max      flags            value        help */
    {"coordinator",      0, QR_OPT_LIST, AT(coordinators),        "127.0.0.1:7420", 0,   0,       QR_OPT_COMMAS,   "HOST:PORT,…", "coordinators, tried in turn", PAGE},
    {"id",               0, QR_OPT_STR,  AT(id),                  NULL,             0,   0,       0,               "NAME",      "name of this worker for good (default: the host's name)", PAGE},
    {"root",             0, QR_OPT_LIST, AT(roots),               NULL,             0,   0,       QR_OPT_PAIRS,    "NAME=DIR",  "a folder that jobs know by name", PAGE},
    {"label",            0, QR_OPT_LIST, AT(labels),              NULL,             0,   0,       QR_OPT_PAIRS,    "KEY=VALUE", "label shown to operators, for drain by label", PAGE},
    {"spool",            0, QR_OPT_STR,  AT(spool),               NULL,             0,   0,       0,               "DIR",       "folder for results until they are acknowledged (default: ~/.local/state/quarry/ID, or /var/lib/quarry/ID for root)", PAGE},
    {"spool-limit",      0, QR_OPT_SIZE, AT(spool_bytes),         "4G",             1048576, 0x1p44, 0,            "SIZE",      "waiting results beyond which no work is taken", PAGE},
    {"spool-reserve",    0, QR_OPT_SIZE, AT(spool_reserve_bytes), "64M",            0,   0x1p44,  0,               "SIZE",      "free space on the spool's disk below which no work is taken", PAGE},
    {"drain-grace",      0, QR_OPT_MSEC, AT(drain_grace_ms),      "30s",            0,   86400000, 0,              "DURATION",  "after SIGTERM running jobs may finish this long, then they are handed back", PAGE},
    {"exit-when-unreachable", 0, QR_OPT_BOOL, AT(exit_when_unreachable), NULL,      0,   0,       0,               NULL,        "exit with 4 when no coordinator answers at start, instead of trying forever", PAGE},
    {"log-level",        0, QR_OPT_STR,  AT(log_level),           "info",           0,   0,       QR_OPT_CHOICE,   "debug|info|warn|error", "how much to log", PAGE},
    {0},
};
/* clang-format on */

/* ---- a turn */

int qr_station_signal_fd(void) { return qr_signal_fd(); }

void qr_station_set_now(struct qr_station *m)
{
    m->now_ms = qr_clock_ms();
    qr_session_set_now(m->session, m->now_ms);
}

int64_t qr_station_wait_ms(const struct qr_station *m, int64_t now_ms)
{
    int64_t until = now_ms + (qr_session_unsettled(m->session) > 0 ? SPOOL_TICK_MS : IDLE_MS);
    int64_t deadline = qr_session_next_deadline(m->session);

    until = deadline < until ? deadline : until;
    if (m->draining && now_ms + SPOOL_TICK_MS < until)
        until = now_ms + SPOOL_TICK_MS;
    return until > now_ms ? until - now_ms : 0;
}

bool qr_station_letter(struct qr_station *m, const struct qr_letter *letter)
{
    if (letter->kind == QR_LETTER_FRAME)
        qr_session_frame(m->session, letter->id, (const uint8_t *)letter->data, letter->len);
    else if (letter->kind == QR_LETTER_WRITABLE)
        qr_session_writable(m->session, letter->id);
    else if (letter->kind == QR_LETTER_CLOSED)
        qr_session_closed(m->session, letter->id, letter->data);
    else
        return false;
    return true;
}

void qr_station_read_signals(struct qr_station *m)
{
    unsigned signals = qr_signal_take();

    if (signals != 0) {
        m->signalled = true;
        if (m->draining) /* a second time: now */
            qr_station_drain(m, 0, "signal");
        else
            qr_station_drain(m, m->options->drain_grace_ms, "signal");
    }
}

/* Draining: hand back when the grace is over, then wait for the last Acks, then leave. */
static void go_on_draining(struct qr_station *m)
{
    int64_t now = m->now_ms;

    if (!m->draining || m->over)
        return;
    if (now >= m->drain_ms && !m->handed_back) {
        m->port->hand_back(m->port->ctx, true, "drain");
        m->handed_back = true;
    }
    if (m->port->count(m->port->ctx) > 0)
        return;
    if (m->flush_ms == 0)
        m->flush_ms = now + FLUSH_MS;
    bool connected = qr_session_get_state(m->session) == QR_SESSION_WELCOMED;
    if (qr_session_unsettled(m->session) == 0 || now >= m->flush_ms ||
        (!connected && now >= m->drain_ms))
        qr_session_goodbye(m->session, "drained");
}

static void watch_spool(struct qr_station *m)
{
    const char *reason = "";

    if (m->now_ms - m->tick_ms < SPOOL_TICK_MS)
        return;
    m->tick_ms = m->now_ms;
    qr_spool_tick(m->spool, m->now_ms);
    bool full = qr_spool_is_full(m->spool, &reason);
    if (full && !m->was_full)
        qr_log(QR_LOG_WARN, "spool.full",
               "reason=\"%s\" hint=\"no more work is taken; make space "
               "in %s\"",
               reason, m->spool_dir);
    else if (!full && m->was_full)
        qr_log(QR_LOG_INFO, "spool.space", "detail=\"work is taken again\"");
    m->was_full = full;
}

void qr_station_end_turn(struct qr_station *m)
{
    watch_spool(m);
    go_on_draining(m);
    qr_session_flush(m->session);
}

/* ---- start and end */

static int find_spool(struct qr_station *m, struct qr_err *err)
{
    const char *home = getenv("HOME");
    const char *state = getenv("XDG_STATE_HOME");
    int len;

    if (m->options->spool)
        len = snprintf(m->spool_dir, sizeof m->spool_dir, "%s", m->options->spool);
    else if (geteuid() == 0)
        len = snprintf(m->spool_dir, sizeof m->spool_dir, "/var/lib/quarry/%s", m->id);
    else if (state && state[0] == '/')
        len = snprintf(m->spool_dir, sizeof m->spool_dir, "%s/quarry/%s", state, m->id);
    else if (home && home[0] == '/')
        len = snprintf(m->spool_dir, sizeof m->spool_dir, "%s/.local/state/quarry/%s", home, m->id);
    else
        return qr_fail(err, QR_E_USAGE, "no folder for the spool; hint: --spool DIR");
    if (len < 0 || (size_t)len >= sizeof m->spool_dir)
        return qr_fail(err, QR_E_USAGE, "the path of the spool is too long");
    return QR_OK;
}

/* Printable, without blanks, quotes and slashes: it stands in logs, tables and paths. */
static bool is_name(const char *name)
{
    size_t left = strlen(name);

    if (left == 0 || left > 100 || strpbrk(name, "/\"\\"))
        return false;
    while (left > 0) {
        size_t len = qr_utf8_sequence((const unsigned char *)name, left);
        if (len == 0 || (unsigned char)name[0] <= ' ' || name[0] == 0x7F)
            return false;
        name += len;
        left -= len;
    }
    return true;
}

static int find_identity(struct qr_station *m, struct qr_err *err)
{
    if (uname(&m->uname) < 0)
        return qr_fail(err, QR_E_INTERNAL, "the system does not say its name");
    snprintf(m->id, sizeof m->id, "%s", m->options->id ? m->options->id : m->uname.nodename);
    if (!is_name(m->id))
        return qr_fail(err, QR_E_USAGE,
                       "--id '%s': a worker's name has 1 to 100 characters, no blank, quote or "
                       "slash",
                       m->id);
    m->cpus = qr_process_cpus();
    return QR_OK;
}

static int open_spool(struct qr_station *m, struct qr_err *err)
{
    struct qr_spool_report report;
    const struct qr_spool_config config = {.dir = m->spool_dir,
                                           .max_bytes = m->options->spool_bytes,
                                           .reserve_bytes = m->options->spool_reserve_bytes};

    int rc = qr_spool_open(&config, &m->spool, err);
    if (rc < 0)
        return rc;
    qr_spool_get_report(m->spool, &report);
    qr_log(QR_LOG_INFO, "spool.open",
           "dir=\"%s\" start=%" PRIu64 " results=%" PRIu64 " unfinished=%" PRIu64
           " torn_bytes=%" PRIu64,
           m->spool_dir, qr_spool_start_counter(m->spool), report.results, report.earlier_starts,
           report.torn_bytes);
    if (report.damaged_records > 0)
        qr_log(QR_LOG_WARN, "spool.damaged",
               "places=%" PRIu64 " bytes=%" PRIu64
               " hint=\"check the disk; the jobs concerned are done again\"",
               report.damaged_records, report.damaged_bytes);
    return QR_OK;
}

/* A root that is not there is a wrong flag. */
static int add_root(struct qr_station *m, const char *spec, struct qr_err *err)
{
    int rc = qr_roots_add(&m->roots, spec, err);
    return rc == QR_E_NOT_FOUND ? qr_err_wrap(err, QR_E_USAGE, "--root") : rc;
}

int qr_station_start(struct qr_station *m, struct qr_err *err)
{
    int rc = find_identity(m, err);
    for (size_t i = 0; rc == QR_OK && i < m->options->roots.n; i++)
        rc = add_root(m, m->options->roots.items[i], err);
    if (rc == QR_OK)
        rc = find_spool(m, err);
    if (rc == QR_OK)
        rc = open_spool(m, err);
    if (rc == QR_OK)
        rc = qr_signal_init(err);
    if (rc == QR_OK)
        rc = qr_mailbox_new(&m->mailbox, err);
    if (rc == QR_OK)
        rc = qr_link_new(m->mailbox, &m->link, err);
    return rc;
}

void qr_station_finish(struct qr_station *m, bool threads_hang)
{
    qr_link_free(m->link);
    qr_session_free(m->session);
    if (m->spool)
        qr_spool_end_all(m->spool); /* left in good order: nothing it ran is a suspect */
    qr_spool_free(m->spool);
    if (threads_hang)
        return;
    qr_mailbox_free(m->mailbox);
    qr_roots_done(&m->roots);
}
