/* worker/extract/drawing/dimension_words.h
 *
 * The vocabulary of dimension texts: capital letters without dots, sorted by bytes.
 */
#pragma once
#include "worker/extract/drawing/dimension_lex.h"

struct qr_dimension_vocable {
    const char *word;
    enum qr_dimension_word meaning;
};

extern const struct qr_dimension_vocable qr_dimension_vocabulary[];
extern const size_t qr_dimension_n_vocables;
