#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mupdf/fitz.h>

#include "bench/extract/bench.h"
#include "common/base.h"
#include "common/clock.h"

struct bench_floor {
    atomic_size_t next;
    atomic_size_t pages;
    atomic_size_t text_bytes;
};

struct bench_floor *bench_floor_new(void)
{
    void *floor = mmap(NULL, sizeof(struct bench_floor), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return floor == MAP_FAILED ? NULL : floor;
}

void bench_floor_free(struct bench_floor *floor)
{
    if (floor)
        munmap(floor, sizeof *floor);
}

size_t bench_floor_pages(const struct bench_floor *floor) { return atomic_load(&floor->pages); }

static void floor_pages(fz_context *ctx, fz_document *doc, fz_buffer *text,
                        struct bench_floor *shared)
{
    int n = fz_count_pages(ctx, doc);

    for (int i = 0; i < n; i++) {
        fz_try(ctx)
        {
            fz_stext_options options = {0};
            fz_stext_page *page = fz_new_stext_page_from_page_number(ctx, doc, i, &options);
            fz_output *out = fz_new_output_with_buffer(ctx, text);
            fz_print_stext_page_as_text(ctx, out, page);
            fz_close_output(ctx, out);
            fz_drop_output(ctx, out);
            fz_drop_stext_page(ctx, page);
        }
        fz_catch(ctx) continue;
        atomic_fetch_add(&shared->pages, 1);
    }
}

static void floor_file(fz_context *ctx, const char *path, struct bench_floor *shared)
{
    static const char *const keys[] = {
        "format",        "encryption",   "info:Title",    "info:Author",       "info:Subject",
        "info:Keywords", "info:Creator", "info:Producer", "info:CreationDate", "info:ModDate"};
    fz_document *doc = NULL;
    fz_buffer *text = NULL;
    char value[1024];

    fz_var(doc);
    fz_var(text);
    fz_try(ctx)
    {
        doc = fz_open_document(ctx, path);
        if (!fz_needs_password(ctx, doc)) {
            text = fz_new_buffer(ctx, 8192);
            for (size_t i = 0; i < QR_COUNT(keys); i++)
                fz_lookup_metadata(ctx, doc, keys[i], value, sizeof value);
            floor_pages(ctx, doc, text, shared);
            atomic_fetch_add(&shared->text_bytes, fz_buffer_storage(ctx, text, NULL));
        }
    }
    fz_always(ctx)
    {
        fz_drop_buffer(ctx, text);
        fz_drop_document(ctx, doc);
    }
    fz_catch(ctx) return;
}

static void quiet(void *user, const char *message)
{
    (void)user;
    (void)message;
}

static void floor_child(const struct bench_files *files, struct bench_floor *shared, int go)
{
    fz_context *ctx = fz_new_context(NULL, NULL, FZ_STORE_DEFAULT);
    char byte;

    if (!ctx)
        _exit(1);
    fz_register_document_handlers(ctx);
    fz_set_warning_callback(ctx, quiet, NULL);
    fz_set_error_callback(ctx, quiet, NULL);
    if (read(go, &byte, 1) < 0) /* until all are ready: the writing end is closed */
        _exit(1);
    for (;;) {
        size_t i = atomic_fetch_add(&shared->next, 1);
        if (i >= files->n)
            break;
        floor_file(ctx, files->paths[i], shared);
    }
    fz_drop_context(ctx);
    _exit(0);
}

/* Seconds for all files; 0 when a process failed. */
double bench_floor_run(struct bench_floor *shared, const struct bench_files *files, int cores)
{
    pid_t pids[256];
    int go[2];
    bool good = true;

    atomic_store(&shared->next, 0);
    atomic_store(&shared->pages, 0);
    atomic_store(&shared->text_bytes, 0);
    if (pipe(go) != 0)
        return 0;
    for (int i = 0; i < cores; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            close(go[1]);
            floor_child(files, shared, go[0]);
        }
    }
    close(go[0]);
    qr_clock_sleep_ms(100); /* contexts are made outside of the measured time, as the pool's are */
    int64_t start = qr_clock_ns();
    close(go[1]);
    for (int i = 0; i < cores; i++) {
        int status = 1;
        good = pids[i] > 0 && waitpid(pids[i], &status, 0) == pids[i] && status == 0 && good;
    }
    return good ? (double)(qr_clock_ns() - start) / 1e9 : 0;
}
