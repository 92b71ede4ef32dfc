/* worker/agent/agent_intern.h
 *
 * Between the files of the agent: its loop, start and end (agent.c), and what its session wants of
 * it (agent_session.c).
 */
#pragma once
#include <sys/utsname.h>

#include "worker/agent/job.h"
#include "worker/agent/link.h"

struct agent {
    struct qr_agent_options options;
    struct utsname uname;
    char id[256];
    char spool_dir[4096];
    int cpus;
    struct qr_roots roots;
    const char *root_names[QR_ROOTS_MAX];
    struct qr_spool *spool;
    struct qr_mailbox *mailbox;
    struct qr_link *link;
    struct qr_fetcher *fetcher;
    struct qr_pool *pool;
    struct qr_session *session;
    struct qr_jobs jobs;

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

/** Takes no more offers, hands back what has not begun; all of it after grace_ms. */
void qr_agent_drain(struct agent *a, int64_t grace_ms, const char *why);
/** Makes a->session from the options; its callbacks are here. */
int qr_agent_open_session(struct agent *a, struct qr_err *err);
