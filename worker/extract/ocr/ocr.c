#include "worker/extract/ocr/ocr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/record/utf8.h"
#include "worker/extract/ocr/data.h"
#include "worker/extract/ocr/language.h"
#include "worker/extract/ocr/pixels.h"
#include "worker/extract/ocr/tess.h"

#define LANGUAGES_MAX 4
#define TEXT_MAX ((size_t)4 * 1024 * 1024)
#define NOISE_CONFIDENCE 0.30f /* words below it are dropped */
#define GOOD_CONFIDENCE 0.70   /* no other orientation is tried */
#define PI 3.14159265358979

struct language {
    const char *name;
    struct qr_ocr_data data;
    TessBaseAPI *api; /* NULL until used first */
    bool broken;
};

/* What one pass over an image gave. */
struct pass {
    struct qr_ocr_word *words;
    size_t n_words;
    size_t cap_words;
    struct qr_buf text;
    double confidence;
    double weight; /* letters times confidence */
    size_t dropped;
    bool out_of_time;
};

struct qr_ocr {
    struct qr_tess tess;
    struct language languages[LANGUAGES_MAX];
    size_t n_languages;
    struct pass passes[2]; /* the best, and one to compare with it */

    /* of the document */
    bool knows_document;
    int turn;
    size_t language;

    char description[120];
    bool available;
};

static void describe(struct qr_ocr *ocr)
{
    size_t used = (size_t)snprintf(ocr->description, sizeof ocr->description,
                                   "tesseract %s:", ocr->tess.version());

    for (size_t i = 0; i < ocr->n_languages && used < sizeof ocr->description; i++)
        used += (size_t)snprintf(ocr->description + used, sizeof ocr->description - used, "%s %s",
                                 i > 0 ? "," : "", ocr->languages[i].name);
}

struct qr_ocr *qr_ocr_new(void)
{
    struct qr_ocr *ocr = calloc(1, sizeof *ocr);
    struct qr_err err = {0};

    if (!ocr)
        return NULL;
    qr_buf_init(&ocr->passes[0].text, TEXT_MAX);
    qr_buf_init(&ocr->passes[1].text, TEXT_MAX);
    for (size_t i = 0; qr_ocr_languages[i] && ocr->n_languages < LANGUAGES_MAX; i++) {
        struct language *language = &ocr->languages[ocr->n_languages];
        language->name = qr_ocr_languages[i];
        ocr->n_languages += qr_ocr_data_map(language->name, &language->data);
    }
    if (ocr->n_languages == 0) {
        snprintf(ocr->description, sizeof ocr->description, "no language data installed");
    } else if (qr_tess_load(&ocr->tess, &err) < 0) {
        snprintf(ocr->description, sizeof ocr->description, "%s", err.msg);
    } else {
        describe(ocr);
        ocr->available = true;
    }
    return ocr;
}

void qr_ocr_free(struct qr_ocr *ocr)
{
    if (!ocr)
        return;
    for (size_t i = 0; i < ocr->n_languages; i++) {
        if (ocr->languages[i].api)
            ocr->tess.free(ocr->languages[i].api);
        qr_ocr_data_unmap(&ocr->languages[i].data);
    }
    for (size_t i = 0; i < QR_COUNT(ocr->passes); i++) {
        free(ocr->passes[i].words);
        qr_buf_done(&ocr->passes[i].text);
    }
    free(ocr); /* the library stays: unloading it is not safe */
}

bool qr_ocr_is_available(const struct qr_ocr *ocr) { return ocr && ocr->available; }

const char *qr_ocr_describe(const struct qr_ocr *ocr) { return ocr->description; }

void qr_ocr_begin(struct qr_ocr *ocr)
{
    ocr->knows_document = false;
    ocr->turn = 0;
    ocr->language = 0;
}

/* Language in the lowest byte, quarter turns in the next, and whether these are known. */
uint32_t qr_ocr_memory(const struct qr_ocr *ocr)
{
    uint32_t quarters = (uint32_t)(ocr->turn / 90) & 3;
    return ocr->knows_document ? 1u << 16 | quarters << 8 | (uint32_t)ocr->language : 0;
}

void qr_ocr_set_memory(struct qr_ocr *ocr, uint32_t memory)
{
    if (memory >> 16 != 1 || (memory & 0xFF) >= ocr->n_languages)
        return;
    ocr->knows_document = true;
    ocr->turn = (int)(memory >> 8 & 3) * 90;
    ocr->language = memory & 0xFF;
}

