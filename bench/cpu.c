#include "bench/cpu.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t qr_bench_cpu_ns(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* Fields of /proc/PID/stat behind the command, which may hold anything: parent and the times of
 * children that ended. */
static int read_stat(pid_t pid, pid_t *ret_parent, int64_t *ret_children_ns)
{
    char path[64], line[1024];
    int parent = 0;
    long long cutime = 0, cstime = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *in = fopen(path, "re");
    if (!in)
        return -1;
    size_t n = fread(line, 1, sizeof line - 1, in);
    fclose(in);
    line[n] = '\0';
    const char *at = strrchr(line, ')');
    if (!at || sscanf(at + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lld %lld",
                      &parent, &cutime, &cstime) != 3)
        return -1;
    *ret_parent = parent;
    *ret_children_ns = (cutime + cstime) * (1000000000 / sysconf(_SC_CLK_TCK));
    return 0;
}

int64_t qr_bench_cpu_tree_ns(pid_t pid)
{
    int64_t sum = qr_bench_cpu_ns(pid);
    int64_t ended = 0;
    pid_t parent;
    const struct dirent *entry;
    DIR *dir;

    if (read_stat(pid, &parent, &ended) == 0)
        sum += ended;
    dir = opendir("/proc");
    while (dir && (entry = readdir(dir)) != NULL) {
        pid_t child = (pid_t)strtol(entry->d_name, NULL, 10);
        if (child > 0 && read_stat(child, &parent, &ended) == 0 && parent == pid)
            sum += qr_bench_cpu_tree_ns(child);
    }
    if (dir)
        closedir(dir);
    return sum;
}

int64_t qr_bench_rss_bytes(pid_t pid)
{
    char path[64];
    long long pages = 0;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *in = fopen(path, "re");
    if (!in)
        return 0;
    if (fscanf(in, "%*d %lld", &pages) != 1)
        pages = 0;
    fclose(in);
    return pages * sysconf(_SC_PAGESIZE);
}

pid_t qr_bench_parent(pid_t pid)
{
    int64_t ended;
    pid_t parent = 0;

    return read_stat(pid, &parent, &ended) == 0 ? parent : 0;
}
