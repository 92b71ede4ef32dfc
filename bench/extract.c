/* bench_extract: what isolation costs.
 *
 *     bench_extract --corpus DIR [--rounds N] [--cores N] [--worker PROGRAM]
 *
 * Ours: the pool of sandboxed children over all PDF files below DIR (below DIR/pdf where that
 * exists), with hashing, records and everything enabled. Floor: a plain MuPDF loop over the same
 * files, one process a core without any isolation: open, all pages to structured text, text out,
 * metadata. Both run in turns on a warm page cache; the medians count. mutool and pdftotext run
 * once, one process a file. The last line is one JSON object.
 *
 * On a machine that does other things as well, processor time says more than the rates: "cpu_ratio"
 * is the floor's over ours, with all of ours: children, their start, the pool's own process.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>
#include <mupdf/fitz.h>

#include "common/clock.h"
#include "common/os/process.h"
#include "worker/pool/pool.h"

#define MAX_ROUNDS 101

extern char **environ;

struct files {
    char **paths;
    size_t n;
    uint64_t bytes;
};

/* What the processes of the floor share. */
struct shared {
    atomic_size_t next;
    atomic_size_t pages;
    atomic_size_t text_bytes;
};

struct settings {
    const char *corpus;
    const char *worker;
    int rounds;
    int cores;
};

static bool is_pdf(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcasecmp(name + len - 4, ".pdf") == 0;
}

static void add_file(struct files *files, const char *path, off_t size)
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

