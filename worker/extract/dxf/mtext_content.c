/* Where the content of an MTEXT stands among the tags of an entity. */
#include <stdlib.h>
#include <string.h>

#include "worker/extract/dxf/doc.h"
#include "worker/extract/dxf/mtext.h"

#define CONTENT_MAX ((size_t)16 * 1024 * 1024)

void qr_dxf_mtext_join(const struct qr_dxf_doc *doc, const struct qr_dxf_tag *tags, size_t n,
                       int chunk, int end, struct qr_buf *out)
{
    const struct qr_dxf_tag *single = NULL;
    struct qr_buf raw;
    size_t pieces = 0;

    qr_buf_init(&raw, CONTENT_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!tags[i].text || (tags[i].code != chunk && tags[i].code != end))
            continue;
        single = &tags[i];
        pieces++;
    }
    if (pieces == 1) { /* by far most: no copy */
        qr_dxf_decode(doc, single->text, single->len, out);
    } else if (pieces > 1) {
        for (size_t i = 0; i < n; i++)
            if (tags[i].text && (tags[i].code == chunk || tags[i].code == end))
                qr_buf_append(&raw, tags[i].text, tags[i].len);
        qr_dxf_decode(doc, (const char *)raw.data, raw.len, out);
    }
    qr_buf_done(&raw);
}

/* Index of the first tag that is not the entity's own: XDATA or an embedded object. */
static size_t own_tags(const struct qr_dxf_entity *entity)
{
    size_t i = 0;

    while (i < entity->n && entity->tags[i].code < 1000 && entity->tags[i].code != 101)
        i++;
    return i;
}

void qr_dxf_mtext_content(const struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                          struct qr_buf *out)
{
    qr_dxf_mtext_join(doc, entity->tags, own_tags(entity), 3, 1, out);
}

const struct qr_dxf_tag *qr_dxf_mtext_embedded(const struct qr_dxf_entity *entity, size_t *ret_n)
{
    size_t from = 0, to;

    *ret_n = 0;
    while (from < entity->n && entity->tags[from].code != 101)
        from++;
    if (from >= entity->n)
        return NULL;
    from++;
    for (to = from; to < entity->n && entity->tags[to].code < 1000; to++)
        ;
    for (size_t i = from; i < to; i++) {
        if (entity->tags[i].code == 1 || entity->tags[i].code == 3) {
            *ret_n = to - from;
            return &entity->tags[from];
        }
    }
    return NULL;
}

static bool is_mark(const struct qr_dxf_tag *tag, const char *mark)
{
    return tag->code == 1000 && qr_dxf_tag_is(tag, mark);
}

static void link_column(const struct qr_dxf_tag *tag, struct qr_dxf_mtext_columns *ret)
{
    if (ret->n_linked < sizeof ret->linked / sizeof ret->linked[0])
        ret->linked[ret->n_linked] = qr_dxf_handle(tag);
    ret->n_linked++;
}

static void set_column_value(int64_t code, const struct qr_dxf_tag *tag,
                             struct qr_dxf_mtext_columns *ret)
{
    if (code == 75)
        ret->type = (int)qr_dxf_int(tag, NULL);
    else if (code == 76)
        ret->count = (int)qr_dxf_int(tag, NULL);
    else if (code == 48)
        ret->width = qr_dxf_real(tag, NULL);
    else if (code == 49)
        ret->gutter = qr_dxf_real(tag, NULL);
}

/* Before R2018: pairs of a code (1070) and its value between two marks in XDATA ACAD. */
static bool columns_of_xdata(const struct qr_dxf_entity *entity, struct qr_dxf_mtext_columns *ret)
{
    size_t n = 0;
    const struct qr_dxf_tag *tags = qr_dxf_xdata(entity, "ACAD", &n);
    bool info = false, links = false;

    for (size_t i = 0; i < n; i++) {
        if (is_mark(&tags[i], "ACAD_MTEXT_COLUMN_INFO_BEGIN"))
            info = true;
        else if (is_mark(&tags[i], "ACAD_MTEXT_COLUMN_INFO_END"))
            info = false;
        else if (is_mark(&tags[i], "ACAD_MTEXT_COLUMNS_BEGIN"))
            links = true;
        else if (is_mark(&tags[i], "ACAD_MTEXT_COLUMNS_END"))
            links = false;
        else if (info && tags[i].code == 1070 && i + 1 < n) {
            set_column_value(qr_dxf_int(&tags[i], NULL), &tags[i + 1], ret);
            i++;
        } else if (links && tags[i].code == 1005) {
            link_column(&tags[i], ret);
        }
    }
    return ret->type != 0;
}

static bool columns_of_embedded(const struct qr_dxf_entity *entity,
                                struct qr_dxf_mtext_columns *ret)
{
    size_t i = 0;

    while (i < entity->n && entity->tags[i].code != 101)
        i++;
    for (; i < entity->n && entity->tags[i].code < 1000; i++) {
        const struct qr_dxf_tag *tag = &entity->tags[i];
        if (tag->code == 71)
            ret->type = (int)qr_dxf_int(tag, NULL);
        else if (tag->code == 72)
            ret->count = (int)qr_dxf_int(tag, NULL);
        else if (tag->code == 44)
            ret->width = qr_dxf_real(tag, NULL);
        else if (tag->code == 45)
            ret->gutter = qr_dxf_real(tag, NULL);
    }
    return ret->type != 0;
}

bool qr_dxf_mtext_columns(const struct qr_dxf_entity *entity, struct qr_dxf_mtext_columns *ret)
{
    *ret = (struct qr_dxf_mtext_columns){0};
    return columns_of_embedded(entity, ret) || columns_of_xdata(entity, ret);
}
