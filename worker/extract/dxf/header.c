/* HEADER variables, and what of them goes into the record. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/extract/dxf/reader.h"
#include "worker/extract/dxf/units.h"

#define VALUE_MAX 4096

static void add_property(struct qr_dxf_reader *r, const struct qr_dxf_tag *tag)
{
    size_t len;

    if (!r->property)
        return;
    const char *value = qr_dxf_name_of(r, tag, &len);
    qr_dxf_add_property(r, r->property, qr_record_string(r->rec, value, len), "header");
    r->property = NULL;
}

static bool set_first(struct qr_dxf_reader *r, struct qr_dxf_variable *variable,
                      const struct qr_dxf_tag *tag)
{
    variable->tag = *tag;
    if (!tag->text)
        return true;
    size_t len = tag->len < VALUE_MAX ? tag->len : VALUE_MAX;
    variable->tag.text = qr_dxf_copy(&r->doc, tag->text, len);
    variable->tag.len = variable->tag.text ? len : 0;
    return variable->tag.text != NULL;
}

void qr_dxf_take_variable(struct qr_dxf_reader *r, const struct qr_dxf_tag *name)
{
    const char *at;
    size_t len = name->text ? qr_dxf_trim(name->text, name->len, &at) : 0;
    struct qr_dxf_tag tag;
    bool first = true;

    if (len == 0)
        return;
    bool property_tag = qr_dxf_tag_is(name, "$CUSTOMPROPERTYTAG");
    bool property = qr_dxf_tag_is(name, "$CUSTOMPROPERTY");
    struct qr_dxf_variable *variable =
        property_tag || property ? NULL : qr_dxf_variable_add(&r->doc, at, len);
    while (qr_dxf_stream_next(&r->s, &tag)) {
        if (tag.code == 0 || tag.code == 9) {
            qr_dxf_stream_unget(&r->s);
            return;
        }
        if (property_tag) {
            const char *text = qr_dxf_name_of(r, &tag, &len);
            r->property = qr_record_string(r->rec, text, len);
        } else if (property) {
            add_property(r, &tag);
        }
        if (!variable)
            continue;
        if (first && !set_first(r, variable, &tag))
            return;
        first = false;
        if (tag.code >= 10 && tag.code < 40)
            variable->point[tag.code / 10 - 1] = qr_dxf_real(&tag, NULL);
    }
}

void qr_dxf_read_header(struct qr_dxf_reader *r)
{
    struct qr_dxf_tag tag;

    while (qr_dxf_stream_next(&r->s, &tag)) {
        if (tag.code == 0) {
            qr_dxf_stream_unget(&r->s);
            return;
        }
        if (tag.code == 9)
            qr_dxf_take_variable(r, &tag);
        else
            qr_record_note(r->rec, "dxf.header.stray", "group %d at byte %zu has no variable",
                           tag.code, r->s.tag_at);
    }
}

static void put_text(struct qr_dxf_reader *r, const char *key, const char *name)
{
    const struct qr_dxf_variable *variable = qr_dxf_variable_find(&r->doc, name);
    size_t len;

    if (!variable || !variable->tag.text)
        return;
    const char *text = qr_dxf_name_of(r, &variable->tag, &len);
    qr_record_add_meta(r->rec, key, text, len, "header");
}

static void put_meta(struct qr_dxf_reader *r, const char *key, const char *value,
                     const char *origin)
{
    qr_record_add_meta(r->rec, key, value, strlen(value), origin);
}

static void put_number(struct qr_dxf_reader *r, const char *key, const char *name)
{
    const struct qr_dxf_variable *variable = qr_dxf_variable_find(&r->doc, name);
    char text[40];
    bool ok = false;
    double value = variable ? qr_dxf_real(&variable->tag, &ok) : 0;

    if (!ok)
        return;
    snprintf(text, sizeof text, "%.15g", value);
    put_meta(r, key, text, "header");
}

/* A box of two points; an unset one is 1e20 the wrong way round. */
static void put_box(struct qr_dxf_reader *r, const char *key, const char *low, const char *high)
{
    const struct qr_dxf_variable *min = qr_dxf_variable_find(&r->doc, low);
    const struct qr_dxf_variable *max = qr_dxf_variable_find(&r->doc, high);
    char text[160];

    if (!min || !max)
        return;
    for (int i = 0; i < 2; i++)
        if (fabs(min->point[i]) >= 1e19 || fabs(max->point[i]) >= 1e19 ||
            min->point[i] > max->point[i])
            return;
    snprintf(text, sizeof text, "%.10g %.10g %.10g %.10g", min->point[0], min->point[1],
             max->point[0], max->point[1]);
    put_meta(r, key, text, "header");
}

