#include <stdlib.h>
#include <strings.h>

#include "worker/extract/p21/intern.h"

#define DENSE_FACTOR 8 /* a table by number may have so many places for each instance */

static uint64_t offset_of(const struct qr_p21 *p21, uint32_t instance)
{
    return p21->where[instance] & (((uint64_t)1 << QR_P21_OFFSET_BITS) - 1);
}

static uint32_t stored_type(const struct qr_p21 *p21, uint32_t instance)
{
    return (uint32_t)(p21->where[instance] >> QR_P21_OFFSET_BITS);
}

uint64_t qr_p21_id(const struct qr_p21 *p21, uint32_t instance)
{
    if (instance >= p21->n)
        return 0;
    if (p21->ids[instance] != QR_P21_ID_WIDE)
        return p21->ids[instance];
    return qr_p21_id_before(p21, (size_t)offset_of(p21, instance));
}

/* Instances by type: places are counted out, then filled in order of the file. */
static bool group(struct qr_p21 *p21)
{
    uint32_t total = 0;
    const struct qr_p21_several *several = p21->several;

    for (uint32_t i = QR_P21_FIRST_TYPE; i < p21->n_types; i++) {
        p21->types[i].first = total;
        total += p21->types[i].simple + p21->types[i].complex;
    }
    p21->n_by_type = total;
    p21->by_type = malloc((size_t)(total ? total : 1) * sizeof *p21->by_type);
    uint32_t *fill = malloc((size_t)(p21->n_types + 1) * sizeof *fill);
    if (!p21->by_type || !fill) {
        free(fill);
        return false;
    }
    for (uint32_t i = 0; i < p21->n_types; i++)
        fill[i] = p21->types[i].first;
    for (uint32_t i = 0; i < p21->n; i++) {
        uint32_t type = stored_type(p21, i);
        if (type >= QR_P21_FIRST_TYPE) {
            p21->by_type[fill[type]++] = i;
        } else if (type == QR_P21_COMPLEX) {
            uint32_t stop =
                several + 1 < p21->several + p21->n_several ? several[1].first : p21->n_parts;
            for (uint32_t k = several->first; k < stop; k++)
                if (p21->parts[k].type >= QR_P21_FIRST_TYPE)
                    p21->by_type[fill[p21->parts[k].type]++] = i;
            several++;
        }
    }
    free(fill);
    return true;
}

static void note_twice(struct qr_p21 *p21, uint64_t id)
{
    qr_p21_note(p21, false, "p21.number.twice",
                "#%llu is used more than once; references mean the first", (unsigned long long)id);
}

static bool make_dense(struct qr_p21 *p21, uint32_t max)
{
    p21->n_dense = (size_t)max + 1;
    p21->dense = calloc(p21->n_dense, sizeof *p21->dense);
    if (!p21->dense)
        return false;
    for (uint32_t i = 0; i < p21->n; i++) {
        if (p21->dense[p21->ids[i]] != 0)
            note_twice(p21, p21->ids[i]);
        else
            p21->dense[p21->ids[i]] = i + 1;
    }
    return true;
}

struct numbered {
    uint64_t id;
    uint32_t instance;
};

static int by_number(const void *a, const void *b)
{
    const struct numbered *left = a;
    const struct numbered *right = b;

    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return left->instance < right->instance ? -1 : left->instance > right->instance;
}

static bool make_sorted(struct qr_p21 *p21)
{
    struct numbered *all = malloc((size_t)p21->n * sizeof *all);

    p21->sorted = malloc((size_t)p21->n * sizeof *p21->sorted);
    if (!all || !p21->sorted) {
        free(all);
        return false;
    }
    for (uint32_t i = 0; i < p21->n; i++)
        all[i] = (struct numbered){qr_p21_id(p21, i), i};
    qsort(all, p21->n, sizeof *all, by_number);
    for (uint32_t i = 0; i < p21->n; i++) {
        p21->sorted[i] = all[i].instance;
        if (i > 0 && all[i].id == all[i - 1].id)
            note_twice(p21, all[i].id);
    }
    free(all);
    return true;
}

bool qr_p21_finish(struct qr_p21 *p21)
{
    uint32_t max = 0;

    if (!group(p21))
        return false;
    if (p21->n == 0 || (p21->ascending && !p21->wide))
        return true;
    for (uint32_t i = 0; i < p21->n; i++)
        max = p21->ids[i] > max ? p21->ids[i] : max;
    if (!p21->wide && max / DENSE_FACTOR <= p21->n)
        return make_dense(p21, max);
    return make_sorted(p21);
}

/* Numbers mostly run without gaps, so the place is guessed first. */
static uint32_t find_ascending(const struct qr_p21 *p21, uint32_t id)
{
    uint32_t low = 0;
    uint32_t high = p21->n;

    if (p21->n == 0 || id < p21->ids[0] || id > p21->ids[p21->n - 1])
        return QR_P21_NONE;
    uint64_t guess = id - p21->ids[0];
    if (guess < p21->n && p21->ids[guess] == id)
        return (uint32_t)guess;
    /* numbers ascend by at least one each: the place is not behind the guess */
    if (guess < high)
        high = (uint32_t)guess;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p21->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p21->n && p21->ids[low] == id ? low : QR_P21_NONE;
}

