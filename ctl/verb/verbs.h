/* ctl/verb/verbs.h
 *
 * The verbs, one file each; the order is in ctl/verbs.c.
 */
#pragma once
#include "ctl/ctl.h"
#include "quarry/v1/admin.pb-c.h"

#define QR_CTL_VERBS(X) \
    X(run_create)       \
    X(run_list)         \
    X(run_show)         \
    X(run_watch)        \
    X(run_close)        \
    X(run_set)          \
    X(run_pause)        \
    X(run_resume)       \
    X(run_cancel)       \
    X(run_begin)        \
    X(run_why)          \
    X(job_list)         \
    X(job_show)         \
    X(job_events)       \
    X(job_pause)        \
    X(job_resume)       \
    X(job_cancel)       \
    X(job_why)          \
    X(job_retry)        \
    X(job_add)          \
    X(dlq_list)         \
    X(dlq_show)         \
    X(dlq_analyze)      \
    X(dlq_retry)        \
    X(dlq_purge)        \
    X(limit_set)        \
    X(limit_list)       \
    X(limit_remove)     \
    X(worker_list)      \
    X(worker_show)      \
    X(worker_drain)     \
    X(worker_resume)    \
    X(budget_list)      \
    X(cad_status)       \
    X(cad_mode)         \
    X(report_cad)       \
    X(search_similar)   \
    X(monitor)          \
    X(extract)          \
    X(export)           \
    X(verify)           \
    X(migrate)          \
    X(version)          \
    X(completion)       \
    X(help)

#define QR_CTL_VERB_DECLARE(name) extern const struct qr_ctl_verb qr_ctl_##name;
QR_CTL_VERBS(QR_CTL_VERB_DECLARE)
#undef QR_CTL_VERB_DECLARE
