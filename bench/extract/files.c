#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/extract/bench.h"

static bool has_extension(const char *name, const char *extension)
{
    const char *dot = strrchr(name, '.');
    return dot && strcasecmp(dot + 1, extension) == 0;
}

static void add_file(struct bench_files *files, const char *path, off_t size)
{
    if ((files->n & (files->n + 1)) == 0 || !files->paths) {
        char **bigger = realloc(files->paths, (files->n * 2 + 2) * sizeof *bigger);
        if (!bigger)
            exit(1);
        files->paths = bigger;
    }
    files->paths[files->n] = strdup(path);
    if (!files->paths[files->n])
        exit(1);
    files->n++;
    files->bytes += (uint64_t)size;
}

void bench_files_collect(struct bench_files *files, const char *folder, const char *extension)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        char path[4096];
        struct stat st;
        int len = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && len < (int)sizeof path && lstat(path, &st) == 0) {
            if (S_ISDIR(st.st_mode))
                bench_files_collect(files, path, extension);
            else if (S_ISREG(st.st_mode) && has_extension(path, extension))
                add_file(files, path, st.st_size);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

void bench_files_done(struct bench_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->paths[i]);
    free(files->paths);
    memset(files, 0, sizeof *files);
}

void bench_files_warm(const struct bench_files *files)
{
    static char block[1 << 16];

    for (size_t i = 0; i < files->n; i++) {
        int fd = open(files->paths[i], O_RDONLY | O_CLOEXEC);
        while (fd >= 0 && read(fd, block, sizeof block) > 0)
            continue;
        if (fd >= 0)
            close(fd);
    }
}
