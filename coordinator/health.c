#include "coordinator/health.h"

#include <stdlib.h>

#include "common/clock.h"

enum { LINES_MAX = 20 };

static bool tell_unserved(struct qr_unserved *unserved, struct qr_buf *out)
{
    Quarry__V1__Unserved **list = NULL;
    int64_t now_ms = qr_clock_wall_ms();
    size_t n = 0;

    bool ok = qr_unserved_list(unserved, 0, &list, &n);
    for (size_t i = 0; i < n; i++) {
        if (i < LINES_MAX)
            qr_buf_printf(
                out, "run %lld: %s, for %lld s; hint: quarry run why %lld\n",
                (long long)list[i]->run_id, list[i]->text,
                (long long)(now_ms > list[i]->since_ms ? (now_ms - list[i]->since_ms) / 1000 : 0),
                (long long)list[i]->run_id);
        quarry__v1__unserved__free_unpacked(list[i], NULL);
    }
    if (n > LINES_MAX)
        qr_buf_printf(out, "and %zu more\n", n - LINES_MAX);
    free(list);
    return ok && n == 0;
}

bool qr_health_tell(struct qr_unserved *unserved, struct qr_totals *totals, int64_t oldest_job_ms,
                    struct qr_buf *out)
{
    struct qr_unserved_sum sum;
    struct qr_run_totals jobs;
    bool well = true;

    if (!qr_unserved_get(unserved, &sum) || !qr_totals_get(totals, &jobs)) {
        qr_buf_append_str(out, "the database has not answered yet\n");
        return false;
    }
    if (sum.workers == 0) {
        qr_buf_append_str(out, "no worker is connected; hint: quarry worker list\n");
        well = false;
    }
    well = tell_unserved(unserved, out) && well;
    if (oldest_job_ms > 0 && sum.oldest_s > oldest_job_ms / 1000) {
        qr_buf_printf(out,
                      "the oldest job waits for %lld s, longer than the %lld s of --oldest-job; "
                      "hint: quarry run list, more workers\n",
                      (long long)sum.oldest_s, (long long)(oldest_job_ms / 1000));
        well = false;
    }
    if (sum.stuck > 0) {
        qr_buf_printf(out,
                      "%llu jobs are with their workers for longer than 15 minutes; hint: quarry "
                      "job list --status processing\n",
                      (unsigned long long)sum.stuck);
        well = false;
    }
    if (well)
        qr_buf_printf(out, "ok: %llu workers, %llu jobs to do\n", (unsigned long long)sum.workers,
                      (unsigned long long)(jobs.pending + jobs.processing));
    return well;
}