/* The language's engine, set up when it is used for the first time. */
static TessBaseAPI *engine_of(struct qr_ocr *ocr, size_t index)
{
    struct language *language = &ocr->languages[index];

    if (language->api || language->broken)
        return language->api;
    TessBaseAPI *api = ocr->tess.create();
    if (api && ocr->tess.init(api, language->data.bytes, (int)language->data.size, language->name,
                              OEM_LSTM_ONLY, NULL, 0, NULL, NULL, 0, false) != 0) {
        ocr->tess.free(api);
        api = NULL;
    }
    language->broken = !api;
    language->api = api;
    return api;
}

static bool add_word(struct pass *pass, const char *text, size_t len,
                     const struct qr_ocr_word *from)
{
    if (pass->n_words == QR_OCR_WORDS_MAX)
        return false;
    if (pass->n_words == pass->cap_words) {
        size_t cap = pass->cap_words ? pass->cap_words * 2 : 512;
        struct qr_ocr_word *words = realloc(pass->words, cap * sizeof *words);
        if (!words)
            return false;
        pass->words = words;
        pass->cap_words = cap;
    }
    if (!qr_buf_append(&pass->text, text, len + 1))
        return false;
    struct qr_ocr_word *word = &pass->words[pass->n_words++];
    *word = *from;
    word->len = (uint32_t)len;
    return true;
}

/* Degrees counter-clockwise of a base line in the image that was read. */
static float angle_of(const struct qr_ocr *ocr, const TessPageIterator *at)
{
    int x0, y0, x1, y1;

    if (!ocr->tess.baseline(at, RIL_TEXTLINE, &x0, &y0, &x1, &y1) || (x0 == x1 && y0 == y1))
        return 0;
    return (float)(atan2((double)(y0 - y1), (double)(x1 - x0)) * 180 / PI);
}

static float whole_turn(float angle)
{
    float turned = fmodf(angle + 720, 360);

    return turned < 0.05f || turned > 359.95f ? 0 : roundf(turned * 10) / 10;
}

/* The iterator's word into the pass. */
static bool take_word(struct qr_ocr *ocr, struct pass *pass, TessResultIterator *it,
                      const struct qr_ocr_pose *pose)
{
    const TessPageIterator *at = ocr->tess.place(it);
    struct qr_ocr_word word = {0};
    int left, top, right, bottom;
    bool taken = true;
    char *text = ocr->tess.text(it, RIL_WORD);

    word.confidence = ocr->tess.confidence(it, RIL_WORD) / 100;
    word.ends_line = ocr->tess.is_last(at, RIL_TEXTLINE, RIL_WORD);
    word.ends_block = ocr->tess.is_last(at, RIL_BLOCK, RIL_WORD);
    size_t len = text ? strlen(text) : 0;
    bool noise = len == 0 || text[strspn(text, " ")] == '\0' ||
                 !(word.confidence >= NOISE_CONFIDENCE) || !qr_utf8_is_clean(text, len) ||
                 !ocr->tess.box(at, RIL_WORD, &left, &top, &right, &bottom);
    if (noise) {
        pass->dropped += len > 0;
        if (pass->n_words > 0) { /* the line ends with the word before */
            pass->words[pass->n_words - 1].ends_line |= word.ends_line;
            pass->words[pass->n_words - 1].ends_block |= word.ends_block;
        }
    } else {
        float box[4] = {(float)left, (float)top, (float)right, (float)bottom};
        qr_ocr_pose_back(pose, box);
        word.x0 = box[0], word.y0 = box[1], word.x1 = box[2], word.y1 = box[3];
        word.angle = whole_turn(angle_of(ocr, at) + (float)pose->angle);
        taken = add_word(pass, text, len, &word);
    }
    if (text)
        ocr->tess.free_text(text);
    return taken;
}

/* Pointers into the text, and the means, once it no longer moves. */
static void finish(struct pass *pass)
{
    const char *text = (const char *)pass->text.data;
    double letters = 0;

    for (size_t i = 0; i < pass->n_words; i++) {
        struct qr_ocr_word *word = &pass->words[i];
        word->text = text;
        text += word->len + 1;
        letters += word->len;
        pass->weight += (double)word->confidence * word->len;
    }
    pass->confidence = letters > 0 ? pass->weight / letters : 0;
}

