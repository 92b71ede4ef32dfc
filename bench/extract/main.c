/* bench_extract: how fast documents are read, against the fastest others.
 *
 *     bench_extract --corpus DIR [--rounds N] [--cores N] [--large-mb N] [--worker PROGRAM]
 *
 * PDF: the pool of sandboxed children over all PDF files below DIR/pdf (DIR where that does not
 * exist), with hashing, records and everything enabled, once with drawing analysis and once
 * without; against a plain MuPDF loop over the same files, one process a core without any
 * isolation: open, all pages to structured text, text out, metadata. In turns, on a warm page
 * cache; medians count. OCR is off: the loop has none (bench_ocr measures it). mutool and pdftotext
 * run once, a process a file.
 *
 * DXF: the same pool over DIR/dxf against ezdxf's recover.readfile in as many processes that have
 * it loaded; and one file of --large-mb made by repeating entities, read by one child.
 *
 * The last line is one JSON object; "cpu_s" is the processor time of everything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "bench/extract/bench.h"
#include "common/os/process.h"

static double rounded(double value) { return (double)(int64_t)(value * 1000 + 0.5) / 1000; }

static double ratio(double a, double b) { return b > 0 ? rounded(a / b) : 0; }

static bool parse(int argc, char **argv, struct bench_settings *ret)
{
    ret->rounds = 7;
    ret->large_mb = 200;
    ret->cores = qr_process_cpus();
    for (int i = 1; i + 1 < argc; i += 2) {
        int number = (int)strtol(argv[i + 1], NULL, 10); /* 0 for nonsense is refused below */
        if (strcmp(argv[i], "--corpus") == 0)
            ret->corpus = argv[i + 1];
        else if (strcmp(argv[i], "--worker") == 0)
            ret->worker = argv[i + 1];
        else if (strcmp(argv[i], "--rounds") == 0)
            ret->rounds = number;
        else if (strcmp(argv[i], "--cores") == 0)
            ret->cores = number;
        else if (strcmp(argv[i], "--large-mb") == 0)
            ret->large_mb = number;
        else
            return false;
    }
    return argc % 2 == 1 && ret->corpus && ret->rounds >= 1 && ret->rounds <= BENCH_ROUNDS_MAX &&
           ret->cores >= 1 && ret->cores <= 256 && ret->large_mb >= 0;
}

static void collect(struct bench_files *files, const char *corpus, const char *type)
{
    char folder[4096];
    struct stat st;

    snprintf(folder, sizeof folder, "%s/%s", corpus, type);
    bench_files_collect(files, stat(folder, &st) == 0 ? folder : corpus, type);
}

static void show(const char *what, double rate, double pages_a_file)
{
    printf("%-34s %10.1f %10.1f\n", what, rate, rate * pages_a_file);
}

/* ---------------------------------------------------------------- PDF */

struct pdf_rounds {
    double floor_s[BENCH_ROUNDS_MAX], off_s[BENCH_ROUNDS_MAX], on_s[BENCH_ROUNDS_MAX];
    double floor_cpu;
};

static bool run_pdf(const struct bench_settings *settings, const struct bench_files *files,
                    struct bench_floor *floor, struct qr_pool *pool, struct bench_ours *ours,
                    struct pdf_rounds *ret)
{
    static const struct qr_extract_options off = {.analysis = QR_EXTRACT_OFF,
                                                  .ocr = QR_EXTRACT_OFF};
    static const struct qr_extract_options on = {.analysis = QR_EXTRACT_AUTO,
                                                 .ocr = QR_EXTRACT_OFF};

    for (int round = -1; round < settings->rounds; round++) { /* -1: warms everything up */
        int at = round < 0 ? 0 : round;
        double before = bench_cpu_children();
        ret->floor_s[at] = bench_floor_run(floor, files, settings->cores);
        ret->floor_cpu += bench_cpu_children() - before;
        ret->off_s[at] = bench_ours_run(pool, files, "pdf", &off, ours, NULL, NULL);
        ret->on_s[at] = bench_ours_run(pool, files, "pdf", &on, ours, NULL, NULL);
        if (ret->floor_s[at] <= 0 || ret->off_s[at] <= 0 || ret->on_s[at] <= 0) {
            fprintf(stderr, "bench_extract: a run failed\n");
            return false;
        }
        if (round >= 0)
            printf("round %2d   floor %7.3f s   analysis off %7.3f s   on %7.3f s\n", round + 1,
                   ret->floor_s[at], ret->off_s[at], ret->on_s[at]);
    }
    return true;
}