static uint32_t find_sorted(const struct qr_p21 *p21, uint64_t id)
{
    uint32_t low = 0;
    uint32_t high = p21->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (qr_p21_id(p21, p21->sorted[middle]) < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p21->n && qr_p21_id(p21, p21->sorted[low]) == id ? p21->sorted[low] : QR_P21_NONE;
}

uint32_t qr_p21_find(const struct qr_p21 *p21, uint64_t id)
{
    if (p21->sorted)
        return find_sorted(p21, id);
    if (p21->dense)
        return id < p21->n_dense && p21->dense[id] != 0 ? p21->dense[id] - 1 : QR_P21_NONE;
    return id < QR_P21_ID_WIDE ? find_ascending(p21, (uint32_t)id) : QR_P21_NONE;
}

uint32_t qr_p21_type_of(const struct qr_p21 *p21, uint32_t instance)
{
    return instance < p21->n ? stored_type(p21, instance) : QR_P21_UNKNOWN;
}

/* The parts of a complex instance; *ret_n of them, 0 when it is none. */
static const struct qr_p21_part *parts_of(const struct qr_p21 *p21, uint32_t instance,
                                          uint32_t *ret_n)
{
    uint32_t low = 0;
    uint32_t high = p21->n_several;

    *ret_n = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p21->several[middle].instance < instance)
            low = middle + 1;
        else
            high = middle;
    }
    if (!p21->parts || low == p21->n_several || p21->several[low].instance != instance)
        return NULL;
    uint32_t stop = low + 1 < p21->n_several ? p21->several[low + 1].first : p21->n_parts;
    *ret_n = stop - p21->several[low].first;
    return p21->parts + p21->several[low].first;
}

bool qr_p21_is(const struct qr_p21 *p21, uint32_t instance, uint32_t type)
{
    uint32_t own = qr_p21_type_of(p21, instance);
    uint32_t n;

    if (own != QR_P21_COMPLEX || type < QR_P21_FIRST_TYPE)
        return own == type && type >= QR_P21_FIRST_TYPE;
    const struct qr_p21_part *parts = parts_of(p21, instance, &n);
    for (uint32_t i = 0; i < n; i++)
        if (parts[i].type == type)
            return true;
    return false;
}

uint32_t qr_p21_types_of(const struct qr_p21 *p21, uint32_t instance, uint32_t *types, uint32_t max)
{
    uint32_t own = qr_p21_type_of(p21, instance);
    uint32_t n = 1;

    if (own != QR_P21_COMPLEX) {
        if (max > 0)
            types[0] = own;
        return 1;
    }
    const struct qr_p21_part *parts = parts_of(p21, instance, &n);
    for (uint32_t i = 0; i < n && i < max; i++)
        types[i] = parts[i].type;
    return n;
}

/* Behind the parenthesis that follows the keyword at `at`. */
static struct qr_p21_cursor behind_keyword(const uint8_t *at, const uint8_t *end)
{
    struct qr_p21_cursor none = {end, end, false};

    at = qr_p21_blanks(at, end);
    if (at < end && *at == '!')
        at++;
    while (at < end && (qr_p21_class[*at] & QR_P21_C_NAME))
        at++;
    at = qr_p21_blanks(at, end);
    if (at == end || *at != '(')
        return none;
    return (struct qr_p21_cursor){at + 1, end, false};
}

struct qr_p21_cursor qr_p21_attributes(const struct qr_p21 *p21, uint32_t instance, uint32_t type)
{
    const uint8_t *end = p21->data + p21->len;
    struct qr_p21_cursor none = {end, end, false};
    uint32_t own = qr_p21_type_of(p21, instance);
    uint32_t n;

    if (instance >= p21->n)
        return none;
    if (own != QR_P21_COMPLEX) {
        if (type >= QR_P21_FIRST_TYPE && type != own)
            return none;
        return behind_keyword(p21->data + offset_of(p21, instance) + 1, end);
    }
    const struct qr_p21_part *parts = parts_of(p21, instance, &n);
    for (uint32_t i = 0; i < n; i++)
        if (parts[i].type == type && type >= QR_P21_FIRST_TYPE)
            return behind_keyword(p21->data + parts[i].at, end);
    return none;
}

struct qr_p21_cursor qr_p21_header(const struct qr_p21 *p21, const char *name)
{
    const uint8_t *end = p21->data + p21->len;
    size_t len = strlen(name);

    for (uint32_t i = 0; i < p21->n_headers; i++)
        if (p21->headers[i].len == len &&
            strncasecmp((const char *)p21->data + p21->headers[i].at, name, len) == 0)
            return behind_keyword(p21->data + p21->headers[i].at, end);
    return (struct qr_p21_cursor){end, end, false};
}
