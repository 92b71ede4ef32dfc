#include "worker/extract/ocr/pixels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The sample: cells of an image laid over the page, each the darkest of a few of its pixels. */
enum { GRID_MAX = 1200, CONTRAST_MIN = 24, BANDS = 8, PAPER_SHADES = 32 };

#define PI 3.14159265358979
#define SKEW_MAX 4.0   /* degrees */
#define SKEW_MIN 0.3   /* less does not disturb */
#define SKEW_STEP 0.25 /* of the first search; the second goes in fifths of it */

struct grid {
    int width, height;
    uint8_t *cells;
};

/* Share of neighbouring pixels on either side of middle gray above which there is only noise:
 * dense text has 0.04 to 0.10, dithered photographs and static 0.3 and more. */
#define NOISE_SHARE 0.22

/* Shapes that are too many for letters: a page of 5,000 letters has 7,000 to 12,000 upper ends. The
 * time of layout analysis, which cannot be interrupted, grows with them. */
#define TOPS_MAX 40000

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

/* Does anything dark touch the run x0 .. x1 from above? */
static bool is_covered(const uint8_t *above, int x0, int x1, int width, int threshold)
{
    for (int x = x0 > 0 ? x0 - 1 : 0; x <= x1 + 1 && x < width; x++)
        if (above[x] <= threshold)
            return true;
    return false;
}

/* About how many upper ends of dark shapes there are: a letter has one to three. Every fourth row
 * is looked at. */
static uint64_t count_tops(const struct qr_ocr_image *image, int threshold)
{
    uint64_t tops = 0;

    for (int y = 4; y < image->height; y += 4) {
        const uint8_t *row = image->gray + (size_t)y * image->stride;
        for (int x = 0; x < image->width; x++) {
            int start = x;
            while (x < image->width && row[x] <= threshold)
                x++;
            tops += x > start &&
                    !is_covered(row - image->stride, start, x - 1, image->width, threshold);
        }
    }
    return tops * 4;
}

/* Of PAPER_SHADES neighbouring shades, those that most pixels have. */
static double commonest_share(const uint32_t histogram[256], uint64_t total)
{
    uint64_t in_window = 0;
    uint64_t best = 0;

    for (int i = 0; i < 256; i++) {
        in_window += histogram[i];
        if (i >= PAPER_SHADES)
            in_window -= histogram[i - PAPER_SHADES];
        best = in_window > best ? in_window : best;
    }
    return total > 0 ? (double)best / (double)total : 0;
}

/* Every 16th row, at full resolution: how often does neighbouring ink change? */
static double change_share(const struct qr_ocr_image *image, int *ret_threshold,
                           struct qr_ocr_look *ret)
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
    ret->blank = lightest - darkest < CONTRAST_MIN;
    ret->paper = commonest_share(histogram, pixels);
    return pixels > 0 ? (double)changes / (double)pixels : 0;
}

/* The dark cells of a grid, as offsets along the lines and across them. */
struct dots {
    int16_t *along;
    int16_t *across;
    size_t n;
    int size; /* of the grid across the lines */
};

static void take_dots(const struct grid *grid, int threshold, bool sideways, struct dots *dots)
{
    dots->n = 0;
    dots->size = sideways ? grid->width : grid->height;
    for (int y = 0; y < grid->height; y++) {
        const uint8_t *row = grid->cells + (size_t)y * (size_t)grid->width;
        for (int x = 0; x < grid->width; x++) {
            if (row[x] > threshold)
                continue;
            dots->along[dots->n] = (int16_t)(sideways ? y : x);
            dots->across[dots->n++] = (int16_t)(sideways ? x : y);
        }
    }
}

/* How uneven the ink is across lines of that slope: lines of text and the gaps between them make it
 * large where slope and direction are right. Fills `bands`, when given, by where it is uneven. */