/* Julian day with the time as its fraction, from midnight. 2440588 is 1970-01-01. */
static bool put_date(struct qr_dxf_reader *r, const char *key, const char *name, const char *zone)
{
    double day = qr_dxf_variable_real(&r->doc, name, 0);
    char text[40];
    struct tm parts;

    if (!(day >= 2415021 && day < 2524594)) /* 1900 .. 2200: else it is not set */
        return false;
    time_t seconds = (time_t)llround((day - 2440588) * 86400);
    if (!gmtime_r(&seconds, &parts))
        return false;
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + n, sizeof text - n, "%s", zone);
    put_meta(r, key, text, "header");
    return true;
}

static const char *release_of(int version)
{
    static const struct {
        int version;
        const char *name;
    } releases[] = {
        {1032, "2018"}, {1027, "2013"}, {1024, "2010"}, {1021, "2007"}, {1018, "2004"},
        {1015, "2000"}, {1014, "R14"},  {1012, "R13"},  {1009, "R12"},  {1006, "R10"},
        {1004, "R9"},   {1003, "R2.6"}, {1002, "R2.5"}, {1001, "R2.2"}, {210, "R2.1"},
    };
    for (size_t i = 0; i < QR_COUNT(releases); i++)
        if (releases[i].version == version)
            return releases[i].name;
    return "";
}

static void put_units(struct qr_dxf_reader *r)
{
    const struct qr_dxf_variable *insunits = qr_dxf_variable_find(&r->doc, "$INSUNITS");
    struct qr_dxf_unit_guess guess;

    put_number(r, "insunits", "$INSUNITS");
    if (insunits)
        put_meta(r, "insunits_name", qr_dxf_unit_name(qr_dxf_int(&insunits->tag, NULL)), "header");
    put_number(r, "measurement", "$MEASUREMENT");
    put_number(r, "lunits", "$LUNITS");
    put_number(r, "aunits", "$AUNITS");
    qr_dxf_units_of(&r->doc, &guess);
    if (guess.unit[0] == '\0')
        return;
    put_meta(r, "units", guess.unit, guess.how);
    if (guess.guessed)
        put_meta(r, "units_guessed", guess.how, "guess");
}

void qr_dxf_report_header(struct qr_dxf_reader *r)
{
    struct qr_dxf_doc *doc = &r->doc;

    put_meta(r, "dxf_format", doc->binary ? "binary" : "ascii", "file");
    put_text(r, "acadver", "$ACADVER");
    if (qr_dxf_variable_find(doc, "$ACADVER"))
        put_meta(r, "release", release_of(doc->version), "header");
    put_text(r, "codepage", "$DWGCODEPAGE");
    put_meta(r, "encoding", doc->codepage.name, "file");
    r->rec->msg->encoding = qr_record_text(r->rec, doc->codepage.name);
    put_units(r);
    put_box(r, "extents", "$EXTMIN", "$EXTMAX");
    put_box(r, "limits", "$LIMMIN", "$LIMMAX");
    put_box(r, "paper_extents", "$PEXTMIN", "$PEXTMAX");
    put_box(r, "paper_limits", "$PLIMMIN", "$PLIMMAX");
    put_text(r, "last_saved_by", "$LASTSAVEDBY");
    if (!put_date(r, "created", "$TDUCREATE", "Z"))
        put_date(r, "created", "$TDCREATE", "");
    if (!put_date(r, "modified", "$TDUUPDATE", "Z"))
        put_date(r, "modified", "$TDUPDATE", "");
    put_text(r, "title", "$TITLE");
    put_text(r, "author", "$AUTHOR");
    put_text(r, "subject", "$SUBJECT");
    put_text(r, "keywords", "$KEYWORDS");
    put_text(r, "comments", "$COMMENTS");
    put_text(r, "revision_number", "$REVISIONNUMBER");
    put_text(r, "menu", "$MENU");
    put_text(r, "project", "$PROJECTNAME");
    put_text(r, "hyperlink_base", "$HYPERLINKBASE");
    put_text(r, "fingerprint", "$FINGERPRINTGUID");
    put_text(r, "version_guid", "$VERSIONGUID");
    put_number(r, "ltscale", "$LTSCALE");
    put_number(r, "dimscale", "$DIMSCALE");
    put_number(r, "dimlfac", "$DIMLFAC");
    put_text(r, "dimstyle", "$DIMSTYLE");
    put_text(r, "textstyle", "$TEXTSTYLE");
    if (r->s.comments > 0)
        qr_record_add_meta_number(r->rec, "comments_999", r->s.comments, "file");
}
