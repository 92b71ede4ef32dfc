/* bench/floor.h
 *
 * The floor of the queue benchmark: claim and settle by the very statements of coordinator/db/sql,
 * at a given batch size, from plain libpq on one connection. No streams, no engine, no threads.
 */
#pragma once
#include <stdint.h>

#include "common/err.h"

/**
 * Enqueue `jobs` no-op jobs (not counted), then claim and settle all of them in batches.
 *
 *   url    a database with the schema in place; nothing else may work on it meanwhile
 *   batch  jobs per transaction, 1 .. 4096
 *   record what each result brings, an encoded ExtractionRecord; record_len 0: nothing
 */
QR_MUST_CHECK int qr_bench_floor(const char *url, int64_t jobs, unsigned batch,
                                 const uint8_t *record, size_t record_len, double *ret_jobs_per_s,
                                 struct qr_err *err);