static void collect(struct files *files, const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        char path[4096];
        struct stat st;
        int len = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && len < (int)sizeof path && lstat(path, &st) == 0) {
            if (S_ISDIR(st.st_mode))
                collect(files, path);
            else if (S_ISREG(st.st_mode) && is_pdf(path))
                add_file(files, path, st.st_size);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

/* Processor seconds of this process, or of its children that have ended. */
static double cpu_of(__rusage_who_t who)
{
    struct rusage usage;

    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void warm(const struct files *files)
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

/* ---------------------------------------------------------------- floor */

static void floor_pages(fz_context *ctx, fz_document *doc, fz_buffer *text, struct shared *shared)
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

static void floor_file(fz_context *ctx, const char *path, struct shared *shared)
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

static void floor_child(const struct files *files, struct shared *shared, int go)
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
static double run_floor(const struct settings *settings, const struct files *files,
                        struct shared *shared)
{
    pid_t pids[256];
    int go[2];
    bool good = true;

    atomic_store(&shared->next, 0);
    atomic_store(&shared->pages, 0);
    atomic_store(&shared->text_bytes, 0);
    if (pipe(go) != 0)
        return 0;
    for (int i = 0; i < settings->cores; i++) {
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
    for (int i = 0; i < settings->cores; i++) {
        int status = 1;
        good = pids[i] > 0 && waitpid(pids[i], &status, 0) == pids[i] && status == 0 && good;
    }
    return good ? (double)(qr_clock_ns() - start) / 1e9 : 0;
}

/* ---------------------------------------------------------------- ours */

struct ours {
    size_t done;
    size_t failed;
    uint64_t record_bytes;
};

static void on_done(void *arg, const struct qr_pool_result *result)
{
    struct ours *ours = arg;
    ours->done++;
    ours->failed += result->cls != QR_CLASS_NONE;
    ours->record_bytes += result->record_bytes;
}

static double run_ours(struct qr_pool *pool, const struct files *files, struct ours *ours)
{
    struct qr_err err;
    size_t next = 0;

    memset(ours, 0, sizeof *ours);
    int64_t start = qr_clock_ns();
    while (ours->done < files->n) {
        while (next < files->n && qr_pool_room(pool) > 0) {
            struct qr_pool_job job = {.id = next + 1, .name = files->paths[next], .type = "pdf"};
            job.fd = open(files->paths[next], O_RDONLY | O_CLOEXEC);
            if (job.fd < 0 || qr_pool_submit(pool, &job, &err) < 0)
                return 0;
            next++;
        }
        struct pollfd fd = {.fd = qr_pool_fd(pool), .events = POLLIN};
        poll(&fd, 1, qr_pool_wait_ms(pool));
        qr_pool_dispatch(pool);
    }
    return (double)(qr_clock_ns() - start) / 1e9;
}

static struct qr_pool *start_pool(const struct settings *settings, struct ours *ours)
{
    struct qr_pool *pool = NULL;
    struct qr_pool_stats stats = {0};
    struct qr_err err = {0};
    struct qr_pool_config config = {
        .program = settings->worker, .children = settings->cores, .done = on_done, .arg = ours};

    if (qr_pool_new(&config, &pool, &err) < 0) {
        fprintf(stderr, "bench_extract: %s\n", err.msg);
        return NULL;
    }
    for (int i = 0; i < 100 && !stats.sandbox.seccomp; i++) {
        qr_clock_sleep_ms(20);
        qr_pool_dispatch(pool);
        qr_pool_get_stats(pool, &stats);
    }
    return pool;
}

/* ---------------------------------------------------------------- other tools */

static pid_t start_tool(const char *const argv[])
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Files a second of a tool that is started once for each file, `cores` at a time; 0: not there. */
static double run_tool(const struct settings *settings, const struct files *files, bool mutool)
{
    size_t next = 0;
    int running = 0;
    int64_t start = qr_clock_ns();

    while (next < files->n || running > 0) {
        if (next < files->n && running < settings->cores) {
            const char *path = files->paths[next++];
            const char *const draw[] = {"mutool", "draw", "-q", "-F", "txt", path, NULL};
            const char *const text[] = {"pdftotext", path, "-", NULL};
            if (start_tool(mutool ? draw : text) < 0)
                return 0;
            running++;
        } else if (wait(NULL) > 0) {
            running--;
        } else if (errno != EINTR) {
            return 0;
        }
    }
    return (double)files->n / ((double)(qr_clock_ns() - start) / 1e9);
}

/* ---------------------------------------------------------------- report */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, int n)
{
    double sorted[MAX_ROUNDS];

    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static double rounded(double value) { return (double)(int64_t)(value * 1000 + 0.5) / 1000; }

static bool parse(int argc, char **argv, struct settings *ret)
{
    ret->rounds = 7;
    ret->cores = qr_process_cpus();
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--corpus") == 0)
            ret->corpus = argv[i + 1];
        else if (strcmp(argv[i], "--worker") == 0)
            ret->worker = argv[i + 1];
        else if (strcmp(argv[i], "--rounds") == 0)
            ret->rounds = (int)strtol(argv[i + 1], NULL, 10); /* 0 for nonsense is refused below */
        else if (strcmp(argv[i], "--cores") == 0)
            ret->cores = (int)strtol(argv[i + 1], NULL, 10);
        else
            return false;
    }
    return argc % 2 == 1 && ret->corpus && ret->rounds >= 1 && ret->rounds <= MAX_ROUNDS &&
           ret->cores >= 1 && ret->cores <= 256;
}

static int measure(const struct settings *settings, const struct files *files)
{
    double ours_s[MAX_ROUNDS];
    double floor_s[MAX_ROUNDS];
    double floor_cpu = 0;
    double ours_cpu = -cpu_of(RUSAGE_SELF) - cpu_of(RUSAGE_CHILDREN);
    struct ours ours;
    struct qr_pool_stats stats;
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    QR_AUTO(qr_pool) pool = start_pool(settings, &ours);

    if (shared == MAP_FAILED || !pool)
        return 1;
    warm(files);
    for (int round = -1; round < settings->rounds; round++) { /* -1: warms everything up */
        int at = round < 0 ? 0 : round;
        double before = cpu_of(RUSAGE_CHILDREN);
        floor_s[at] = run_floor(settings, files, shared);
        floor_cpu += cpu_of(RUSAGE_CHILDREN) - before;
        ours_s[at] = run_ours(pool, files, &ours);
        if (floor_s[at] <= 0 || ours_s[at] <= 0) {
            fprintf(stderr, "bench_extract: a run failed\n");
            return 1;
        }
        if (round >= 0)
            printf("round %2d   floor %7.3f s   ours %7.3f s\n", round + 1, floor_s[at],
                   ours_s[at]);
    }
    qr_pool_get_stats(pool, &stats);
    qr_pool_free(qr_steal(&pool)); /* its children's time counts when they have ended */
    ours_cpu += cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN) - floor_cpu;
    double n = (double)files->n;
    double pages = (double)atomic_load(&shared->pages);
    double ours_rate = n / median(ours_s, settings->rounds);
    double floor_rate = n / median(floor_s, settings->rounds);
    double mutool = run_tool(settings, files, true);
    double pdftotext = run_tool(settings, files, false);
    printf("\n%-34s %10s %10s\n", "", "files/s", "pages/s");
    printf("%-34s %10.1f %10.1f\n", "quarry, isolated", ours_rate, ours_rate * pages / n);
    printf("%-34s %10.1f %10.1f\n", "plain MuPDF loop, in-process", floor_rate,
           floor_rate * pages / n);
    printf("%-34s %10.1f %10.1f\n", "mutool, a process a file", mutool, mutool * pages / n);
    printf("%-34s %10.1f %10.1f\n", "pdftotext, a process a file", pdftotext,
           pdftotext * pages / n);
    printf("processor time: floor over ours %.3f\n", floor_cpu / ours_cpu);
    printf("ratio to floor %.3f on %d cores, %zu files, %.0f pages, %zu failed\n\n",
           ours_rate / floor_rate, settings->cores, files->n, pages, ours.failed);
    json_t *out = json_pack(
        "{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:{s:s, s:i, s:I, s:I, s:I, s:I, s:i, s:b, "
        "s:b}}",
        "bench", "extract", "files_per_s", rounded(ours_rate), "pages_per_s",
        rounded(ours_rate * pages / n), "floor_files_per_s", rounded(floor_rate), "ratio_to_floor",
        rounded(ours_rate / floor_rate), "cpu_ratio", rounded(floor_cpu / ours_cpu),
        "mutool_files_per_s", rounded(mutool), "pdftotext_files_per_s", rounded(pdftotext), "cores",
        settings->cores, "settings", "corpus", settings->corpus, "rounds", settings->rounds,
        "files", (json_int_t)files->n, "bytes", (json_int_t)files->bytes, "pages",
        (json_int_t)pages, "failed", (json_int_t)ours.failed, "children_started",
        (int)stats.started, "seccomp", stats.sandbox.seccomp, "landlock", stats.sandbox.landlock);
    json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(out);
    munmap(shared, sizeof *shared);
    return 0;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct files files = {0};
    char folder[4096];
    char worker[4096];
    struct stat st;

    if (!parse(argc, argv, &settings)) {
        fprintf(stderr,
                "usage: bench_extract --corpus DIR [--rounds 1..%d] [--cores N] "
                "[--worker PROGRAM]\n",
                MAX_ROUNDS);
        return 2;
    }
    snprintf(folder, sizeof folder, "%s/pdf", settings.corpus);
    collect(&files, stat(folder, &st) == 0 ? folder : settings.corpus);
    if (files.n == 0) {
        fprintf(stderr, "bench_extract: no PDF files below %s\n", settings.corpus);
        return 1;
    }
    if (!settings.worker && qr_process_self(worker, sizeof worker - 16)) {
        static const char name[] = "/quarry-worker"; /* stands beside this program */
        memcpy(strrchr(worker, '/'), name, sizeof name);
        settings.worker = worker;
    }
    int rc = measure(&settings, &files);
    for (size_t i = 0; i < files.n; i++)
        free(files.paths[i]);
    free(files.paths);
    return rc;
}
