/* bench_ocr: how well and how fast pages of known text are read from pixels.
 *
 *     bench_ocr [--quick]
 *
 * Each case is one page of English and one of German, typeset by MuPDF, damaged as scanners do
 * (bench/page.h) and read by worker/extract/ocr in this process, on one thread. Accuracy is
 * 1 - edit distance / length, over white space taken as one. The last line is one JSON object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <jansson.h>

#include "bench/page.h"
#include "common/base.h"
#include "common/buf.h"
#include "common/clock.h"
#include "worker/extract/ocr/ocr.h"

static const char english[] =
    "Mounting instructions for the gear unit, drawing 4711-0815 revision B\n"
    "The shaft is turned from tempered steel and ground to size after hardening. All edges\n"
    "shall be broken by 0.5 mm unless otherwise stated. A surface roughness of Ra 1.6 applies\n"
    "to the bearing seats. Material: 42CrMo4, hardness 28 to 32 HRC, certificate 3.1.\n"
    "Tolerances are according to ISO 2768-mK. Do not scale this drawing; ask if in doubt.\n"
    "Tighten the six bolts M12 x 1.75 crosswise with 86 Nm. The depth of the thread is 25 mm.\n"
    "The weight is 3.45 kg. Drawn by J. Smith on 2019-04-17, checked by A. Brown.\n"
    "The customer shall be informed of each deviation before delivery of the first article.\n"
    "\n"
    "Quantity 24 pieces, part number 100-238-77, supplier code 55102, price 18.90 per piece.\n"
    "Clean all joint faces before assembly and apply a thin layer of sealing compound.\n"
    "Check the axial play of the bearing: it has to lie between 0.02 and 0.05 mm at 20 degrees.\n"
    "Fill in 1.2 litres of oil of class VG 220 and run the unit for 30 minutes without load.\n"
    "The temperature of the housing must not exceed 75 degrees; stop the test at once if so.\n"
    "Noise is measured at a distance of 1 m; the limit is 72 dB at 1450 revolutions.\n"
    "Paint: primer 60 microns, top coat RAL 7016, thickness 80 microns in total.\n"
    "Store the unit in a dry place and turn the shaft by hand once every three months.\n"
    "Spare parts are listed in table 3. Order them by number and give the year of make.\n"
    "This document is protected by copyright and may not be passed on without consent.\n";

static const char german[] =
    "Montageanleitung für das Getriebe, Zeichnung 4711-0815 Änderung B\n"
    "Die Welle wird aus vergütetem Stahl gedreht und nach dem Härten auf Maß geschliffen.\n"
    "Alle Kanten sind mit 0,5 mm zu brechen, sofern nichts anderes angegeben ist. Für die\n"
    "Lagersitze gilt eine Rauheit von Ra 1,6. Werkstoff: 42CrMo4, Härte 28 bis 32 HRC.\n"
    "Die Toleranzen entsprechen ISO 2768-mK. Die Zeichnung darf nicht skaliert werden.\n"
    "Die sechs Schrauben M12 x 1,75 sind über Kreuz mit 86 Nm anzuziehen, Tiefe 25 mm.\n"
    "Das Gewicht beträgt 3,45 kg. Gezeichnet von J. Müller am 17.04.2019, geprüft von A. Groß.\n"
    "Der Kunde ist über jede Abweichung vor der Lieferung des ersten Teils zu unterrichten.\n"
    "\n"
    "Stückzahl 24, Sachnummer 100-238-77, Lieferant 55102, Preis je Stück 18,90 Euro.\n"
    "Alle Dichtflächen vor dem Zusammenbau reinigen und eine dünne Schicht Paste auftragen.\n"
    "Das axiale Spiel des Lagers muss bei 20 Grad zwischen 0,02 und 0,05 mm liegen.\n"
    "Es werden 1,2 Liter Öl der Klasse VG 220 eingefüllt; Probelauf 30 Minuten ohne Last.\n"
    "Die Temperatur des Gehäuses darf 75 Grad nicht überschreiten, sonst sofort abschalten.\n"
    "Das Geräusch wird in 1 m Abstand gemessen; die Grenze ist 72 dB bei 1450 Umdrehungen.\n"
    "Anstrich: Grundierung 60 Mikrometer, Decklack RAL 7016, zusammen 80 Mikrometer.\n"
    "Das Getriebe ist trocken zu lagern, die Welle alle drei Monate von Hand zu drehen.\n"
    "Ersatzteile stehen in Tabelle 3. Bei der Bestellung ist das Baujahr anzugeben.\n"
    "Dieses Dokument ist urheberrechtlich geschützt und darf nicht weitergegeben werden.\n";

static const struct {
    const char *name;
    int dpi;
    bool quick;
    struct bench_damage damage;
} cases[] = {
    {"clean_300", 300, true, {.turn = 0}},
    {"clean_200", 200, false, {.turn = 0}},
    {"clean_150", 150, true, {.turn = 0}},
    {"noise_300", 300, false, {.noise = 40}},
    {"blur_300", 300, false, {.blur = 6}},
    {"skew1_300", 300, false, {.skew_degrees = 1}},
    {"skew2_300", 300, true, {.skew_degrees = -2}},
    {"contrast_300", 300, false, {.contrast = 0.25}},
    {"jpeg15_300", 300, false, {.jpeg_quality = 15}},
    {"jpeg15_150", 150, false, {.jpeg_quality = 15}},
    {"turned90_300", 300, true, {.turn = 90}},
    {"turned180_300", 300, false, {.turn = 180}},
    {"turned270_300", 300, false, {.turn = 270}},
    {"scan_300",
     300,
     false,
     {.skew_degrees = 0.7, .blur = 3, .contrast = 0.6, .noise = 12, .jpeg_quality = 30}},
    {"scan_200",
     200,
     true,
     {.skew_degrees = 0.7, .blur = 2, .contrast = 0.6, .noise = 12, .jpeg_quality = 30}},
    {"scan_150",
     150,
     false,
     {.skew_degrees = 0.7, .blur = 1, .contrast = 0.6, .noise = 12, .jpeg_quality = 30}},
};

struct outcome {
    double accuracy;
    double confidence;
    int64_t ms; /* of processor time */
    char language[8];
};

