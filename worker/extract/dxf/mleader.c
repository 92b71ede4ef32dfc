/* Texts of MULTILEADER. */
#include "worker/extract/dxf/mleader.h"

#include <math.h>

#include "common/record/utf8.h"
#include "worker/extract/dxf/mtext.h"

#define TEXT_MAX ((size_t)4 * 1024 * 1024) /* in UTF-8 */

/* What the entity holds at the level of the context itself. */
struct context {
    const struct qr_dxf_tag *text; /* NULL: none */
    double at[2], height, rotation;
};

static void take(const struct qr_dxf_tag *tag, struct context *ret)
{
    switch (tag->code) {
    case 304:
        if (!ret->text)
            ret->text = tag;
        break;
    case 12:
        ret->at[0] = qr_dxf_real(tag, NULL);
        break;
    case 22:
        ret->at[1] = qr_dxf_real(tag, NULL);
        break;
    case 41:
        ret->height = qr_dxf_real(tag, NULL);
        break;
    case 42:
        ret->rotation = qr_dxf_real(tag, NULL) * 180 / 3.14159265358979323846;
        break;
    default:
        break;
    }
}

/* The context's own tags; returns the index behind its end, 0 when there is none. */
static size_t read_context(const struct qr_dxf_entity *entity, size_t n, struct context *ret)
{
    size_t i = 0, depth = 0;

    while (i < n &&
           !(entity->tags[i].code == 300 && qr_dxf_tag_is(&entity->tags[i], "CONTEXT_DATA{")))
        i++;
    for (i++; i < n; i++) {
        const struct qr_dxf_tag *tag = &entity->tags[i];
        if ((tag->code == 302 && qr_dxf_tag_is(tag, "LEADER{")) ||
            (tag->code == 304 && qr_dxf_tag_is(tag, "LEADER_LINE{")))
            depth++;
        else if (depth > 0 && (tag->code == 303 || tag->code == 305) && qr_dxf_tag_is(tag, "}"))
            depth--;
        else if (depth == 0 && tag->code == 301 && qr_dxf_tag_is(tag, "}"))
            return i + 1;
        else if (depth == 0)
            take(tag, ret);
    }
    return 0;
}

static void hand_out(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                     const struct context *context, const struct qr_dxf_tag *tag,
                     const struct qr_dxf_where *where, qr_dxf_text_fn fn, void *arg)
{
    const struct qr_dxf_tag *handle = qr_dxf_find(entity, 5);
    struct qr_dxf_text piece = {
        .x = context->at[0],
        .y = context->at[1] - context->height, /* at the top of the first line */
        .height = context->height,
        .rotation = context->rotation,
        .handle = handle ? qr_dxf_handle(handle) : 0,
        .kind = QR_DXF_TEXT_LEADER,
    };
    struct qr_buf coded, plain;

    if (!tag->text || tag->len == 0)
        return;
    qr_buf_init(&coded, TEXT_MAX);
    qr_buf_init(&plain, TEXT_MAX);
    qr_dxf_mtext_join(doc, tag, 1, tag->code, tag->code, &coded); /* cut where it is too long */
    if (coded.data)
        qr_dxf_mtext_plain(doc, (const char *)coded.data, coded.len, &plain, NULL);
    piece.len = qr_dxf_trim(plain.data ? (const char *)plain.data : "", plain.len, &piece.text);
    if (piece.len > 0) {
        plain.data[(size_t)(piece.text - (const char *)plain.data) + piece.len] = '\0';
        piece.width = 0.8 * piece.height * (double)qr_utf8_count(piece.text, piece.len);
        fn(arg, where, &piece);
    }
    qr_buf_done(&coded);
    qr_buf_done(&plain);
}

void qr_dxf_mleader_read(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                         const struct qr_dxf_where *where, qr_dxf_text_fn fn, void *arg)
{
    struct context context = {0};
    size_t n = qr_dxf_xdata_at(entity), behind = read_context(entity, n, &context);

    if (context.text)
        hand_out(doc, entity, &context, context.text, where, fn, arg);
    for (size_t i = behind; behind > 0 && i < n; i++)
        if (entity->tags[i].code == 302)
            hand_out(doc, entity, &context, &entity->tags[i], where, fn, arg);
}
