/* Metrics of this process, from the system. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "coordinator/http/families.h"

static bool read_text(const char *path, char *buf, size_t cap)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return false;
    size_t len = fread(buf, 1, cap - 1, file);
    buf[len] = '\0';
    fclose(file);
    return len > 0;
}

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* Fields of /proc/self/stat behind the command, which may hold blanks and ')'; field 3 is index 0.
 * Source: proc(5). */
static bool stat_field(unsigned number, uint64_t *ret)
{
    char text[1024];

    if (!read_text("/proc/self/stat", text, sizeof text))
        return false;
    char *at = strrchr(text, ')');
    for (unsigned i = 2; at && i < number; i++)
        at = strchr(at + 1, ' ');
    if (!at)
        return false;
    *ret = strtoull(at + 1, NULL, 10);
    return true;
}

/* When the machine was started, Unix time; its line stands behind one whose length grows with the
 * machine. */
static bool boot_time(double *ret)
{
    FILE *file = fopen("/proc/stat", "re");
    char *line = NULL;
    size_t cap = 0;
    bool found = false;

    while (file && !found && getline(&line, &cap, file) > 0)
        found = strncmp(line, "btime ", 6) == 0;
    if (found)
        *ret = strtod(line + 6, NULL);
    free(line);
    if (file)
        fclose(file);
    return found;
}

static bool start_time(double *ret)
{
    uint64_t ticks;
    double boot;
    long hertz = sysconf(_SC_CLK_TCK);

    if (hertz <= 0 || !stat_field(22, &ticks) || !boot_time(&boot))
        return false;
    *ret = boot + (double)ticks / (double)hertz;
    return true;
}

static bool open_files(uint64_t *ret)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (!dir)
        return false;
    for (const struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    *ret = n > 0 ? n - 1 : 0; /* without the one just used to look */
    return true;
}

void qr_metrics_process(struct qr_metrics *metrics)
{
    struct rusage usage;
    struct rlimit limit;
    uint64_t value;
    double start;

    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        qr_metrics_family(metrics, "process_cpu_seconds_total", QR_METRIC_COUNTER,
                          "processor time used, user and system");
        qr_metrics_double(metrics, NULL, 0, seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
    }
    if (stat_field(24, &value))
        qr_metrics_gauge(metrics, "process_resident_memory_bytes", "memory in use",
                         (double)value * (double)sysconf(_SC_PAGESIZE));
    if (stat_field(23, &value))
        qr_metrics_gauge(metrics, "process_virtual_memory_bytes", "address space in use",
                         (double)value);
    if (stat_field(20, &value))
        qr_metrics_gauge(metrics, "process_threads", "threads", (double)value);
    if (open_files(&value))
        qr_metrics_gauge(metrics, "process_open_fds", "open file descriptors", (double)value);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        qr_metrics_gauge(metrics, "process_max_fds", "most file descriptors allowed",
                         (double)limit.rlim_cur);
    if (start_time(&start))
        qr_metrics_gauge(metrics, "process_start_time_seconds", "when it started, Unix time",
                         start);
}
