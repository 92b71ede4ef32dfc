#include "worker/extract/ocr/pixels.h"

#include <stdlib.h>
#include <string.h>

/* The sample: cells of an image laid over the page, each the darkest of a few of its pixels. */
enum { GRID_MAX = 1200, CONTRAST_MIN = 24, BANDS = 8 };

struct grid {
    int width, height;
    uint8_t *cells;
};

/* Share of neighbouring pixels on either side of middle gray above which there is only noise:
 * dense text has 0.04 to 0.10, dithered photographs and static 0.3 and more. */
#define NOISE_SHARE 0.22

static bool make_grid(const struct qr_ocr_image *image, struct grid *ret)
{
    int longest = image->width > image->height ? image->width : image->height;
    int step = (longest + GRID_MAX - 1) / GRID_MAX;

    ret->width = image->width / step;
    ret->height = image->height / step;
    if (ret->width < 1 || ret->height < 1)
        return false;
    ret->cells = malloc((size_t)ret->width * (size_t)ret->height);
    if (!ret->cells)
        return false;
    for (int y = 0; y < ret->height; y++) {
        for (int x = 0; x < ret->width; x++) {
            uint8_t darkest = 255;
            for (int dy = 0; dy < step; dy++) {
                const uint8_t *row = image->gray + (size_t)(y * step + dy) * image->stride +
                                     (size_t)x * (size_t)step;
                for (int dx = 0; dx < step; dx++)
                    darkest = row[dx] < darkest ? row[dx] : darkest;
            }
            ret->cells[(size_t)y * (size_t)ret->width + (size_t)x] = darkest;
        }
    }
    return true;
}

/* Otsu's threshold: splits the histogram so that the variance between the halves is largest. */
static int find_threshold(const uint32_t histogram[256], uint64_t total)
{
    double sum = 0;
    double sum_below = 0;
    double best = -1;
    uint64_t below = 0;
    int at = 127;

    for (int i = 0; i < 256; i++)
        sum += (double)i * histogram[i];
    for (int i = 0; i < 255; i++) {
        below += histogram[i];
        sum_below += (double)i * histogram[i];
        if (below == 0 || below == total)
            continue;
        double above = (double)(total - below);
        double apart = sum_below / (double)below - (sum - sum_below) / above;
        double between = apart * apart * (double)below * above;
        if (between > best) {
            best = between;
            at = i;
        }
    }
    return at;
}

/* Every 16th row, at full resolution: how often does neighbouring ink change? */
static double change_share(const struct qr_ocr_image *image, int *ret_threshold, bool *ret_blank)
{
    uint32_t histogram[256] = {0};
    uint64_t pixels = 0;
    uint64_t changes = 0;
    int darkest = 0;
    int lightest = 255;

    for (int y = 0; y < image->height; y += 16) {
        const uint8_t *row = image->gray + (size_t)y * image->stride;
        for (int x = 0; x < image->width; x++)
            histogram[row[x]]++;
        pixels += (uint64_t)image->width;
    }
    int threshold = find_threshold(histogram, pixels);
    while (darkest < 255 && histogram[darkest] == 0)
        darkest++;
    while (lightest > 0 && histogram[lightest] == 0)
        lightest--;
    for (int y = 0; y < image->height; y += 16) {
        const uint8_t *row = image->gray + (size_t)y * image->stride;
        for (int x = 1; x < image->width; x++)
            changes += (row[x] > threshold) != (row[x - 1] > threshold);
    }
    *ret_threshold = threshold;
    *ret_blank = lightest - darkest < CONTRAST_MIN;
    return pixels > 0 ? (double)changes / (double)pixels : 0;
}

/* How much the ink of neighbouring rows (or columns) differs: lines of text and the gaps between
 * them make it large in the direction across the lines. Fills the ink of each band. */
static double unevenness(const struct grid *grid, int threshold, bool columns, double bands[BANDS])
{
    int n = columns ? grid->width : grid->height;
    int m = columns ? grid->height : grid->width;
    double sum = 0;
    double before = 0;

    memset(bands, 0, BANDS * sizeof bands[0]);
    for (int i = 0; i < n; i++) {
        int ink = 0;
        for (int k = 0; k < m; k++) {
            size_t at = columns ? (size_t)k * (size_t)grid->width + (size_t)i
                                : (size_t)i * (size_t)grid->width + (size_t)k;
            ink += grid->cells[at] <= threshold;
        }
        double share = (double)ink / m;
        if (i > 0)
            sum += (share - before) * (share - before);
        bands[i * BANDS / n] += (share - before) * (share - before);
        before = share;
    }
    return sum / n;
}

void qr_ocr_look(const struct qr_ocr_image *image, struct qr_ocr_look *ret)
{
    struct grid grid = {0};
    double across[BANDS];
    double along[BANDS];
    int threshold;

    memset(ret, 0, sizeof *ret);
    ret->band_bottom = image->height;
    ret->noise = change_share(image, &threshold, &ret->blank) > NOISE_SHARE;
    if (ret->blank || ret->noise || !make_grid(image, &grid))
        return;
    double rows = unevenness(&grid, threshold, false, across);
    double columns = unevenness(&grid, threshold, true, along);
    free(grid.cells);
    ret->sideways = columns > 1.5 * rows;
    const double *bands = ret->sideways ? along : across;
    int side = ret->sideways ? image->width : image->height;
    int best = 0;
    for (int i = 1; i < BANDS; i++)
        best = bands[i] > bands[best] ? i : best;
    ret->band_top = (int)((int64_t)side * best / BANDS);
    ret->band_bottom = (int)((int64_t)side * (best + 1) / BANDS);
}

struct qr_ocr_image qr_ocr_turn(const struct qr_ocr_image *image, int turn, uint8_t *to)
{
    bool swap = turn == 90 || turn == 270;
    struct qr_ocr_image out = {.gray = to,
                               .width = swap ? image->height : image->width,
                               .height = swap ? image->width : image->height,
                               .dpi = image->dpi};

    out.stride = (size_t)out.width;
    for (int y = 0; y < image->height; y++) {
        const uint8_t *row = image->gray + (size_t)y * image->stride;
        for (int x = 0; x < image->width; x++) {
            size_t at_x = (size_t)(turn == 90    ? image->height - 1 - y
                                   : turn == 180 ? image->width - 1 - x
                                   : turn == 270 ? y
                                                 : x);
            size_t at_y = (size_t)(turn == 90    ? x
                                   : turn == 180 ? image->height - 1 - y
                                   : turn == 270 ? image->width - 1 - x
                                                 : y);
            to[at_y * out.stride + at_x] = row[x];
        }
    }
    return out;
}

void qr_ocr_turn_back(const struct qr_ocr_image *image, int turn, float box[4])
{
    float width = (float)image->width;
    float height = (float)image->height;
    float x0 = box[0], y0 = box[1], x1 = box[2], y1 = box[3];

    if (turn == 90) {
        box[0] = y0, box[2] = y1;
        box[1] = height - x1, box[3] = height - x0;
    } else if (turn == 180) {
        box[0] = width - x1, box[2] = width - x0;
        box[1] = height - y1, box[3] = height - y0;
    } else if (turn == 270) {
        box[0] = width - y1, box[2] = width - y0;
        box[1] = x0, box[3] = x1;
    }
}
