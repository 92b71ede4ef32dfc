#include "worker/extract/drawing/title_labels.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "worker/extract/drawing/title_words.h"

static const struct {
    const char *name;
    int weight;
} fields[] = {
    [QR_TITLE_NONE] = {"", 0},
    [QR_TITLE_DRAWING_NUMBER] = {"drawing_number", 2},
    [QR_TITLE_PART_NUMBER] = {"part_number", 1},
    [QR_TITLE_REVISION] = {"revision", 2},
    [QR_TITLE_TITLE] = {"title", 1},
    [QR_TITLE_SUBTITLE] = {"subtitle", 1},
    [QR_TITLE_MATERIAL] = {"material", 1},
    [QR_TITLE_FINISH] = {"finish", 1},
    [QR_TITLE_SCALE] = {"scale", 2},
    [QR_TITLE_SHEET] = {"sheet", 2},
    [QR_TITLE_SHEET_COUNT] = {"sheet_count", 2},
    [QR_TITLE_SIZE] = {"size", 1},
    [QR_TITLE_UNITS] = {"units", 1},
    [QR_TITLE_DATE] = {"date", 1},
    [QR_TITLE_DRAWN_BY] = {"drawn_by", 2},
    [QR_TITLE_DRAWN_DATE] = {"drawn_date", 2},
    [QR_TITLE_CHECKED_BY] = {"checked_by", 2},
    [QR_TITLE_CHECKED_DATE] = {"checked_date", 2},
    [QR_TITLE_APPROVED_BY] = {"approved_by", 1},
    [QR_TITLE_APPROVED_DATE] = {"approved_date", 1},
    [QR_TITLE_COMPANY] = {"company", 1},
    [QR_TITLE_PROJECT] = {"project", 1},
    [QR_TITLE_WEIGHT] = {"weight", 1},
    [QR_TITLE_GENERAL_TOLERANCE] = {"general_tolerance", 2},
    [QR_TITLE_PROJECTION] = {"projection", 2},
    [QR_TITLE_STATUS] = {"status", 1},
    [QR_TITLE_DEPARTMENT] = {"department", 1},
};

const char *qr_title_field_name(enum qr_title_field field)
{
    return field < QR_TITLE_FIELDS ? fields[field].name : "";
}

int qr_title_field_weight(enum qr_title_field field)
{
    return field < QR_TITLE_FIELDS ? fields[field].weight : 0;
}

struct entry {
    const char *text; /* not terminated */
    size_t len;
    enum qr_title_field field;
    bool needs_prefix; /* of tags */
};

enum { LABELS_MAX = 4096, LABEL_WORDS_MAX = 6 };

static struct entry by_text[LABELS_MAX];
static size_t n_labels;

/* Tags are compared without blanks: "DRAWINGNO" is "drawing no". */
static struct entry by_tag[LABELS_MAX];
static char tags[LABELS_MAX * 16];
static size_t n_tags;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return c ? c : (a_len > b_len) - (a_len < b_len);
}

static int by_name(const void *a, const void *b)
{
    const struct entry *l = a, *r = b;

    return compare(l->text, l->len, r->text, r->len);
}

/* Each label of a row becomes an entry. */
static size_t add_row(struct entry *list, size_t n, enum qr_title_field field, bool needs_prefix,
                      const char *labels)
{
    while (*labels && n < LABELS_MAX) {
        size_t len = strcspn(labels, "|");
        list[n++] = (struct entry){labels, len, field, needs_prefix};
        labels += len + (labels[len] == '|');
    }
    return n;
}

static void add_tags_of_labels(void)
{
    size_t used = 0;

    for (size_t i = 0; i < n_labels && used + by_text[i].len <= sizeof tags; i++) {
        size_t from = used;
        for (size_t k = 0; k < by_text[i].len; k++)
            if (by_text[i].text[k] != ' ')
                tags[used++] = by_text[i].text[k];
        by_tag[n_tags++] = (struct entry){tags + from, used - from, by_text[i].field, false};
    }
}

