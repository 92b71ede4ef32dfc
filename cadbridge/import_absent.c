/* Until the import is built: a bridge with --json-dir says so instead of starting. */
#include "common/cadjson/import.h"

#include <string.h>

int qr_import_new(const struct qr_import_config *config, struct qr_import **ret, struct qr_err *err)
{
    (void)config;
    (void)ret;
    return qr_fail(err, QR_E_UNSUPPORTED, "this build cannot import exports");
}

void qr_import_free(struct qr_import *import) { (void)import; }

int qr_import_run(struct qr_import *import, const char *model, int64_t budget_ms,
                  const atomic_bool *stop, struct qr_import_result *ret, struct qr_err *err)
{
    (void)import;
    (void)model;
    (void)budget_ms;
    (void)stop;
    memset(ret, 0, sizeof *ret);
    return qr_fail(err, QR_E_UNSUPPORTED, "this build cannot import exports");
}

void qr_import_result_done(struct qr_import_result *result) { (void)result; }

int qr_import_child_main(void) { return 1; }
