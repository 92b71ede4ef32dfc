/* bench/stack.h
 *
 * What benchmarks of the whole system stand on: a PostgreSQL (given, or private and thrown away), a
 * coordinator as a process of its own, the admin calls that fill it, questions to the database.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/options.h"
#include "common/rpc/client.h"

/* ---- PostgreSQL */
struct qr_postgres;

struct qr_bench_database {
    const char *url;
    struct qr_postgres *postgres; /* NULL: it was given */
    char dir[32];
    pid_t pid; /* the postmaster; 0: not on this machine */
};

/** `url` NULL: make one. The struct must stay where it is until stopped. */
QR_MUST_CHECK int qr_bench_database_start(const char *url, struct qr_bench_database *ret,
                                          struct qr_err *err);
void qr_bench_database_stop(struct qr_bench_database *database);

char *qr_bench_ask(PGconn *conn, const char *sql, char *out, size_t size); /* returns out */
double qr_bench_ask_number(PGconn *conn, const char *sql);
/** What a queue leaves behind: per table its bytes, those of its indexes, dead rows; JSON. */
void qr_bench_tables(PGconn *conn, char *json, size_t size);

/* ---- the coordinator */
struct qr_bench_coordinator {
    pid_t pid; /* 0: none */
    char address[128], http[128];
};

struct qr_bench_coordinator_config {
    const char *program; /* NULL: quarry-coordinator beside this program */
    const char *url;
    const char *listen;       /* NULL: a free port of 127.0.0.1 */
    const char *const *extra; /* more arguments, ended by NULL; or NULL */
};

QR_MUST_CHECK int qr_bench_coordinator_start(const struct qr_bench_coordinator_config *config,
                                             struct qr_bench_coordinator *ret, struct qr_err *err);
/** SIGTERM, and SIGKILL after 30 s. */
void qr_bench_coordinator_stop(struct qr_bench_coordinator *coordinator);
void qr_bench_coordinator_kill(struct qr_bench_coordinator *coordinator);

/* ---- admin calls */
QR_MUST_CHECK int qr_bench_create_run(struct qr_rpc_channel *channel, const char *name,
                                      int64_t *ret_id, struct qr_err *err);
/** `n` jobs of type "noop" from number `first`; stamp_ns not 0: their URIs end in "@stamp_ns", see
 *  noop_shared.h. */
QR_MUST_CHECK int qr_bench_enqueue(struct qr_rpc_channel *channel, int64_t run_id, int64_t first,
                                   size_t n, int64_t stamp_ns, struct qr_err *err);

/* ---- main */
/** main() of a benchmark on a PostgreSQL of its own or a given one: parses `options` (the table of
 *  `bench`), of which `*url` is the --database, calls `run`, prints what failed. Returns the exit
 * code. */
int qr_bench_main(const struct qr_options *bench, int argc, char **argv, void *options,
                  char *const *url,
                  int (*run)(const void *options, const struct qr_bench_database *database,
                             struct qr_err *err));

/* ---- figures */
/** The value below which `share` (0 .. 1) of them lie; sorts. */
double qr_bench_percentile(int64_t *values, size_t n, double share);
double qr_bench_median(double *values, size_t n); /* sorts */