static void make_index(void)
{
    for (size_t i = 0; i < qr_title_n_word_rows; i++)
        n_labels = add_row(by_text, n_labels, qr_title_word_rows[i].field, false,
                           qr_title_word_rows[i].labels);
    add_tags_of_labels();
    for (size_t i = 0; i < qr_title_n_tag_rows; i++)
        n_tags = add_row(by_tag, n_tags, qr_title_tag_rows[i].field,
                         qr_title_tag_rows[i].needs_prefix, qr_title_tag_rows[i].labels);
    qsort(by_text, n_labels, sizeof *by_text, by_name);
    qsort(by_tag, n_tags, sizeof *by_tag, by_name);
}

static const struct entry *find(const struct entry *list, size_t n, const char *text, size_t len)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = low + (n - low) / 2;
        int c = compare(list[mid].text, list[mid].len, text, len);
        if (c == 0)
            return &list[mid];
        if (c < 0)
            low = mid + 1;
        else
            n = mid;
    }
    return NULL;
}

enum qr_title_field qr_title_label(const struct qr_fold *fold, size_t first, size_t n)
{
    pthread_once(&once, make_index);
    if (n == 0 || first + n > fold->n_words || n > LABEL_WORDS_MAX)
        return QR_TITLE_NONE;
    size_t at = fold->words[first].at;
    const struct entry *entry =
        find(by_text, n_labels, fold->text + at, fold->words[first + n - 1].end - at);
    return entry ? entry->field : QR_TITLE_NONE;
}

enum qr_title_field qr_title_label_longest(const struct qr_fold *fold, size_t first, size_t *ret_n)
{
    for (size_t n = LABEL_WORDS_MAX; n > 0; n--) {
        enum qr_title_field field = qr_title_label(fold, first, n);
        if (field != QR_TITLE_NONE) {
            *ret_n = n;
            return field;
        }
    }
    return QR_TITLE_NONE;
}

/* The letters of a tag, up to `{`, without what templates put in front. */
static size_t squeeze(const char *tag, char *out, size_t cap, bool *ret_prefixed)
{
    static const char *const prefixes[] = {"gentitle", "titleblock", "title", "tb", "dwg"};
    struct qr_fold fold;
    size_t n = 0;

    qr_fold(tag, strcspn(tag, "{"), &fold);
    for (size_t i = 0; i < fold.len && n < cap; i++)
        if (fold.text[i] != ' ')
            out[n++] = fold.text[i];
    *ret_prefixed = false;
    if (find(by_tag, n_tags, out, n))
        return n;
    for (size_t i = 0; i < QR_COUNT(prefixes); i++) {
        size_t len = strlen(prefixes[i]);
        if (n > len + 1 && memcmp(out, prefixes[i], len) == 0) {
            memmove(out, out + len, n - len);
            *ret_prefixed = true;
            return n - len;
        }
    }
    return n;
}

enum qr_title_field qr_title_tag(const char *tag)
{
    char key[QR_FOLD_BYTES] = "";
    bool prefixed;

    pthread_once(&once, make_index);
    size_t n = squeeze(tag, key, sizeof key, &prefixed);
    if (n == 0)
        return QR_TITLE_NONE;
    const struct entry *entry = find(by_tag, n_tags, key, n);
    char last = '1';
    if (!entry) { /* TITLE1, TITLE2: numbered lines; from the second on a subtitle */
        while (n > 1 && isdigit((unsigned char)key[n - 1]))
            last = key[--n];
        entry = find(by_tag, n_tags, key, n);
    }
    if (!entry || (entry->needs_prefix && !prefixed))
        return QR_TITLE_NONE;
    return entry->field == QR_TITLE_TITLE && last > '1' ? QR_TITLE_SUBTITLE : entry->field;
}
