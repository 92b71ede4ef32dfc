/* bench/extract/bench.h
 *
 * Shared by the files of bench_extract: which files, who reads them, how long it takes.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/pool/pool.h"

#define BENCH_ROUNDS_MAX 101

struct bench_settings {
    const char *corpus;
    const char *worker;
    int rounds;
    int cores;
    int large_mb; /* of the large DXF file; 0: leave it out */
};

/* ---- files.c */

struct bench_files {
    char **paths;
    size_t n;
    uint64_t bytes;
};

/** All files with that extension below `folder`, in the order of their names. */
void bench_files_collect(struct bench_files *files, const char *folder, const char *extension);
void bench_files_done(struct bench_files *files);
/** Read every file once, so that no round waits for the disk. */
void bench_files_warm(const struct bench_files *files);

/* ---- floor.c: a plain MuPDF loop, one process a core */

struct bench_floor; /* shared by its processes */
struct bench_floor *bench_floor_new(void);
void bench_floor_free(struct bench_floor *floor);
/** Seconds for all files; 0 when a process failed. */
double bench_floor_run(struct bench_floor *floor, const struct bench_files *files, int cores);
size_t bench_floor_pages(const struct bench_floor *floor);

/* ---- ours.c: the pool of sandboxed children */

struct bench_ours {
    size_t done;
    size_t failed;
    uint64_t record_bytes;
    int64_t peak_rss_bytes; /* of any child */
};

/** Children that are ready; NULL after a message. `counts` is filled by every run. */
struct qr_pool *bench_ours_start(const struct bench_settings *settings, struct bench_ours *counts);
/** Seconds for all files; 0 when they could not be submitted. `while_waiting` may be NULL. */
double bench_ours_run(struct qr_pool *pool, const struct bench_files *files, const char *type,
                      const struct qr_extract_options *options, struct bench_ours *counts,
                      void (*while_waiting)(void *arg), void *arg);

/* ---- tools.c: other people's programs; 0 when the tool is not there */

/** Files a second, a process a file, `cores` at a time. */
double bench_mutool(const struct bench_files *files, int cores);
double bench_pdftotext(const struct bench_files *files, int cores);
/** Files a second of ezdxf's recover.readfile, `cores` processes that have it loaded. */
double bench_ezdxf(const struct bench_files *files, int cores);

/* ---- large.c: one huge DXF file */

struct bench_large {
    double megabytes;
    double mb_per_s;
    double rss_anon_mb; /* largest seen of the child */
};

/** Make a DXF of settings->large_mb by repeating the entities of the largest file, read it by one
 * child. False after a message. */
bool bench_large_dxf(const struct bench_settings *settings, const struct bench_files *files,
                     struct bench_large *ret);

/* ---- measure.c */

/** Median of 1 .. BENCH_ROUNDS_MAX values. */
double bench_median(const double *values, int n);
/** Processor seconds of this process and of its children that have ended. */
double bench_cpu_self(void);
double bench_cpu_children(void);
