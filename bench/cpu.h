/* bench/cpu.h
 *
 * Processor time and memory of other processes, for saying where the time goes.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/** User and system time of a process so far, in nanoseconds; 0 when it is gone. */
int64_t qr_bench_cpu_ns(pid_t pid);
/** The same of a process and all it has started, ended ones included (to 10 ms each). */
int64_t qr_bench_cpu_tree_ns(pid_t pid);
/** Resident memory now, in bytes. */
int64_t qr_bench_rss_bytes(pid_t pid);
/** The process that started it; 0 when it is gone. */
pid_t qr_bench_parent(pid_t pid);
