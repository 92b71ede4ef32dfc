/* worker/extract/dxf/mleader.h
 *
 * MULTILEADER: the text at the end of leader lines, or the attribute texts of its block.
 *
 * The context ("300 CONTEXT_DATA{" .. 301) holds 304 text, 12 its place, 41 its height, 42 its
 * rotation in radians; inside "302 LEADER{" and "304 LEADER_LINE{" the same codes mean other
 * things. Attribute texts of a block are the 302 behind each 330 .. 177 group after the context.
 *
 * Source: DXF reference, "MLEADER", "MLeader context data".
 */
#pragma once
#include "worker/extract/dxf/sink.h"

void qr_dxf_mleader_read(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                         const struct qr_dxf_where *where, qr_dxf_text_fn fn, void *arg);
