#include "worker/extract/pdf/labels.h"

#include <stdlib.h>
#include <string.h>

#include "worker/extract/pdf/names.h"

#define NUMBER_BYTES 64

static bool add_range(struct qr_pdf_file *file, pdf_obj *key, pdf_obj *value, void *unused)
{
    struct qr_pdf_label *label =
        qr_pdf_append(file, &file->labels, &file->n_labels, &file->cap_labels, sizeof *label);

    (void)unused;
    if (!label)
        return false;
    label->first = pdf_to_int(file->ctx, key);
    label->style = value;
    return true;
}

static int by_first(const void *a, const void *b)
{
    const struct qr_pdf_label *left = a;
    const struct qr_pdf_label *right = b;
    return (left->first > right->first) - (left->first < right->first);
}

void qr_pdf_read_labels(struct qr_pdf_file *file, void *unused)
{
    pdf_obj *tree = pdf_dict_gets(file->ctx, file->root, "PageLabels");

    (void)unused;
    qr_pdf_walk_tree(file, tree, PDF_NAME(Nums), add_range, NULL);
    if (file->n_labels > 0)
        qsort(file->labels, file->n_labels, sizeof *file->labels, by_first);
}

static void put_roman(int number, bool upper, char out[NUMBER_BYTES])
{
    static const struct {
        int value;
        const char *lower, *upper;
    } digits[] = {{1000, "m", "M"}, {900, "cm", "CM"}, {500, "d", "D"}, {400, "cd", "CD"},
                  {100, "c", "C"},  {90, "xc", "XC"},  {50, "l", "L"},  {40, "xl", "XL"},
                  {10, "x", "X"},   {9, "ix", "IX"},   {5, "v", "V"},   {4, "iv", "IV"},
                  {1, "i", "I"}};
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < QR_COUNT(digits); i++)
        for (; number >= digits[i].value && n < NUMBER_BYTES - 3; number -= digits[i].value) {
            const char *digit = upper ? digits[i].upper : digits[i].lower;
            snprintf(out + n, NUMBER_BYTES - n, "%s", digit);
            n += strlen(digit);
        }
}

/* a .. z, aa .. zz, … */
static void put_letters(int number, char first, char out[NUMBER_BYTES])
{
    int times = (number - 1) / 26 + 1;

    if (times > NUMBER_BYTES - 1)
        times = NUMBER_BYTES - 1;
    memset(out, first + (number - 1) % 26, (size_t)times);
    out[times] = '\0';
}

static void put_number(int number, const char *style, char out[NUMBER_BYTES])
{
    if (strcmp(style, "D") == 0 || (style[0] != '\0' && (number < 1 || number > 100000)))
        snprintf(out, NUMBER_BYTES, "%d", number);
    else if (strcmp(style, "r") == 0 || strcmp(style, "R") == 0)
        put_roman(number > 4999 ? 4999 : number, style[0] == 'R', out);
    else if (strcmp(style, "a") == 0 || strcmp(style, "A") == 0)
        put_letters(number, style[0], out);
    else
        out[0] = '\0';
}

char *qr_pdf_label(struct qr_pdf_file *file, int index)
{
    fz_context *ctx = file->ctx;
    size_t left = 0;
    size_t right = file->n_labels;
    char number[NUMBER_BYTES];
    char label[256];

    while (left < right) { /* the first range behind the page */
        size_t middle = left + (right - left) / 2;
        if (file->labels[middle].first <= index)
            left = middle + 1;
        else
            right = middle;
    }
    if (left == 0)
        return NULL;
    const struct qr_pdf_label *range = &file->labels[left - 1];
    int start = pdf_to_int(ctx, pdf_dict_gets(ctx, range->style, "St"));
    start = start < 1 ? 1 : start > 1000000 ? 1000000 : start;
    put_number(start + index - range->first,
               pdf_to_name(ctx, pdf_dict_get(ctx, range->style, PDF_NAME(S))), number);
    const char *prefix = pdf_to_text_string(ctx, pdf_dict_get(ctx, range->style, PDF_NAME(P)));
    snprintf(label, sizeof label, "%.180s%s", prefix, number);
    return label[0] != '\0' ? qr_record_text(file->rec, label) : NULL;
}
