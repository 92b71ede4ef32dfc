/* common/fleet/station.h
 *
 * Station: what every member of the fleet is beside its work, for worker and CAD bridge: its
 * options, name, roots, spool, mailbox and stream, the session's callbacks and log lines, drain and
 * end.
 *
 *     qr_station_start -> qr_station_open_session -> turns until `over` -> qr_station_finish
 *
 * A turn of the program's loop:
 *
 *     poll(qr_station_signal_fd, qr_station_mailbox_fd, own descriptors, qr_station_wait_ms)
 *     qr_station_set_now; qr_station_read_signals
 *     letters: qr_mailbox_take, each to qr_station_letter, which says false to those not for it;
 *         then qr_link_resume
 *     own work
 *     qr_station_end_turn
 *
 * One thread. The structure is the program's; its fields are to be read, not written, outside
 * common/fleet/.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/utsname.h>

#include "common/fleet/link.h"
#include "common/fleet/mailbox.h"
#include "common/fleet/session.h"
#include "common/fleet/spool.h"
#include "common/options.h"
#include "common/roots.h"

/* First in the options of every program that is a member: rows of qr_station_option_rows fill it.
 */
struct qr_station_options {
    struct qr_option_list coordinators;
    char *id;    /* NULL: the host's name */
    char *spool; /* NULL: a folder below the user's state folder */
    char *log_level;
    struct qr_option_list roots;
    struct qr_option_list labels;
    int64_t spool_bytes;
    int64_t spool_reserve_bytes;
    int64_t drain_grace_ms;
    bool exit_when_unreachable;
};
extern const struct qr_option qr_station_option_rows[];

/* What the program does with it. */
struct qr_station_port {
    void *ctx;
    void (*offer)(void *ctx, const Quarry__V1__Lease *lease);
    void (*stop)(void *ctx, uint64_t lease_id, enum qr_session_stop reason, uint32_t grace_ms);
    void (*parts)(void *ctx, uint64_t lease_id, const uint8_t *data, size_t len); /* or NULL */
    /** A Beat is about to be made: report progress, say how many children there are. */
    uint32_t (*report)(void *ctx);
    /** Hand back what has not started / everything. */
    void (*hand_back)(void *ctx, bool running_too, const char *reason);
    size_t (*count)(void *ctx); /* jobs whose lease is held */
    /** Welcomed by the coordinator at `address`; may be NULL. */
    void (*welcomed)(void *ctx, const char *address);
};

struct qr_station {
    const struct qr_station_options *options;
    const struct qr_station_port *port;
    const char *program; /* "quarry-worker", for messages */
    struct utsname uname;
    char id[256];
    char spool_dir[4096];
    int cpus;
    struct qr_roots roots;
    const char *root_names[QR_ROOTS_MAX];
    struct qr_spool *spool;
    struct qr_mailbox *mailbox;
    struct qr_link *link;
    struct qr_session *session;
    int64_t now_ms;

    bool announced; /* the ready line is out */
    bool draining;
    int64_t drain_ms; /* draining: running work is handed back then */
    int64_t flush_ms; /* draining: the spool is waited for until then */
    bool handed_back;
    bool signalled; /* draining: a signal asked for it */
    bool was_full;
    unsigned attempts; /* to connect, before the first welcome */
    int64_t tick_ms;
    bool over;
    int code; /* how the session ended */
};

/**
 * Name, roots, spool, signals, mailbox, link.
 *
 *   m        filled with zeros, but for options, port and program; all borrowed
 *
 * Errors: QR_E_USAGE, a bad name, a root that is not there. Those of the spool. After a failure
 * too: qr_station_finish().
 */
QR_MUST_CHECK int qr_station_start(struct qr_station *m, struct qr_err *err);

/** m->session, of these types; it connects at the first end of a turn. Errors: QR_E_USAGE,
 *  QR_E_INTERNAL, QR_E_NOMEM. */
QR_MUST_CHECK int qr_station_open_session(struct qr_station *m, const struct qr_option_list *types,
                                          uint32_t slots, uint32_t prefetch, struct qr_err *err);

/** Threads that may post letters must have ended; unless `threads_hang`: then mailbox and roots
 *  stay as they are, and the process should exit. */
void qr_station_finish(struct qr_station *m, bool threads_hang);

int qr_station_signal_fd(void);
void qr_station_set_now(struct qr_station *m);
/** How long to sleep at most, from `now`. */
int64_t qr_station_wait_ms(const struct qr_station *m, int64_t now_ms);
void qr_station_read_signals(struct qr_station *m);
/** True: it was the session's. The letter stays the caller's. */
bool qr_station_letter(struct qr_station *m, const struct qr_letter *letter);
/** Spool, drain, everything that is to be sent. */
void qr_station_end_turn(struct qr_station *m);

/** Takes no more offers, hands back what has not begun; all of it after grace_ms. */
void qr_station_drain(struct qr_station *m, int64_t grace_ms, const char *why);
