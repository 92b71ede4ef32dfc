#include "coordinator/http/families.h"

#include <stddef.h>
#include <string.h>

void qr_metrics_build(struct qr_metrics *metrics, const char *version, const char *instance)
{
    const struct qr_label labels[] = {{"version", version}, {"coordinator", instance}};

    qr_metrics_family(metrics, "quarry_build_info", QR_METRIC_GAUGE,
                      "a constant 1; the labels tell what runs");
    qr_metrics_u64(metrics, labels, QR_COUNT(labels), 1);
}

/* ------------------------------------------------------------------ engine */

struct engine_row {
    const char *name;   /* results_stale */
    const char *family; /* quarry_results_stale_total */
    const char *help;
    size_t at;
};

static const struct engine_row engine_rows[] = {
#define QR_ENGINE_ROW(name, help) \
    {#name, "quarry_" #name "_total", help, offsetof(struct qr_engine_stats, name)},
    QR_ENGINE_COUNTERS(QR_ENGINE_ROW)
#undef QR_ENGINE_ROW
};

static const char results_prefix[] = "results_";

static bool is_result(const struct engine_row *row)
{
    return strncmp(row->name, results_prefix, sizeof results_prefix - 1) == 0;
}

static uint64_t engine_value(const struct qr_engine_stats *stats, const struct engine_row *row)
{
    uint64_t value;

    memcpy(&value, (const char *)stats + row->at, sizeof value);
    return value;
}

/* One family with an outcome each, so that they can be summed: the engine counts a failed result as
 * committed too, here it is one or the other. */
static void put_results(struct qr_metrics *metrics, const struct qr_engine_stats *stats)
{
    qr_metrics_family(metrics, "quarry_results_total", QR_METRIC_COUNTER,
                      "results that came in, by what became of them");
    for (size_t i = 0; i < QR_COUNT(engine_rows); i++) {
        const struct engine_row *row = &engine_rows[i];
        if (!is_result(row))
            continue;
        const struct qr_label outcome = {"outcome", row->name + sizeof results_prefix - 1};
        uint64_t value = engine_value(stats, row);
        if (row->at == offsetof(struct qr_engine_stats, results_committed))
            value -= stats->results_failed;
        qr_metrics_u64(metrics, &outcome, 1, value);
    }
}

void qr_metrics_engine(struct qr_metrics *metrics, const struct qr_engine_stats *stats)
{
    const struct {
        const char *state;
        uint32_t value;
    } leases[] = {
        {"offered", stats->leases_offered_now},     {"active", stats->leases_active_now},
        {"stopping", stats->leases_stopping_now},   {"settling", stats->leases_settling_now},
        {"returning", stats->leases_returning_now},
    };

    for (size_t i = 0; i < QR_COUNT(engine_rows); i++)
        if (!is_result(&engine_rows[i]))
            qr_metrics_counter(metrics, engine_rows[i].family, engine_rows[i].help,
                               engine_value(stats, &engine_rows[i]));
    put_results(metrics, stats);
    qr_metrics_family(metrics, "quarry_stops_seconds_total", QR_METRIC_COUNTER,
                      "from a Stop to its Release or fence, all together");
    qr_metrics_double(metrics, NULL, 0, (double)stats->stops_ms / 1000.0);
    qr_metrics_gauge(metrics, "quarry_sessions", "worker sessions known to this coordinator",
                     stats->sessions_known);
    qr_metrics_gauge(metrics, "quarry_sessions_connected", "worker sessions with a live stream",
                     stats->sessions_connected);
    qr_metrics_gauge(metrics, "quarry_slots", "slots of the connected workers", stats->slots);
    qr_metrics_gauge(metrics, "quarry_running_pages", "pages of the documents that are being read",
                     (double)stats->pages_total);
    qr_metrics_gauge(metrics, "quarry_running_pages_done", "of these, those that were read",
                     (double)stats->pages_done);
    qr_metrics_family(metrics, "quarry_leases", QR_METRIC_GAUGE, "live leases by state");
    for (size_t i = 0; i < QR_COUNT(leases); i++) {
        const struct qr_label state = {"state", leases[i].state};
        qr_metrics_u64(metrics, &state, 1, leases[i].value);
    }
}

void qr_metrics_hand_over(struct qr_metrics *metrics, struct qr_histogram *offer_accept)
{
    qr_metrics_family(metrics, "quarry_offer_accept_seconds", QR_METRIC_HISTOGRAM,
                      "from the sending of an Offer frame to its Accept");
    qr_metrics_histogram(metrics, NULL, 0, offer_accept);
}

/* ------------------------------------------------------------------ lanes */

struct lane_row {
    const char *name;
    const char *family;
    const char *help;
    size_t at;
    enum qr_metric_type type;
};

static const struct lane_row lane_rows[] = {
#define QR_LANE_ROW(name, help)                                                           \
    {#name, "quarry_lane_" #name "_total", help, offsetof(struct qr_db_lane_stats, name), \
     QR_METRIC_COUNTER},
    QR_DB_LANE_COUNTERS(QR_LANE_ROW)
#undef QR_LANE_ROW
        {"waiting", "quarry_lane_waiting", "requests in the queue",
         offsetof(struct qr_db_lane_stats, waiting), QR_METRIC_GAUGE},
    {"connections", "quarry_lane_connections", "database connections open now",
     offsetof(struct qr_db_lane_stats, connections), QR_METRIC_GAUGE},
    {"lanes", "quarry_lane_threads", "threads, hence connections at most",
     offsetof(struct qr_db_lane_stats, lanes), QR_METRIC_GAUGE},
};

void qr_metrics_lanes(struct qr_metrics *metrics, const struct qr_db_stats *stats)
{
    for (size_t r = 0; r < QR_COUNT(lane_rows); r++) {
        const struct lane_row *row = &lane_rows[r];
        bool busy = row->at == offsetof(struct qr_db_lane_stats, busy_ns);
        /* Prometheus counts in seconds. */
        qr_metrics_family(metrics, busy ? "quarry_lane_busy_seconds_total" : row->family, row->type,
                          row->help);
        for (size_t i = 0; i < QR_DB_STATS_COUNT; i++) {
            const struct qr_db_lane_stats *lane = &stats->lanes[i];
            const struct qr_label label = {"lane", lane->name};
            uint64_t value;
            if (!lane->name)
                continue; /* a coordinator that has no database yet */
            memcpy(&value, (const char *)lane + row->at, sizeof value);
            if (busy)
                qr_metrics_double(metrics, &label, 1, (double)value / 1e9);
            else
                qr_metrics_u64(metrics, &label, 1, value);
        }
    }
    qr_metrics_counter(metrics, "quarry_limit_places_swept_total",
                       "places under limits that no lease held any more", stats->places_swept);
    qr_metrics_counter(metrics, "quarry_runs_halted_total",
                       "runs that paused themselves because too many files failed",
                       stats->runs_halted);
    qr_metrics_family(metrics, "quarry_lane_batch_duration_seconds", QR_METRIC_HISTOGRAM,
                      "time from taking a batch to its answers");
    for (size_t i = 0; i < QR_DB_STATS_COUNT; i++) {
        const struct qr_label label = {"lane", stats->lanes[i].name};
        if (stats->lanes[i].batch_seconds)
            qr_metrics_histogram(metrics, &label, 1, stats->lanes[i].batch_seconds);
    }
}

/* ------------------------------------------------------------------ jobs */

void qr_metrics_jobs(struct qr_metrics *metrics, const struct qr_run_totals *jobs)
{
    const struct {
        const char *status;
        uint64_t value;
    } rows[] = {
        {"pending", jobs->pending},     {"processing", jobs->processing},
        {"completed", jobs->completed}, {"failed", jobs->failed},
        {"paused", jobs->paused},       {"cancelled", jobs->cancelled},
    };

    qr_metrics_family(metrics, "quarry_jobs", QR_METRIC_GAUGE, "jobs of all runs by status");
    for (size_t i = 0; i < QR_COUNT(rows); i++) {
        const struct qr_label status = {"status", rows[i].status};
        qr_metrics_u64(metrics, &status, 1, rows[i].value);
    }
    qr_metrics_family(metrics, "quarry_dead_letters", QR_METRIC_GAUGE,
                      "jobs that failed for good and were neither retried nor purged, by class");
    for (int id = QR_CLASS_NONE + 1; id < QR_CLASS_COUNT; id++) {
        const struct qr_label class = {"class", qr_class_text((enum qr_class)id)};
        qr_metrics_u64(metrics, &class, 1, jobs->dead_letters[id]);
    }
    qr_metrics_gauge(metrics, "quarry_jobs_empty",
                     "completed jobs from which nothing came, with a reason", (double)jobs->empty);
    qr_metrics_gauge(metrics, "quarry_runs_active", "runs that are not over",
                     (double)jobs->runs_active);
}

void qr_metrics_unserved(struct qr_metrics *metrics, const struct qr_unserved_type *types,
                         size_t n_types, uint64_t runs)
{
    qr_metrics_family(metrics, "quarry_jobs_unserved", QR_METRIC_GAUGE,
                      "jobs that may start and that no worker can do, by type");
    for (size_t i = 0; i < n_types; i++) {
        const struct qr_label type = {"type", types[i].type};
        qr_metrics_u64(metrics, &type, 1, types[i].jobs);
    }
    qr_metrics_gauge(metrics, "quarry_runs_unserved", "runs that have such jobs", (double)runs);
}

void qr_metrics_waiting(struct qr_metrics *metrics, uint64_t workers, uint64_t stuck,
                        int64_t oldest_s)
{
    qr_metrics_gauge(metrics, "quarry_workers_fleet",
                     "workers that take work, of all coordinators together", (double)workers);
    qr_metrics_gauge(metrics, "quarry_leases_stuck", "leases older than a quarter of an hour",
                     (double)stuck);
    qr_metrics_gauge(metrics, "quarry_jobs_oldest_seconds",
                     "so long waits the oldest job that may start", (double)oldest_s);
}
