/* ctl/text.h
 *
 * Numbers, times and names as people read them, and how wide text is on a terminal. Pure functions:
 * no allocation, no state. Text that came from elsewhere (file names, messages) is made harmless
 * first: control characters and broken UTF-8 never reach a terminal.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One UTF-8 character at `text` (`len` bytes left, at least 1): its code point, and how many bytes
 * it takes. Broken bytes are U+FFFD, one byte each. Source: RFC 3629. */
uint32_t qr_text_decode(const char *text, size_t len, size_t *ret_bytes);

/** Terminal columns of one code point: 0 for combining marks, 2 for wide East Asian characters and
 *  emoji, otherwise 1. Control characters count 1, for the '?' that replaces them. */
int qr_text_char_width(uint32_t ch);

/** Terminal columns of a string. */
size_t qr_text_width(const char *text);

/**
 * Copy `text` fit for a terminal: control characters become '?', broken UTF-8 U+FFFD, and at most
 * `columns` columns are kept (SIZE_MAX: all). What is cut is marked with `ellipsis`, which counts.
 *
 *   keep_end  cut the front instead of the end: for paths, whose end says more
 * Returns the columns used; the result always ends in NUL, cut further when cap is too small.
 */
size_t qr_text_fit(const char *text, size_t columns, bool keep_end, const char *ellipsis, char *buf,
                   size_t cap);

/* Each of these fills buf and returns it. 32 bytes are always enough. */

/** "just now", "12 s ago", "3 min ago", "2 h ago", "5 d ago"; after 30 days the date; "-" for 0. */
const char *qr_text_ago(int64_t now_ms, int64_t then_ms, char *buf, size_t cap);
/** "850 ms", "12.3 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
const char *qr_text_duration(int64_t ms, char *buf, size_t cap);
/** What is left, for a clock: "0:07", "12:40", "1:02:03". */
const char *qr_text_clock(int64_t ms, char *buf, size_t cap);
/** "512 B", "1.5 kB", "30.1 MB": by 1000. */
const char *qr_text_size(uint64_t bytes, char *buf, size_t cap);
/** "1,234,567". */
const char *qr_text_count(uint64_t n, char *buf, size_t cap);
/** "0.42", "41.2", "1,234": three digits that mean something. */
const char *qr_text_rate(double per_s, char *buf, size_t cap);
/** "2026-01-31 08:15:30" in local time; "-" for 0. */
const char *qr_text_time(int64_t wall_ms, char *buf, size_t cap);

/** Edits (insert, delete, replace, swap of neighbours) between two words of at most 64 bytes;
 *  SIZE_MAX for longer ones. Source: Damerau-Levenshtein, optimal string alignment. */
size_t qr_text_distance(const char *a, const char *b);