static double unevenness(const struct dots *dots, double slope, double bands[BANDS])
{
    static const int margin = GRID_MAX / 8;
    uint32_t ink[GRID_MAX + GRID_MAX / 4 + 2] = {0};
    int n = dots->size + 2 * margin;
    double sum = 0;

    for (size_t i = 0; i < dots->n; i++) {
        int at = margin + dots->across[i] - (int)lround(slope * dots->along[i]);
        if (at >= 0 && at < n)
            ink[at]++;
    }
    for (int i = 1; i < n; i++) {
        double step = (double)ink[i] - (double)ink[i - 1];
        sum += step * step;
        int band = (i - margin) * BANDS / dots->size;
        if (bands && band >= 0 && band < BANDS)
            bands[band] += step * step;
    }
    return sum;
}

/* The slope with the greatest unevenness, in degrees, and how great it is there. */
static double find_slope(const struct dots *dots, double *ret_degrees)
{
    double level = unevenness(dots, 0, NULL);
    double best = level;
    double at = 0;

    for (int round = 0; round < 2; round++) {
        double step = round == 0 ? SKEW_STEP : SKEW_STEP / 5;
        double middle = at;
        int reach = round == 0 ? (int)(SKEW_MAX / SKEW_STEP) : 4;
        for (int i = -reach; i <= reach; i++) {
            double degrees = middle + i * step;
            double found = unevenness(dots, tan(degrees * PI / 180), NULL);
            if (found > best) {
                best = found;
                at = degrees;
            }
        }
    }
    *ret_degrees = fabs(at) >= SKEW_MIN && best > 1.1 * level ? at : 0;
    return best;
}

static void look_at_lines(const struct qr_ocr_image *image, const struct grid *grid, int threshold,
                          struct dots *dots, struct qr_ocr_look *ret)
{
    double bands[BANDS] = {0};
    double down = 0;
    double right = 0;

    take_dots(grid, threshold, true, dots);
    double columns = find_slope(dots, &right);
    take_dots(grid, threshold, false, dots);
    double rows = find_slope(dots, &down);
    ret->sideways = columns > 1.5 * rows;
    ret->skew = ret->sideways ? right : -down;
    if (ret->sideways)
        take_dots(grid, threshold, true, dots);
    unevenness(dots, tan((ret->sideways ? right : down) * PI / 180), bands);
    int side = ret->sideways ? image->width : image->height;
    int best = 0;
    for (int i = 1; i < BANDS; i++)
        best = bands[i] > bands[best] ? i : best;
    ret->band_top = (int)((int64_t)side * best / BANDS);
    ret->band_bottom = (int)((int64_t)side * (best + 1) / BANDS);
}

void qr_ocr_look(const struct qr_ocr_image *image, struct qr_ocr_look *ret)
{
    struct grid grid = {0};
    struct dots dots = {0};
    int threshold;

    memset(ret, 0, sizeof *ret);
    ret->band_bottom = image->height;
    ret->noise = change_share(image, &threshold, ret) > NOISE_SHARE ||
                 count_tops(image, threshold) > TOPS_MAX;
    if (ret->blank || ret->noise || !make_grid(image, &grid))
        return;
    size_t cells = (size_t)grid.width * (size_t)grid.height;
    dots.along = malloc(cells * sizeof *dots.along);
    dots.across = malloc(cells * sizeof *dots.across);
    if (dots.along && dots.across)
        look_at_lines(image, &grid, threshold, &dots, ret);
    free(dots.along);
    free(dots.across);
    free(grid.cells);
}

void qr_ocr_pose_set(struct qr_ocr_pose *pose, const struct qr_ocr_image *image, int turn,
                     double skew)
{
    static const int cosines[4] = {1, 0, -1, 0};
    double c = cos(skew * PI / 180);
    double s = sin(skew * PI / 180);
    int turn_cos = cosines[turn / 90 % 4];
    int turn_sin = cosines[(turn / 90 + 3) % 4];

    pose->angle = turn + skew;
    pose->exact = skew == 0;
    pose->cos = turn_cos * c - turn_sin * s;
    pose->sin = turn_sin * c + turn_cos * s;
    double width = fabs(image->width * pose->cos) + fabs(image->height * pose->sin);
    double height = fabs(image->width * pose->sin) + fabs(image->height * pose->cos);
    pose->width = (int)ceil(width - 1e-6);
    pose->height = (int)ceil(height - 1e-6);
    pose->from_x = image->width / 2.0;
    pose->from_y = image->height / 2.0;
    pose->to_x = pose->width / 2.0;
    pose->to_y = pose->height / 2.0;
}

