/* Runs a target over files and folders given as arguments: the seeds, or a finding. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *in = fopen(path, "rbe");
    long size = in && fseek(in, 0, SEEK_END) == 0 ? ftell(in) : -1;
    uint8_t *data = size >= 0 ? malloc((size_t)size + 1) : NULL;
    int rc = 1;

    if (data && fseek(in, 0, SEEK_SET) == 0 && fread(data, 1, (size_t)size, in) == (size_t)size)
        rc = LLVMFuzzerTestOneInput(data, (size_t)size);
    else
        fprintf(stderr, "cannot read %s\n", path);
    if (in)
        fclose(in);
    free(data);
    return rc;
}

static int run(const char *path, int *count)
{
    struct dirent **entries;
    struct stat st;
    int rc = 0;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        ++*count;
        return run_file(path);
    }
    int n = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && rc == 0)
            rc = run(inner, count);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return rc;
}

int main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++)
        if (run(argv[i], &count) != 0)
            return 1;
    printf("%d inputs\n", count);
    return count == 0;
}
