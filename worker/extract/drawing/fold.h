/* worker/extract/drawing/fold.h
 *
 * Text as labels and header words are compared: lower case, without diacritics and punctuation,
 * words parted by one blank. "Maßstab:" is "massstab", "DWG_NO." is "dwg no", "材 料" is "材料",
 * "Лист" is "лист". Full-width forms become ASCII; the signs # and № become "no". Between a CJK
 * character and a letter or digit there is a word boundary, between two CJK characters none.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QR_FOLD_BYTES = 192, QR_FOLD_WORDS = 32 };

struct qr_fold_word {
    uint16_t at, end;  /* in qr_fold.text */
    uint32_t from, to; /* in the text itself: bytes */
};

struct qr_fold {
    char text[QR_FOLD_BYTES + 1]; /* NUL-terminated */
    size_t len;
    struct qr_fold_word words[QR_FOLD_WORDS];
    size_t n_words;
    bool whole; /* nothing was left out for want of room */
};

/** Fold clean UTF-8. What does not fit is left out, in whole words. */
void qr_fold(const char *text, size_t len, struct qr_fold *ret);

/** Letters (of any script) and decimal digits in clean UTF-8. */
struct qr_letters {
    size_t letters, digits, others; /* others: neither, blanks not counted */
};
void qr_letters_count(const char *text, size_t len, struct qr_letters *ret);

/** Without blanks at both ends; U+00A0 and U+3000 are blanks too. */
const char *qr_trim(const char *text, size_t *len);
