/* worker/extract/drawing/title_words.h
 *
 * The tables behind title_labels.h; nobody else includes them, but their test.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "worker/extract/drawing/title_labels.h"

struct qr_title_word_row {
    enum qr_title_field field;
    const char *labels;
};
extern const struct qr_title_word_row qr_title_word_rows[];
extern const size_t qr_title_n_word_rows;

struct qr_title_tag_row {
    enum qr_title_field field;
    bool needs_prefix;
    const char *labels;
};
extern const struct qr_title_tag_row qr_title_tag_rows[];
extern const size_t qr_title_n_tag_rows;
