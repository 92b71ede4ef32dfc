/* bench/page.h
 *
 * Pages of known text as gray pixels, and what scanners, copiers and fax machines do to them.
 *
 * Everything random comes from a fixed seed, so a page is the same in every run.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_page {
    uint8_t *gray; /* width x height, no padding */
    int width;
    int height;
    int dpi;
};

/** What happens to a page, in this order; zeroes: nothing. */
struct bench_damage {
    double skew_degrees; /* counter-clockwise, about the middle */
    int blur;            /* passes of a 3x3 binomial filter */
    double contrast;     /* 0 < share of the range that is left; 0: all */
    double noise;        /* standard deviation, of 255 */
    int jpeg_quality;    /* 1 .. 100; 0: not compressed */
    int turn;            /* degrees clockwise */
};

/** Typeset lines, separated by \n, with one of MuPDF's fonts ("Helvetica") on an A4 page. */
bool bench_page_draw(const char *text, const char *font, double size_pt, int dpi,
                     struct bench_page *ret);
bool bench_page_damage(struct bench_page *page, const struct bench_damage *damage);
void bench_page_done(struct bench_page *page);

/** 1 - edit distance / length of `want`, at least 0; runs of white space count as one blank. */
double bench_accuracy(const char *want, const char *got);