static void collect(struct qr_ocr *ocr, TessBaseAPI *api, struct pass *pass,
                    const struct qr_ocr_pose *pose)
{
    TessResultIterator *it = ocr->tess.iterator(api);

    if (!it)
        return;
    while (take_word(ocr, pass, it, pose) && ocr->tess.next(it, RIL_WORD))
        continue;
    ocr->tess.free_iterator(it);
    finish(pass);
}

/* One reading. */
struct request {
    const struct qr_ocr_image *image;
    const struct qr_ocr_look *look;
    enum qr_ocr_layout layout;
    int turn;
    size_t language;
    bool band; /* only the band that has the most to read */
    int64_t until_ms;
};

static void start(struct pass *pass)
{
    pass->n_words = 0;
    pass->confidence = 0;
    pass->weight = 0;
    pass->dropped = 0;
    pass->out_of_time = false;
    qr_buf_clear(&pass->text);
}

/* What the band has become in the turned image. It is cut out here: the library's own rectangle of
 * interest leaves traces that make it read later images worse. */
static struct qr_ocr_image cut_band(const struct request *request, const struct qr_ocr_pose *pose,
                                    const struct qr_ocr_image *turned)
{
    const struct qr_ocr_look *look = request->look;
    float box[4] = {0, (float)look->band_top, (float)request->image->width,
                    (float)look->band_bottom};
    struct qr_ocr_image band = *turned;

    if (look->sideways) {
        box[0] = (float)look->band_top, box[2] = (float)look->band_bottom;
        box[1] = 0, box[3] = (float)request->image->height;
    }
    qr_ocr_pose_forth(pose, box);
    int x0 = (int)fmaxf(box[0], 0), y0 = (int)fmaxf(box[1], 0);
    int x1 = (int)fminf(box[2], (float)pose->width), y1 = (int)fminf(box[3], (float)pose->height);
    if (x1 > x0 && y1 > y0) {
        band.gray += (size_t)y0 * band.stride + (size_t)x0;
        band.width = x1 - x0;
        band.height = y1 - y0;
    }
    return band;
}

/* Hand the image over, turned as asked for; the library copies it. */
static bool show(struct qr_ocr *ocr, TessBaseAPI *api, const struct request *request,
                 struct qr_ocr_pose *pose)
{
    struct qr_ocr_image image = *request->image;
    uint8_t *turned = NULL;

    qr_ocr_pose_set(pose, &image, request->turn, request->look->skew);
    if (request->turn != 0 || !pose->exact) {
        turned = malloc((size_t)pose->width * (size_t)pose->height);
        if (!turned)
            return false;
        qr_ocr_straighten(&image, pose, turned);
        image.gray = turned;
        image.width = pose->width;
        image.height = pose->height;
        image.stride = (size_t)pose->width;
    }
    if (request->band)
        image = cut_band(request, pose, &image);
    ocr->tess.set_image(api, image.gray, image.width, image.height, 1, (int)image.stride);
    ocr->tess.set_resolution(api, image.dpi);
    free(turned);
    return true;
}

