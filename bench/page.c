#include "bench/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <mupdf/fitz.h>

#define LEFT_PT 56
#define TOP_PT 70

static void show_lines(fz_context *ctx, fz_device *dev, const char *text, const char *name,
                       float size)
{
    const float black[1] = {0};
    fz_font *font = fz_new_base14_font(ctx, name);
    fz_text *shown = fz_new_text(ctx);
    char line[400];
    float y = TOP_PT;

    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        fz_show_string(ctx, shown, font, fz_make_matrix(size, 0, 0, -size, LEFT_PT, y), line, 0, 0,
                       FZ_BIDI_LTR, FZ_LANG_UNSET);
        y += size * 1.35f;
        text += len + (text[len] == '\n');
    }
    fz_fill_text(ctx, dev, shown, fz_identity, fz_device_gray(ctx), black, 1,
                 fz_default_color_params);
    fz_drop_text(ctx, shown);
    fz_drop_font(ctx, font);
}

bool bench_page_draw(const char *text, const char *font, double size_pt, int dpi,
                     struct bench_page *ret)
{
    fz_context *ctx = fz_new_context(NULL, NULL, FZ_STORE_DEFAULT);
    float scale = (float)dpi / 72;

    if (!ctx)
        return false;
    fz_pixmap *pixmap =
        fz_new_pixmap(ctx, fz_device_gray(ctx), (int)(595 * scale), (int)(842 * scale), NULL, 0);
    fz_clear_pixmap_with_value(ctx, pixmap, 255);
    fz_device *dev = fz_new_draw_device(ctx, fz_scale(scale, scale), pixmap);
    show_lines(ctx, dev, text, font, (float)size_pt);
    fz_close_device(ctx, dev);
    fz_drop_device(ctx, dev);
    ret->width = pixmap->w;
    ret->height = pixmap->h;
    ret->dpi = dpi;
    ret->gray = malloc((size_t)pixmap->w * (size_t)pixmap->h);
    for (int y = 0; ret->gray && y < pixmap->h; y++)
        memcpy(ret->gray + (size_t)y * (size_t)pixmap->w,
               pixmap->samples + (ptrdiff_t)y * pixmap->stride, (size_t)pixmap->w);
    fz_drop_pixmap(ctx, pixmap);
    fz_drop_context(ctx);
    return ret->gray != NULL;
}

void bench_page_done(struct bench_page *page)
{
    free(page->gray);
    page->gray = NULL;
}

static uint8_t pixel(const struct bench_page *page, int x, int y)
{
    if (x < 0 || y < 0 || x >= page->width || y >= page->height)
        return 255;
    return page->gray[(size_t)y * (size_t)page->width + (size_t)x];
}

/* Between four pixels. */
static uint8_t sample(const struct bench_page *page, double x, double y)
{
    int x0 = (int)floor(x);
    int y0 = (int)floor(y);
    double fx = x - x0;
    double fy = y - y0;
    double top = pixel(page, x0, y0) * (1 - fx) + pixel(page, x0 + 1, y0) * fx;
    double bottom = pixel(page, x0, y0 + 1) * (1 - fx) + pixel(page, x0 + 1, y0 + 1) * fx;

    return (uint8_t)lround(top * (1 - fy) + bottom * fy);
}

static void skew(const struct bench_page *page, double degrees, uint8_t *to)
{
    double angle = degrees * 3.14159265358979 / 180;
    double middle_x = page->width / 2.0;
    double middle_y = page->height / 2.0;

    for (int y = 0; y < page->height; y++) {
        for (int x = 0; x < page->width; x++) {
            double dx = x - middle_x;
            double dy = y - middle_y;
            *to++ = sample(page, middle_x + dx * cos(angle) - dy * sin(angle),
                           middle_y + dx * sin(angle) + dy * cos(angle));
        }
    }
}

static void blur(const struct bench_page *page, uint8_t *to)
{
    static const int weight[3] = {1, 2, 1};

    for (int y = 0; y < page->height; y++) {
        for (int x = 0; x < page->width; x++) {
            int sum = 0;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++)
                    sum += weight[dy + 1] * weight[dx + 1] * pixel(page, x + dx, y + dy);
            *to++ = (uint8_t)(sum / 16);
        }
    }
}

static double uniform(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) / 16777216.0;
}