/* A point of the turned image in the image. */
static void point_back(const struct qr_ocr_pose *pose, double x, double y, double *ret_x,
                       double *ret_y)
{
    double dx = x - pose->to_x;
    double dy = y - pose->to_y;

    *ret_x = pose->from_x + dx * pose->cos + dy * pose->sin;
    *ret_y = pose->from_y - dx * pose->sin + dy * pose->cos;
}

static void point_forth(const struct qr_ocr_pose *pose, double x, double y, double *ret_x,
                        double *ret_y)
{
    double dx = x - pose->from_x;
    double dy = y - pose->from_y;

    *ret_x = pose->to_x + dx * pose->cos - dy * pose->sin;
    *ret_y = pose->to_y + dx * pose->sin + dy * pose->cos;
}

/* Coordinates in 1/65536 of a pixel; the pixels' middles are at halves. White outside. */
static uint8_t between(const struct qr_ocr_image *image, int64_t x, int64_t y)
{
    int64_t left = (x - 32768) >> 16;
    int64_t top = (y - 32768) >> 16;

    if (left < 0 || top < 0 || left >= image->width - 1 || top >= image->height - 1)
        return 255;
    const uint8_t *at = image->gray + (size_t)top * image->stride + (size_t)left;
    int fx = (int)(((x - 32768) & 0xFFFF) >> 8);
    int fy = (int)(((y - 32768) & 0xFFFF) >> 8);
    int upper = at[0] * (256 - fx) + at[1] * fx;
    int lower = at[image->stride] * (256 - fx) + at[image->stride + 1] * fx;
    return (uint8_t)((upper * (256 - fy) + lower * fy) >> 16);
}

static uint8_t nearest(const struct qr_ocr_image *image, int64_t x, int64_t y)
{
    int64_t left = x >> 16;
    int64_t top = y >> 16;

    if (left < 0 || top < 0 || left >= image->width || top >= image->height)
        return 255;
    return image->gray[(size_t)top * image->stride + (size_t)left];
}

void qr_ocr_straighten(const struct qr_ocr_image *image, const struct qr_ocr_pose *pose,
                       uint8_t *to)
{
    int64_t step_x = (int64_t)llround(pose->cos * 65536);
    int64_t step_y = (int64_t)llround(-pose->sin * 65536);

    for (int row = 0; row < pose->height; row++) {
        double from_x, from_y;
        point_back(pose, 0.5, row + 0.5, &from_x, &from_y);
        int64_t x = (int64_t)llround(from_x * 65536);
        int64_t y = (int64_t)llround(from_y * 65536);
        for (int column = 0; column < pose->width; column++, x += step_x, y += step_y)
            *to++ = pose->exact ? nearest(image, x, y) : between(image, x, y);
    }
}

static void around(const double x[4], const double y[4], float box[4])
{
    box[0] = (float)fmin(fmin(x[0], x[1]), fmin(x[2], x[3]));
    box[1] = (float)fmin(fmin(y[0], y[1]), fmin(y[2], y[3]));
    box[2] = (float)fmax(fmax(x[0], x[1]), fmax(x[2], x[3]));
    box[3] = (float)fmax(fmax(y[0], y[1]), fmax(y[2], y[3]));
}

void qr_ocr_pose_back(const struct qr_ocr_pose *pose, float box[4])
{
    double x[4], y[4];

    for (int i = 0; i < 4; i++)
        point_back(pose, (double)box[i & 1 ? 2 : 0], (double)box[i & 2 ? 3 : 1], &x[i], &y[i]);
    around(x, y, box);
}

void qr_ocr_pose_forth(const struct qr_ocr_pose *pose, float box[4])
{
    double x[4], y[4];

    for (int i = 0; i < 4; i++)
        point_forth(pose, (double)box[i & 1 ? 2 : 0], (double)box[i & 2 ? 3 : 1], &x[i], &y[i]);
    around(x, y, box);
}
