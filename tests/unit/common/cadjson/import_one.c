/* import_one STORE MODEL [BUDGET_MS [MEMORY_MIB [MAX_BYTES]]]: one import as the bridge does it,
 * printed as JSON: its outcome, what the child took, and the record. For
 * tests/e2e/test_cad_import.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cadjson/import.h"
#include "common/record/record.h"

static json_t *outcome(const struct qr_import_result *result, bool has)
{
    json_t *out = json_pack("{s:s, s:s, s:b, s:b, s:s, s:b, s:I, s:I, s:I}", "class",
                            qr_class_text(result->class), "message", result->message, "found",
                            result->found, "has", has, "source", result->source, "partial",
                            result->partial, "bytes", (json_int_t)result->bytes, "cpu_ms",
                            (json_int_t)result->cpu_ms, "rss", (json_int_t)result->rss_bytes);
    QR_AUTO(qr_record) rec = NULL;
    struct qr_err err;

    if (result->record.len > 0 &&
        qr_record_decode(result->record.data, result->record.len, NULL, &rec, &err) == QR_OK)
        json_object_set_new(out, "record", qr_record_json(rec->msg));
    return out;
}

int main(int argc, char **argv)
{
    struct qr_import_config config = {.refresh_ms = 1};
    struct qr_import_result result;
    struct qr_import *import = NULL;
    struct qr_err err = {0};
    bool has = false;

    if (argc > 1 && strcmp(argv[1], "--import-child") == 0)
        return qr_import_child_main();
    if (argc < 3)
        return 2;
    config.store = argv[1];
    config.memory_bytes = argc > 4 ? atoll(argv[4]) << 20 : 0;
    config.max_bytes = argc > 5 ? (uint64_t)atoll(argv[5]) : 0;
    if (qr_import_new(&config, &import, &err) < 0 ||
        qr_import_run(import, argv[2], argc > 3 ? atoll(argv[3]) : 60000, NULL, &result, &err) <
            0) {
        fprintf(stderr, "%s\n", err.msg);
        qr_import_free(import);
        return 1;
    }
    if (qr_import_has(import, argv[2], &has, &err) < 0)
        fprintf(stderr, "%s\n", err.msg);
    json_t *out = outcome(&result, has);
    json_dumpf(out, stdout, JSON_COMPACT);
    json_decref(out);
    qr_import_result_done(&result);
    qr_import_free(import);
    return 0;
}
