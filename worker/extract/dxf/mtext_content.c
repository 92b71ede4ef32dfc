/* Where the content of an MTEXT stands among the tags of an entity. */

#include "worker/extract/dxf/doc.h"
#include "worker/extract/dxf/mtext.h"
#include "worker/extract/extract.h"

#define CONTENT_MAX ((size_t)1024 * 1024) /* of one text, as texts.c has it for TEXT */

/* As much of the piece as there is room for. */
static void append_some(struct qr_buf *raw, const struct qr_dxf_tag *tag)
{
    size_t room = CONTENT_MAX - raw->len;

    qr_buf_append(raw, tag->text, tag->len < room ? tag->len : room);
}

void qr_dxf_mtext_join(const struct qr_dxf_doc *doc, const struct qr_dxf_tag *tags, size_t n,
                       int chunk, int end, struct qr_buf *out)
{
    const struct qr_dxf_tag *single = NULL;
    struct qr_buf raw;
    size_t pieces = 0;
    size_t whole = 0;

    qr_buf_init(&raw, CONTENT_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!tags[i].text || (tags[i].code != chunk && tags[i].code != end))
            continue;
        single = &tags[i];
        whole += single->len;
        pieces++;
    }
    if (pieces == 1) { /* by far most: no copy */
        qr_dxf_decode(doc, single->text, whole < CONTENT_MAX ? whole : CONTENT_MAX, out);
    } else if (pieces > 1) {
        for (size_t i = 0; i < n; i++)
            if (tags[i].text && (tags[i].code == chunk || tags[i].code == end))
                append_some(&raw, &tags[i]);
        qr_dxf_decode(doc, (const char *)raw.data, raw.len, out);
    }
    qr_buf_done(&raw);
    if (whole > CONTENT_MAX && doc->x)
        qr_record_partial(doc->x->rec, "dxf.text.cut", "a text of %zu bytes was cut", whole);
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