static bool recognise(struct qr_ocr *ocr, const struct request *request, struct pass *pass)
{
    TessBaseAPI *api = engine_of(ocr, request->language);
    int64_t left_ms = request->until_ms - qr_clock_ms();
    struct qr_ocr_pose pose;

    start(pass);
    if (!api)
        return false;
    if (left_ms <= 0) {
        pass->out_of_time = true;
        return true;
    }
    ETEXT_DESC *monitor = ocr->tess.create_monitor();
    ocr->tess.set_mode(api, request->layout == QR_OCR_SPARSE ? PSM_SPARSE_TEXT : PSM_AUTO);
    bool shown = monitor && show(ocr, api, request, &pose);
    if (shown) {
        ocr->tess.set_deadline(monitor, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
        ocr->tess.recognize(api, monitor); /* fails when out of time: what there is counts */
        collect(ocr, api, pass, &pose);
        pass->out_of_time = qr_clock_ms() >= request->until_ms;
    }
    if (monitor)
        ocr->tess.free_monitor(monitor);
    ocr->tess.clear(api);
    return shown;
}

static void swap_passes(struct qr_ocr *ocr)
{
    struct pass first = ocr->passes[0];

    ocr->passes[0] = ocr->passes[1];
    ocr->passes[1] = first;
}

/* Index of the language the words of a pass are of, where it is installed; else `otherwise`. */
static size_t language_of(const struct qr_ocr *ocr, const struct pass *pass, size_t otherwise)
{
    int guess = qr_ocr_guess_language(pass->words, pass->n_words);

    for (size_t i = 0; guess >= 0 && i < ocr->n_languages; i++)
        if (strcmp(ocr->languages[i].name, qr_ocr_languages[guess]) == 0)
            return i;
    return otherwise;
}

/* Which way up and in which language a band of the image reads best: a look before the whole of it
 * is read, for little. */
static void sample(struct qr_ocr *ocr, struct request *request)
{
    static const int upright[] = {0, 180, 90, 270};
    static const int lying[] = {90, 270, 0, 180};
    const int *turns = request->look->sideways ? lying : upright;
    struct request trial = *request;
    double best = 0;

    trial.band = true;
    for (int i = 0; i < 4; i++) {
        trial.turn = turns[i];
        if (!recognise(ocr, &trial, &ocr->passes[1]))
            return;
        const struct pass *pass = &ocr->passes[1];
        double score = pass->weight * pass->confidence;
        if (score > 1.2 * best) { /* what comes first is likelier */
            best = score;
            request->turn = trial.turn;
            request->language = language_of(ocr, pass, request->language);
        }
        if (pass->confidence >= GOOD_CONFIDENCE || pass->out_of_time)
            return;
    }
}

/* Read again in another way; the better of both stays. */
static void try_other(struct qr_ocr *ocr, struct request *best, const struct request *other)
{
    if ((other->turn == best->turn && other->language == best->language) ||
        !recognise(ocr, other, &ocr->passes[1]) || ocr->passes[1].out_of_time ||
        ocr->passes[1].weight <= ocr->passes[0].weight)
        return;
    swap_passes(ocr);
    *best = *other;
}

/* Read the whole of it; again where that gave a reason to. */
static bool read_whole(struct qr_ocr *ocr, struct request *request)
{
    struct request other;
    bool lies = request->turn == 90 || request->turn == 270;
    bool sampled = !ocr->knows_document || lies != request->look->sideways;

    if (sampled)
        sample(ocr, request);
    if (!recognise(ocr, request, &ocr->passes[0]))
        return false;
    if (!sampled && ocr->passes[0].confidence < GOOD_CONFIDENCE && !ocr->passes[0].out_of_time) {
        other = *request;
        sample(ocr, &other);
        try_other(ocr, request, &other);
    }
    if (!ocr->passes[0].out_of_time) {
        other = *request;
        other.language = language_of(ocr, &ocr->passes[0], request->language);
        try_other(ocr, request, &other);
    }
    if (ocr->passes[0].confidence >= GOOD_CONFIDENCE) {
        ocr->knows_document = true;
        ocr->turn = request->turn;
        ocr->language = request->language;
    }
    return true;
}

enum qr_ocr_status qr_ocr_read(struct qr_ocr *ocr, const struct qr_ocr_image *image,
                               enum qr_ocr_layout layout, int64_t budget_ms,
                               struct qr_ocr_text *ret)
{
    struct qr_ocr_look look;

    memset(ret, 0, sizeof *ret);
    if (!ocr->available)
        return QR_OCR_UNAVAILABLE;
    if (image->width > QR_OCR_SIDE_MAX || image->height > QR_OCR_SIDE_MAX ||
        (size_t)image->width * (size_t)image->height > QR_OCR_PIXELS_MAX)
        return QR_OCR_REFUSED;
    if (image->width < 8 || image->height < 8)
        return QR_OCR_READ; /* no letter is that small */
    qr_ocr_look(image, &look);
    if (look.blank || look.noise)
        return look.blank ? QR_OCR_READ : QR_OCR_REFUSED;
    struct request request = {.image = image,
                              .look = &look,
                              .layout = layout,
                              .turn = ocr->turn,
                              .language = ocr->language,
                              .until_ms = qr_clock_ms() + budget_ms};
    if (!read_whole(ocr, &request))
        return QR_OCR_FAILED;
    const struct pass *pass = &ocr->passes[0];
    *ret = (struct qr_ocr_text){.words = pass->words,
                                .n_words = pass->n_words,
                                .confidence = pass->confidence,
                                .turn = request.turn,
                                .language = ocr->languages[request.language].name,
                                .dropped = pass->dropped,
                                .out_of_time = pass->out_of_time};
    return QR_OCR_READ;
}
