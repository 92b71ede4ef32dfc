/* The reader of exchange files by itself, one file: part21_reader index|extract FILE ROUNDS
 *
 * index    the file mapped, its records found
 * extract  all that an extraction does in the child: hash, index, tree, properties, shape, record
 *
 * Prints one JSON line: processor seconds of each round, records, bytes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/extract/extract.h"
#include "worker/extract/p21/p21.h"

static double cpu(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int fail(const char *what)
{
    fprintf(stderr, "part21_reader: %s\n", what);
    return 1;
}

static int index_rounds(int fd, size_t size, int rounds)
{
    struct qr_err err = {0};
    uint32_t records = 0;
    size_t memory = 0;
    const uint8_t *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

    if (data == MAP_FAILED)
        return fail("cannot map the file");
    printf("{\"bytes\":%zu,\"cpu_s\":[", size);
    for (int i = 0; i < rounds; i++) {
        struct qr_p21 *p21 = NULL;
        double before = cpu();
        if (qr_p21_open(data, size, NULL, NULL, &p21, &err) < 0)
            return fail(err.msg);
        printf("%s%.6f", i > 0 ? "," : "", cpu() - before);
        records = qr_p21_count(p21);
        memory = qr_p21_memory(p21);
        qr_p21_free(p21);
    }
    printf("],\"found\":%u,\"index_bytes\":%zu}\n", records, memory);
    return 0;
}

static int extract_rounds(int fd, const char *name, size_t size, int rounds)
{
    struct qr_extract_job job = {.fd = fd, .name = name, .type = "", .max_file_bytes = UINT64_MAX};
    static struct qr_engine engine;
    struct qr_record *rec = qr_record_new(NULL);
    struct qr_err err = {0};

    if (!rec || qr_engine_init(&engine, (size_t)512 << 20, &err) < 0)
        return fail("no memory");
    printf("{\"bytes\":%zu,\"cpu_s\":[", size);
    for (int i = 0; i < rounds; i++) {
        qr_record_reset(rec);
        double before = cpu();
        qr_extract_file(&engine, &job, rec);
        printf("%s%.6f", i > 0 ? "," : "", cpu() - before);
        if (rec->msg->error)
            return fail(rec->msg->error->message);
    }
    printf("],\"found\":%llu}\n",
           (unsigned long long)(rec->msg->cad ? rec->msg->cad->instances : 0));
    qr_engine_done(&engine);
    qr_record_free(rec);
    return 0;
}

int main(int argc, char **argv)
{
    struct stat info;

    if (argc != 4)
        return fail("usage: part21_reader index|extract FILE ROUNDS");
    int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0)
        return fail("cannot open the file");
    int rounds = atoi(argv[3]);
    if (strcmp(argv[1], "index") == 0)
        return index_rounds(fd, (size_t)info.st_size, rounds);
    return extract_rounds(fd, argv[2], (size_t)info.st_size, rounds);
}
