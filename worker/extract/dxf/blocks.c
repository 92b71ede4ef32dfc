/* BLOCK and ENDBLK: definitions, layouts among them, and external references. */
#include <string.h>
#include <strings.h>

#include "worker/extract/dxf/reader.h"

#define PROPERTIES_OF 20000

/* Release 12 and older spell the blocks of the layouts with a dollar. */
static bool is_layout(const struct qr_dxf_tag *name, const char *word)
{
    const char *at;
    size_t len = name && name->text ? qr_dxf_trim(name->text, name->len, &at) : 0;
    size_t n = strlen(word);

    if (len <= n || (at[0] != '*' && at[0] != '$') || strncasecmp(at + 1, word, n) != 0)
        return false;
    for (size_t i = 1 + n; i < len; i++)
        if (at[i] < '0' || at[i] > '9')
            return false;
    return true;
}

static void add_properties(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object, int64_t flags)
{
    static const struct {
        int64_t bit;
        const char *name;
    } bits[] = {{1, "anonymous"}, {2, "has_attributes"}, {4, "xref"},
                {8, "overlay"},   {16, "dependent"},     {32, "resolved"}};
    double base[3];

    qr_dxf_property_tag(r, object, "layer", qr_dxf_find(&r->e, 8));
    if (qr_dxf_find_point(&r->e, 10, base) && (base[0] != 0 || base[1] != 0)) {
        qr_dxf_property_number(r, object, "base_x", base[0]);
        qr_dxf_property_number(r, object, "base_y", base[1]);
    }
    for (size_t i = 0; i < QR_COUNT(bits); i++)
        if (flags & bits[i].bit)
            qr_dxf_property_text(r, object, bits[i].name, "true");
    qr_dxf_property_tag(r, object, "path", qr_dxf_find(&r->e, 1));
    qr_dxf_property_tag(r, object, "description", qr_dxf_find(&r->e, 4));
}

static void add_xref(struct qr_dxf_reader *r)
{
    const struct qr_dxf_tag *path = qr_dxf_find(&r->e, 1);
    size_t len = 0;
    const char *text = path ? qr_dxf_name_of(r, path, &len) : "";
    Quarry__V1__Link *link = len > 0 ? qr_record_add_link(r->rec) : NULL;

    if (!link)
        return;
    link->kind = (char *)"xref";
    link->target = qr_record_string(r->rec, text, len);
}

/* The block is the sheet of a layout. */
static void add_paper(struct qr_dxf_reader *r)
{
    if (r->n_papers < QR_DXF_PAPERS)
        r->papers[r->n_papers++] = r->block;
    else
        qr_record_partial(r->rec, "dxf.layouts.capped", "texts of layouts beyond %d were left out",
                          QR_DXF_PAPERS);
}

void qr_dxf_read_block(struct qr_dxf_reader *r)
{
    size_t len = 0;
    double base[3];

    qr_dxf_read_endblk(r);
    qr_dxf_collect(r);
    const struct qr_dxf_tag *tag = qr_dxf_find(&r->e, 2);
    int64_t flags = qr_dxf_find_int(&r->e, 70, 0);
    const char *name = tag ? qr_dxf_name_of(r, tag, &len) : "";
    if (len == 0)
        qr_record_note(r->rec, "dxf.name.missing", "a block at byte %llu has no name",
                       (unsigned long long)r->e.offset);
    r->block_object = qr_record_add_named(r->rec, QR_RECORD_BLOCKS, name, len);
    if (r->block_object && r->rec->msg->n_blocks <= PROPERTIES_OF)
        add_properties(r, r->block_object, flags);
    if (flags & 4)
        add_xref(r);
    r->block_is_paper = is_layout(tag, "PAPER_SPACE");
    r->block_is_model = is_layout(tag, "MODEL_SPACE");
    bool first_paper = r->block_is_paper && qr_dxf_trim(tag->text, tag->len, &name) == 12;
    r->block = r->block_is_model  ? r->model
               : first_paper      ? r->paper_space
               : tag && tag->text ? qr_dxf_block_get(&r->doc, tag->text, tag->len)
                                  : qr_dxf_block_get(&r->doc, "", 0);
    if (!r->block) {
        r->block = &r->lost;
        memset(r->block, 0, sizeof *r->block);
    }
    if (r->block->original && r->block_object) {
        name = qr_dxf_block_name(r, r->block, &len);
        qr_record_add_property(r->rec, r->block_object, "original", name, len);
    }
    const struct qr_dxf_tag *owner = qr_dxf_find(&r->e, 330);
    if (owner && r->block->handle == 0)
        r->block->handle = qr_dxf_handle(owner);
    if (r->block_is_paper && !first_paper && r->block->n_defined == 0 && r->block != &r->lost)
        add_paper(r);
    if (r->block->n_defined++ > 0)
        qr_record_note(r->rec, "dxf.block.twice", "block \"%s\" is defined more than once",
                       r->block_object ? r->block_object->name : "");
    r->n_before = r->block->n_entities;
    if (r->block->n_defined == 1 && qr_dxf_find_point(&r->e, 10, base)) {
        r->block->base[0] = base[0];
        r->block->base[1] = base[1];
    }
}

void qr_dxf_read_endblk(struct qr_dxf_reader *r)
{
    if (!r->block) {
        if (qr_dxf_type_is(&r->e, "ENDBLK")) {
            qr_record_note(r->rec, "dxf.endblk.stray", "ENDBLK at byte %llu ends no block",
                           (unsigned long long)r->e.offset);
            qr_dxf_pass(r);
        }
        return;
    }
    if (!qr_dxf_type_is(&r->e, "ENDBLK"))
        qr_record_note(r->rec, "dxf.endblk.missing", "block \"%s\" has no ENDBLK",
                       r->block_object ? r->block_object->name : "");
    if (r->block_object && r->block->n_entities > r->n_before)
        qr_dxf_property_number(r, r->block_object, "entities",
                               (double)(r->block->n_entities - r->n_before));
    bool end = qr_dxf_type_is(&r->e, "ENDBLK");
    r->block = NULL;
    r->block_object = NULL;
    r->block_is_paper = r->block_is_model = false;
    if (end)
        qr_dxf_pass(r);
}