/* Of this process: the machine may do other things as well. */
static int64_t cpu_ms(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (int64_t)usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 +
           (int64_t)usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000;
}

static double peak_mb(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss / 1024 : 0;
}

static void join(const struct qr_ocr_text *text, struct qr_buf *out)
{
    for (size_t i = 0; i < text->n_words; i++) {
        qr_buf_append(out, text->words[i].text, text->words[i].len);
        qr_buf_append_str(out, text->words[i].ends_line ? "\n" : " ");
    }
}

static bool run_page(struct qr_ocr *ocr, const char *text, const char *font, size_t index,
                     struct outcome *ret)
{
    struct bench_page page = {0};
    struct qr_ocr_text found;
    struct qr_buf joined;

    if (!bench_page_draw(text, font, 11, cases[index].dpi, &page) ||
        !bench_page_damage(&page, &cases[index].damage)) {
        bench_page_done(&page);
        return false;
    }
    struct qr_ocr_image image = {.gray = page.gray,
                                 .width = page.width,
                                 .height = page.height,
                                 .stride = (size_t)page.width,
                                 .dpi = page.dpi};
    qr_ocr_begin(ocr);
    qr_buf_init(&joined, (size_t)1 << 24);
    int64_t start = cpu_ms();
    bool good = qr_ocr_read(ocr, &image, QR_OCR_COLUMNS, 300000, &found) == QR_OCR_READ;
    ret->ms = cpu_ms() - start;
    join(&found, &joined);
    ret->accuracy = joined.len > 0 ? bench_accuracy(text, (const char *)joined.data) : 0;
    ret->confidence = found.confidence;
    snprintf(ret->language, sizeof ret->language, "%s", found.language ? found.language : "");
    qr_buf_done(&joined);
    bench_page_done(&page);
    return good;
}

static double four(double value) { return (double)(int64_t)(value * 10000 + 0.5) / 10000; }

int main(int argc, char **argv)
{
    bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    json_t *by_case = json_object();
    double sum = 0;
    double worst = 1;
    int64_t total_ms = 0;
    int pages = 0;

    if (argc > 1 && !quick) {
        fprintf(stderr, "usage: bench_ocr [--quick]\n");
        return 2;
    }
    double before_mb = peak_mb();
    int64_t start = qr_clock_ns();
    struct qr_ocr *ocr = qr_ocr_new();
    double load_ms = (double)(qr_clock_ns() - start) / 1e6;
    double loaded_mb = peak_mb();
    if (!ocr || !qr_ocr_is_available(ocr)) {
        fprintf(stderr, "bench_ocr: no OCR: %s; hint: ./dev setup, then ./dev build\n",
                ocr ? qr_ocr_describe(ocr) : "out of memory");
        qr_ocr_free(ocr);
        return 1;
    }
    printf("%s; load %.1f ms, %.1f MB\n\n", qr_ocr_describe(ocr), load_ms, loaded_mb - before_mb);
    printf("%-16s %10s %6s %6s %4s   %10s %6s %6s %4s\n", "", "English", "conf", "ms", "", "German",
           "conf", "ms", "");
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct outcome en = {0};
        struct outcome de = {0};
        if (quick && !cases[i].quick)
            continue;
        if (!run_page(ocr, english, "Helvetica", i, &en) ||
            !run_page(ocr, german, "Times-Roman", i, &de))
            fprintf(stderr, "bench_ocr: %s was not read\n", cases[i].name);
        printf("%-16s %10.4f %6.2f %6lld %4s   %10.4f %6.2f %6lld %4s\n", cases[i].name,
               en.accuracy, en.confidence, (long long)en.ms, en.language, de.accuracy,
               de.confidence, (long long)de.ms, de.language);
        fflush(stdout);
        json_object_set_new(by_case, cases[i].name,
                            json_pack("[f, f]", four(en.accuracy), four(de.accuracy)));
        sum += en.accuracy + de.accuracy;
        worst = en.accuracy < worst ? en.accuracy : worst;
        worst = de.accuracy < worst ? de.accuracy : worst;
        total_ms += en.ms + de.ms;
        pages += 2;
    }
    json_t *out = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:o}", "bench", "ocr",
                            "engine", qr_ocr_describe(ocr), "accuracy_mean", four(sum / pages),
                            "accuracy_worst", four(worst), "pages_per_minute_per_core",
                            four(60000.0 * pages / (double)total_ms), "load_ms", four(load_ms),
                            "load_mb", four(loaded_mb - before_mb), "peak_rss_mb", four(peak_mb()),
                            "pages", pages, "accuracy_en_de", by_case);
    putchar('\n');
    json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(out);
    qr_ocr_free(ocr);
    return 0;
}