/* Contrast about the middle, then noise (Box-Muller). */
static void fade(struct bench_page *page, double contrast, double noise)
{
    size_t n = (size_t)page->width * (size_t)page->height;
    uint32_t seed = 7;

    for (size_t i = 0; i < n; i++) {
        double value = page->gray[i];
        if (contrast > 0)
            value = 128 + (value - 128) * contrast;
        if (noise > 0)
            value += noise * sqrt(-2 * log(uniform(&seed) + 1e-9)) *
                     cos(2 * 3.14159265358979 * uniform(&seed));
        page->gray[i] = (uint8_t)fmin(255, fmax(0, value));
    }
}

static bool compress(struct bench_page *page, int quality)
{
    struct jpeg_compress_struct out = {0};
    struct jpeg_decompress_struct in = {0};
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;

    out.err = jpeg_std_error(&errors);
    jpeg_create_compress(&out);
    jpeg_mem_dest(&out, &bytes, &size);
    out.image_width = (JDIMENSION)page->width;
    out.image_height = (JDIMENSION)page->height;
    out.input_components = 1;
    out.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&out);
    jpeg_set_quality(&out, quality, TRUE);
    jpeg_start_compress(&out, TRUE);
    while (out.next_scanline < out.image_height) {
        JSAMPROW row = page->gray + (size_t)out.next_scanline * (size_t)page->width;
        jpeg_write_scanlines(&out, &row, 1);
    }
    jpeg_finish_compress(&out);
    jpeg_destroy_compress(&out);
    in.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&in);
    jpeg_mem_src(&in, bytes, size);
    bool good = jpeg_read_header(&in, TRUE) == JPEG_HEADER_OK && jpeg_start_decompress(&in);
    while (good && in.output_scanline < in.output_height) {
        JSAMPROW row = page->gray + (size_t)in.output_scanline * (size_t)page->width;
        jpeg_read_scanlines(&in, &row, 1);
    }
    jpeg_destroy_decompress(&in);
    free(bytes);
    return good;
}

static void turn(struct bench_page *page, int degrees, uint8_t *to)
{
    struct bench_page turned = *page;
    bool swap = degrees != 180;

    turned.width = swap ? page->height : page->width;
    turned.height = swap ? page->width : page->height;
    for (int y = 0; y < turned.height; y++)
        for (int x = 0; x < turned.width; x++)
            to[(size_t)y * (size_t)turned.width + (size_t)x] =
                degrees == 90    ? pixel(page, y, page->height - 1 - x)
                : degrees == 180 ? pixel(page, page->width - 1 - x, page->height - 1 - y)
                                 : pixel(page, page->width - 1 - y, x);
    page->width = turned.width;
    page->height = turned.height;
}

bool bench_page_damage(struct bench_page *page, const struct bench_damage *damage)
{
    size_t size = (size_t)page->width * (size_t)page->height;
    uint8_t *copy = malloc(size);

    if (!copy)
        return false;
    if (damage->skew_degrees != 0) {
        skew(page, damage->skew_degrees, copy);
        memcpy(page->gray, copy, size);
    }
    for (int i = 0; i < damage->blur; i++) {
        blur(page, copy);
        memcpy(page->gray, copy, size);
    }
    fade(page, damage->contrast, damage->noise);
    bool good = damage->jpeg_quality == 0 || compress(page, damage->jpeg_quality);
    if (damage->turn != 0) {
        turn(page, damage->turn, copy);
        memcpy(page->gray, copy, size);
    }
    free(copy);
    return good;
}

/* Code points, white space as one blank; the caller frees. */
static uint32_t *points(const char *text, size_t *ret_n)
{
    uint32_t *out = calloc(strlen(text) + 1, sizeof *out);
    size_t n = 0;

    for (const unsigned char *at = (const unsigned char *)text; out && *at != '\0'; at++) {
        if (*at <= ' ') {
            if (n > 0 && out[n - 1] != ' ')
                out[n++] = ' ';
        } else if (*at < 0x80 || *at >= 0xC0) {
            out[n++] = *at;
        } else if (n > 0) {
            out[n - 1] = out[n - 1] << 8 | *at; /* not the code point, but one number for it */
        }
    }
    *ret_n = n > 0 && out[n - 1] == ' ' ? n - 1 : n;
    return out;
}

double bench_accuracy(const char *want, const char *got)
{
    size_t n, m;
    uint32_t *a = points(want, &n);
    uint32_t *b = points(got, &m);
    size_t *row = calloc(m + 1, sizeof *row);
    double accuracy = 0;

    for (size_t j = 0; row && j <= m; j++)
        row[j] = j;
    for (size_t i = 1; a && b && row && i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < other ? change : other;
        }
    }
    if (row && n > 0 && row[m] < n)
        accuracy = 1 - (double)row[m] / (double)n;
    free(a);
    free(b);
    free(row);
    return accuracy;
}
