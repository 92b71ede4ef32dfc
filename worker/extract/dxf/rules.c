/* LINE, LWPOLYLINE and POLYLINE: only horizontal and vertical segments matter, as lines of frames
 * and tables. Beyond the document's cap of them nothing is looked at any more. */
#include <math.h>

#include "worker/extract/dxf/reader.h"

#define LEVEL 1e-5 /* of its length a segment may lean */

static bool is_wanted(const struct qr_dxf_reader *r)
{
    return r->doc.n_rules < QR_DXF_RULES_MAX && r->x->job->options.analysis != QR_EXTRACT_OFF;
}

static void add_segment(struct qr_dxf_reader *r, struct qr_dxf_block *place, const double from[2],
                        const double to[2])
{
    double dx = fabs(to[0] - from[0]);
    double dy = fabs(to[1] - from[1]);

    if (place && (dx > 0 || dy > 0) && (dx <= LEVEL * dy || dy <= LEVEL * dx))
        qr_dxf_rule_add(&r->doc, place, from[0], from[1], to[0], to[1]);
}

/* The record's groups one by one; 67 is taken note of. False in front of the next record. */
static bool next_group(struct qr_dxf_reader *r, struct qr_dxf_tag *tag)
{
    if (!qr_dxf_stream_next(&r->s, tag))
        return false;
    if (tag->code == 0) {
        qr_dxf_stream_unget(&r->s);
        return false;
    }
    if (tag->code == 67)
        r->paper = qr_dxf_int(tag, NULL) == 1;
    else if (tag->code >= 1000)
        qr_dxf_take_xdata(r, tag);
    return true;
}

static void pass_counted(struct qr_dxf_reader *r)
{
    qr_dxf_pass(r);
    qr_dxf_place_of(r);
}

void qr_dxf_read_line(struct qr_dxf_reader *r)
{
    struct qr_dxf_tag tag;
    double from[2] = {0};
    double to[2] = {0};

    if (!is_wanted(r)) {
        pass_counted(r);
        return;
    }
    while (next_group(r, &tag)) {
        if (tag.code == 10 || tag.code == 20)
            from[tag.code / 10 - 1] = qr_dxf_real(&tag, NULL);
        else if (tag.code == 11 || tag.code == 21)
            to[tag.code / 10 - 1] = qr_dxf_real(&tag, NULL);
    }
    add_segment(r, qr_dxf_place_of(r), from, to);
}

static void go_to(struct qr_dxf_reader *r, struct qr_dxf_path *path, const double at[2])
{
    if (path->n++ == 0) {
        path->first[0] = at[0];
        path->first[1] = at[1];
    } else if (!path->bulge) {
        add_segment(r, path->place, path->last, at);
    }
    path->last[0] = at[0];
    path->last[1] = at[1];
    path->bulge = false;
}

static void close_path(struct qr_dxf_reader *r, struct qr_dxf_path *path)
{
    if (path->place && path->closed && path->n > 2 && !path->bulge)
        add_segment(r, path->place, path->last, path->first);
    path->place = NULL;
}

/* Its 67 stands in front of its corners, so the place is known at the first of them. */
void qr_dxf_read_lwpolyline(struct qr_dxf_reader *r)
{
    struct qr_dxf_path path = {0};
    struct qr_dxf_tag tag;
    double at[2] = {0};
    bool open = false;

    if (!is_wanted(r)) {
        pass_counted(r);
        return;
    }
    while (next_group(r, &tag)) {
        if (tag.code == 10 && !path.place)
            path.place = qr_dxf_place_of(r);
        if (tag.code == 70)
            path.closed = (qr_dxf_int(&tag, NULL) & 1) != 0;
        else if (tag.code == 42)
            path.bulge = qr_dxf_real(&tag, NULL) != 0;
        else if (tag.code == 10)
            at[0] = qr_dxf_real(&tag, &open);
        else if (tag.code == 20 && open) {
            at[1] = qr_dxf_real(&tag, NULL);
            go_to(r, &path, at);
            open = false;
        }
    }
    if (!path.place)
        path.place = qr_dxf_place_of(r);
    close_path(r, &path);
}

void qr_dxf_read_polyline(struct qr_dxf_reader *r)
{
    struct qr_dxf_tag tag;
    int64_t flags = 0;

    while (next_group(r, &tag))
        if (tag.code == 70)
            flags = qr_dxf_int(&tag, NULL);
    struct qr_dxf_block *place = qr_dxf_place_of(r);
    /* 2 and 4 curve-fit and spline, 8 three-dimensional, 16 mesh, 64 faces */
    r->path = (struct qr_dxf_path){.closed = (flags & 1) != 0,
                                   .place = (flags & ~INT64_C(0x81)) == 0 ? place : NULL};
}

void qr_dxf_read_vertex(struct qr_dxf_reader *r)
{
    struct qr_dxf_tag tag;
    double at[2] = {0};
    bool bulge = false;

    if (!r->path.place || !is_wanted(r)) {
        qr_dxf_pass(r);
        return;
    }
    while (next_group(r, &tag)) {
        if (tag.code == 10 || tag.code == 20)
            at[tag.code / 10 - 1] = qr_dxf_real(&tag, NULL);
        else if (tag.code == 42)
            bulge = qr_dxf_real(&tag, NULL) != 0;
    }
    go_to(r, &r->path, at);
    r->path.bulge = bulge;
}

void qr_dxf_read_seqend(struct qr_dxf_reader *r)
{
    qr_dxf_pass(r);
    close_path(r, &r->path);
}
