/* worker/extract/ocr/language.h
 *
 * Which of the languages that Quarry knows words of does a text look like?
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "worker/extract/ocr/ocr.h"

/** Tesseract's names of the known languages in the order they are tried; NULL-terminated. */
extern const char *const qr_ocr_languages[];

/** Index of the language most of the common words belong to; -1 when they do not tell. */
int qr_ocr_guess_language(const struct qr_ocr_word *words, size_t n_words);
