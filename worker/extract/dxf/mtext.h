/* worker/extract/dxf/mtext.h
 *
 * MTEXT content: formatting codes taken away, what they hold kept. The same language is used by
 * dimension texts, MULTILEADER, ACAD_TABLE cells and multi-line attributes.
 *
 * Plain form: paragraphs (\P), columns (\N) and the break at the dimension line (\X) are \n, a tab
 * is \t. A fraction is "a/b", with a blank in front when a digit stands there (3 1/2). A tolerance
 * stack is "+a -b", its empty half left out; a blank parts it from what is in front, except for an
 * index without a sign (m\S2^ ; is m2). Letters of the symbol fonts gdt, amgdt and aigdt become the
 * Unicode symbols that they draw. An unknown code stays as it is.
 *
 * Input UTF-8, output appended to `out`, time linear; see text.h. `{` nested deeper than 32 levels
 * is read without its scope.
 *
 * Source: AutoCAD user's guide, "format codes for alternate text editors"; the codes as ezdxf's
 * documentation of MTEXT lists them; gdt.shp, the shape file of the symbols.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "worker/extract/dxf/tag.h"

struct qr_dxf_doc; /* worker/extract/dxf/doc.h */

/** How the first printed character of a text looks, where its codes say so. */
struct qr_dxf_mtext_look {
    char font[64];        /* of \f or \F, cut; "" when the style decides */
    double height;        /* of \H, drawing units; 0 when the entity decides */
    double height_factor; /* of \H..x, multiplied; 1 when there is none */
    bool bold, italic, underline;
};

/** `ret_look` may be NULL. */
void qr_dxf_mtext_plain(const struct qr_dxf_doc *doc, const char *text, size_t len,
                        struct qr_buf *out, struct qr_dxf_mtext_look *ret_look);

/**
 * The content of an MTEXT entity, joined and decoded to UTF-8 but with its codes: every 3 in front
 * of the last 1, then that 1. Chunks are joined before decoding, because they are cut anywhere.
 * What stands in an embedded object (101) or XDATA describes columns and is no text: since R2018
 * all columns are in the content, before each further column is an MTEXT of its own.
 */
void qr_dxf_mtext_content(const struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                          struct qr_buf *out);

/**
 * The same for tags in any place: `chunk` codes followed by an `end` code (MTEXT 3 and 1, table
 * cells 2 and 1 or 303). Reads tags[0 .. n).
 */
void qr_dxf_mtext_join(const struct qr_dxf_doc *doc, const struct qr_dxf_tag *tags, size_t n,
                       int chunk, int end, struct qr_buf *out);

/**
 * The MTEXT inside an ATTRIB or ATTDEF with several lines: its tags behind "101 Embedded Object"
 * that hold text; *ret_n is 0 when there is none.
 */
const struct qr_dxf_tag *qr_dxf_mtext_embedded(const struct qr_dxf_entity *entity, size_t *ret_n);