static json_t *measure_pdf(const struct bench_settings *settings)
{
    static struct pdf_rounds rounds;
    struct bench_files files = {0};
    struct bench_ours ours = {0};
    struct qr_pool_stats stats;
    json_t *out = NULL;
    struct bench_floor *floor = bench_floor_new();
    QR_AUTO(qr_pool) pool = bench_ours_start(settings, &ours);

    collect(&files, settings->corpus, "pdf");
    bench_files_warm(&files);
    if (floor && pool && files.n > 0 && run_pdf(settings, &files, floor, pool, &ours, &rounds)) {
        double n = (double)files.n;
        double pages = (double)bench_floor_pages(floor) / n;
        double floor_rate = n / bench_median(rounds.floor_s, settings->rounds);
        double off = n / bench_median(rounds.off_s, settings->rounds);
        double on = n / bench_median(rounds.on_s, settings->rounds);
        double mutool = bench_mutool(&files, settings->cores);
        double pdftotext = bench_pdftotext(&files, settings->cores);
        qr_pool_get_stats(pool, &stats);
        printf("\n%-34s %10s %10s\n", "PDF", "files/s", "pages/s");
        show("quarry, isolated, analysis off", off, pages);
        show("quarry, isolated, analysis on", on, pages);
        show("plain MuPDF loop, in-process", floor_rate, pages);
        show("mutool, a process a file", mutool, pages);
        show("pdftotext, a process a file", pdftotext, pages);
        printf("of the loop: %.3f off, %.3f on; %.2f times mutool; %zu files, %zu failed\n\n",
               off / floor_rate, on / floor_rate, mutool > 0 ? on / mutool : 0, files.n,
               ours.failed);
        out = json_pack(
            "{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:i, "
            "s:b, s:b}",
            "files_per_s", rounded(on), "files_per_s_analysis_off", rounded(off), "pages_per_s",
            rounded(on * pages), "floor_files_per_s", rounded(floor_rate), "ratio_to_floor",
            ratio(on, floor_rate), "ratio_to_floor_analysis_off", ratio(off, floor_rate),
            "mutool_files_per_s", rounded(mutool), "ratio_to_mutool", ratio(on, mutool),
            "pdftotext_files_per_s", rounded(pdftotext), "peak_rss_mb",
            rounded((double)ours.peak_rss_bytes / 1e6), "files", (json_int_t)files.n, "bytes",
            (json_int_t)files.bytes, "pages", (json_int_t)(pages * n + 0.5), "failed",
            (json_int_t)ours.failed, "children_started", (int)stats.started, "seccomp",
            stats.sandbox.seccomp, "landlock", stats.sandbox.landlock);
    }
    bench_files_done(&files);
    bench_floor_free(floor);
    return out;
}

/* ---------------------------------------------------------------- DXF */

static json_t *measure_dxf(const struct bench_settings *settings)
{
    static const struct qr_extract_options options = {0};
    double seconds[BENCH_ROUNDS_MAX];
    struct bench_files files = {0};
    struct bench_ours ours = {0};
    struct bench_large large = {0};
    json_t *out = NULL;
    bool good = true;
    QR_AUTO(qr_pool) pool = bench_ours_start(settings, &ours);

    collect(&files, settings->corpus, "dxf");
    bench_files_warm(&files);
    for (int round = -1; pool && files.n > 0 && good && round < settings->rounds; round++) {
        double took = bench_ours_run(pool, &files, "dxf", &options, &ours, NULL, NULL);
        good = took > 0;
        seconds[round < 0 ? 0 : round] = took;
    }
    if (pool && files.n > 0 && good) {
        double rate = (double)files.n / bench_median(seconds, settings->rounds);
        double ezdxf = bench_ezdxf(&files, settings->cores);
        printf("%-34s %10s %10s\n", "DXF", "files/s", "MB/s");
        show("quarry, isolated", rate, (double)files.bytes / 1e6 / (double)files.n);
        show("ezdxf recover.readfile", ezdxf, (double)files.bytes / 1e6 / (double)files.n);
        if (settings->large_mb > 0 && bench_large_dxf(settings, &files, &large))
            printf("one file of %.0f MB, one child: %.1f MB/s, RssAnon %.1f MB\n", large.megabytes,
                   large.mb_per_s, large.rss_anon_mb);
        printf("%.1f times ezdxf; %zu files, %zu failed\n\n", ezdxf > 0 ? rate / ezdxf : 0, files.n,
               ours.failed);
        out = json_pack(
            "{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I}", "files_per_s", rounded(rate),
            "ezdxf_files_per_s", rounded(ezdxf), "ratio_to_ezdxf", ratio(rate, ezdxf),
            "peak_rss_mb", rounded((double)ours.peak_rss_bytes / 1e6), "large_mb",
            rounded(large.megabytes), "large_mb_per_s", rounded(large.mb_per_s),
            "large_rss_anon_mb", rounded(large.rss_anon_mb), "files", (json_int_t)files.n, "bytes",
            (json_int_t)files.bytes, "failed", (json_int_t)ours.failed);
    }
    bench_files_done(&files);
    return out;
}

int main(int argc, char **argv)
{
    struct bench_settings settings = {0};
    char worker[4096];

    if (!parse(argc, argv, &settings)) {
        fprintf(stderr,
                "usage: bench_extract --corpus DIR [--rounds 1..%d] [--cores N] [--large-mb N] "
                "[--worker PROGRAM]\n",
                BENCH_ROUNDS_MAX);
        return 2;
    }
    if (!settings.worker && qr_process_self(worker, sizeof worker - 16)) {
        static const char name[] = "/quarry-worker"; /* stands beside this program */
        memcpy(strrchr(worker, '/'), name, sizeof name);
        settings.worker = worker;
    }
    double cpu = bench_cpu_self() + bench_cpu_children();
    json_t *pdf = measure_pdf(&settings);
    json_t *dxf = measure_dxf(&settings);
    cpu = bench_cpu_self() + bench_cpu_children() - cpu;
    if (!pdf && !dxf) {
        fprintf(stderr, "bench_extract: no PDF or DXF files below %s, or none could be read\n",
                settings.corpus);
        return 1;
    }
    json_t *out = json_pack("{s:s, s:o*, s:o*, s:f, s:{s:s, s:i, s:i}}", "bench", "extract", "pdf",
                            pdf, "dxf", dxf, "cpu_s", rounded(cpu), "settings", "corpus",
                            settings.corpus, "rounds", settings.rounds, "cores", settings.cores);
    json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(out);
    return 0;
}
