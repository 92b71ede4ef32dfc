/* A DXF far larger than any buffer, read by one sandboxed child. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/extract/bench.h"

static char *read_whole(const char *path, size_t *ret_len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *data = NULL;

    if (fd >= 0 && fstat(fd, &st) == 0 && (data = malloc((size_t)st.st_size + 1))) {
        ssize_t n = read(fd, data, (size_t)st.st_size);
        *ret_len = n > 0 ? (size_t)n : 0;
        data[*ret_len] = '\0';
    }
    if (fd >= 0)
        close(fd);
    return data;
}

/* Where the entities of an ASCII DXF begin and end. */
static bool find_entities(const char *data, size_t len, size_t *ret_from, size_t *ret_to)
{
    const char *section = memmem(data, len, "\nENTITIES", 9);
    const char *from = section ? strchr(section + 1, '\n') : NULL;
    const char *end = from ? strstr(from, "\nENDSEC") : NULL;

    if (!end)
        return false;
    while (end > from && end[-1] != '\n') /* back over the line with the code 0 */
        end--;
    *ret_from = (size_t)(from + 1 - data);
    *ret_to = (size_t)(end - data);
    return *ret_to > *ret_from;
}

/* The file whose entities take most space. */
static char *pick(const struct bench_files *files, size_t *ret_len, size_t *ret_from,
                  size_t *ret_to)
{
    char *best = NULL;

    *ret_from = *ret_to = 0;
    for (size_t i = 0; i < files->n; i++) {
        size_t len = 0;
        size_t from;
        size_t to;
        char *data = read_whole(files->paths[i], &len);
        if (data && find_entities(data, len, &from, &to) && to - from > *ret_to - *ret_from) {
            free(best);
            best = data;
            *ret_len = len;
            *ret_from = from;
            *ret_to = to;
        } else {
            free(data);
        }
    }
    return best;
}

static bool write_large(const struct bench_files *files, int megabytes, const char *path)
{
    size_t len = 0;
    size_t from;
    size_t to;
    char *data = pick(files, &len, &from, &to);
    FILE *out = data ? fopen(path, "wbe") : NULL;
    bool good = out && fwrite(data, 1, from, out) == from;

    for (size_t written = from; good && written < (size_t)megabytes * 1000000; written += to - from)
        good = fwrite(data + from, 1, to - from, out) == to - from;
    good = good && fwrite(data + to, 1, len - to, out) == len - to;
    if (out)
        good = fclose(out) == 0 && good;
    free(data);
    return good;
}

/* The largest RssAnon of any child of ours: memory it cannot give back by dropping file pages. */
static void sample_children(void *arg)
{
    double *peak_kb = arg;
    char path[64];
    char line[256];
    long pid;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "re");
    while (children && fscanf(children, "%ld", &pid) == 1) {
        snprintf(path, sizeof path, "/proc/%ld/status", pid);
        FILE *status = fopen(path, "re");
        while (status && fgets(line, sizeof line, status))
            if (strncmp(line, "RssAnon:", 8) == 0 && strtod(line + 8, NULL) > *peak_kb)
                *peak_kb = strtod(line + 8, NULL);
        if (status)
            fclose(status);
    }
    if (children)
        fclose(children);
}

bool bench_large_dxf(const struct bench_settings *settings, const struct bench_files *files,
                     struct bench_large *ret)
{
    static const struct qr_extract_options options = {0};
    const char *folder = getenv("TMPDIR");
    char path[4096];
    char *paths[] = {path};
    struct bench_files one = {.paths = paths, .n = 1};
    struct bench_settings alone = *settings;
    struct bench_ours counts;
    double seconds[5];
    double peak_kb = 0;
    struct stat st;

    snprintf(path, sizeof path, "%s/quarry-bench-%d.dxf", folder ? folder : "/tmp", (int)getpid());
    alone.cores = 1;
    bool good = write_large(files, settings->large_mb, path) && stat(path, &st) == 0;
    QR_AUTO(qr_pool) pool = good ? bench_ours_start(&alone, &counts) : NULL;
    bench_files_warm(&one);
    for (int round = 0; pool && good && round < 5; round++) {
        seconds[round] =
            bench_ours_run(pool, &one, "dxf", &options, &counts, sample_children, &peak_kb);
        good = seconds[round] > 0 && counts.failed == 0;
    }
    unlink(path);
    if (!pool || !good) {
        fprintf(stderr, "bench_extract: the large DXF file could not be made or read\n");
        return false;
    }
    ret->megabytes = (double)st.st_size / 1e6;
    ret->mb_per_s = ret->megabytes / bench_median(seconds, 5);
    ret->rss_anon_mb = peak_kb / 1000;
    return true;
}
