/* worker/extract/ocr/ocr.h
 *
 * Text from pixels, by Tesseract: words with their place, confidence and reading direction.
 *
 * Made outside the sandbox, where the library is loaded and the language data are mapped; used
 * inside, where nothing can be opened. A language is set up from its mapped data when the first
 * image is read with it, so a process that never reads one pays for neither time nor memory.
 * Everything runs on the calling thread. Not thread-safe. Design: docs/ocr.md.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"

struct qr_ocr;

/** 8-bit gray, 0 is black, first row on top; borrowed. */
struct qr_ocr_image {
    const uint8_t *gray;
    int width;
    int height;
    size_t stride; /* bytes from row to row */
    int dpi;       /* of the paper, for the sizes of letters */
};

enum { QR_OCR_SIDE_MAX = 32000, QR_OCR_WORDS_MAX = 50000 };

/** Pixels of an image beyond which it is refused: callers render smaller. */
#define QR_OCR_PIXELS_MAX ((size_t)40 * 1000 * 1000)

enum qr_ocr_layout {
    QR_OCR_COLUMNS, /* a page of text: blocks in reading order */
    QR_OCR_SPARSE,  /* text here and there, as on drawings: no order */
};

struct qr_ocr_word {
    const char *text; /* clean UTF-8 without spaces, NUL-terminated */
    uint32_t len;
    float x0, y0, x1, y1; /* pixels of the image, y downwards, x0 <= x1, y0 <= y1 */
    float confidence;     /* 0..1 */
    float angle;          /* reading direction, degrees counter-clockwise, 0 .. <360 */
    bool ends_line;
    bool ends_block;
};

/** What was read; valid until the next call with the same qr_ocr. */
struct qr_ocr_text {
    struct qr_ocr_word *words; /* in reading order */
    size_t n_words;
    double confidence;    /* mean over the letters, 0..1; 0 without words */
    int turn;             /* degrees clockwise that set the image upright: 0, 90, 180, 270 */
    const char *language; /* "eng" */
    size_t dropped;       /* words left out as noise: read with almost no confidence */
    bool out_of_time;     /* the rest of the image was not read */
};

enum qr_ocr_status {
    QR_OCR_READ,        /* perhaps no words */
    QR_OCR_UNAVAILABLE, /* not built in, not installed, no language: see qr_ocr_describe() */
    QR_OCR_REFUSED,     /* larger than allowed, or nothing but noise */
    QR_OCR_FAILED,      /* out of memory, or the library gave up */
};

/** Load the library and map the languages; see qr_ocr_describe() for how that went. NULL only
 *  when out of memory. */
struct qr_ocr *qr_ocr_new(void);
void qr_ocr_free(struct qr_ocr *ocr);
QR_DEFINE_AUTO(qr_ocr)

bool qr_ocr_is_available(const struct qr_ocr *ocr);

/** "tesseract 5.3.0: eng, deu", or why there is none: "not built in". For people. */
const char *qr_ocr_describe(const struct qr_ocr *ocr);

/** A new document: forget which language and orientation the last one had. */
void qr_ocr_begin(struct qr_ocr *ocr);
/** What is known of the document by now, as a number for qr_ocr_set_memory(). */
uint32_t qr_ocr_memory(const struct qr_ocr *ocr);
void qr_ocr_set_memory(struct qr_ocr *ocr, uint32_t memory);

/**
 * Read one image, upright or turned by 90, 180 or 270 degrees.
 *
 * The language is that of the document's last image; when the words found look like another
 * installed language the image is read again in that one and the better result stays.
 *
 *   budget_ms  wall clock for all of it; words found until then are kept
 */
enum qr_ocr_status qr_ocr_read(struct qr_ocr *ocr, const struct qr_ocr_image *image,
                               enum qr_ocr_layout layout, int64_t budget_ms,
                               struct qr_ocr_text *ret);
