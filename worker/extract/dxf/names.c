/* Names and properties: from a tag to the record. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/extract/dxf/reader.h"
#include "worker/extract/dxf/text.h"

#define NAME_MAX_BYTES ((size_t)64 * 1024) /* longer ones are cut by the record anyway */
#define XDATA_MAX 2000
#define XDATA_BYTES 1024
#define CUSTOM_MAX 5000

const char *qr_dxf_name_of(struct qr_dxf_reader *r, const struct qr_dxf_tag *tag, size_t *ret_len)
{
    const char *at;
    size_t len = tag->text ? qr_dxf_trim(tag->text, tag->len, &at) : 0;

    *ret_len = 0;
    if (len == 0)
        return "";
    qr_buf_clear(&r->raw);
    qr_buf_clear(&r->plain);
    qr_dxf_decode(&r->doc, at, len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES, &r->raw);
    const char *text = (const char *)r->raw.data;
    if (!text)
        return "";
    *ret_len = r->raw.len;
    if (!memchr(text, '\\', r->raw.len))
        return text;
    qr_dxf_text_unescape(&r->doc, text, r->raw.len, &r->plain);
    *ret_len = r->plain.len;
    return r->plain.data ? (const char *)r->plain.data : "";
}

void qr_dxf_property_text(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object, const char *key,
                          const char *value)
{
    qr_record_add_property(r->rec, object, key, value, strlen(value));
}

void qr_dxf_property_tag(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object, const char *key,
                         const struct qr_dxf_tag *tag)
{
    size_t len;

    if (!tag)
        return;
    if (!tag->text) {
        qr_dxf_property_number(r, object, key, tag->real);
        return;
    }
    const char *text = qr_dxf_name_of(r, tag, &len);
    qr_record_add_property(r->rec, object, key, text, len);
}

void qr_dxf_property_number(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object,
                            const char *key, double value)
{
    char text[40];

    snprintf(text, sizeof text, "%.12g", value);
    qr_dxf_property_text(r, object, key, text);
}

const char *qr_dxf_block_name(struct qr_dxf_reader *r, const struct qr_dxf_block *block,
                              size_t *ret_len)
{
    const struct qr_dxf_block *named = block->original ? block->original : block;
    struct qr_dxf_tag name = {.code = 2, .text = named->name, .len = named->name_len};

    return qr_dxf_name_of(r, &name, ret_len);
}

void qr_dxf_set_handle(struct qr_dxf_reader *r, Quarry__V1__Parameter *parameter, uint64_t handle)
{
    char text[20];

    if (handle == 0)
        return;
    snprintf(text, sizeof text, "%" PRIX64, handle);
    parameter->handle = qr_record_text(r->rec, text);
}

Quarry__V1__Parameter *qr_dxf_add_property(struct qr_dxf_reader *r, char *name, char *value,
                                           const char *source)
{
    if (r->n_parameters >= CUSTOM_MAX) {
        qr_record_partial(r->rec, "dxf.custom.capped", "custom properties beyond %d were left out",
                          CUSTOM_MAX);
        return NULL;
    }
    Quarry__V1__Parameter *parameter = qr_record_add_parameter(r->rec);
    if (!parameter)
        return NULL;
    r->n_parameters++;
    parameter->set = (char *)"custom";
    parameter->name = name;
    parameter->value = value;
    parameter->source = (char *)source;
    return parameter;
}

void qr_dxf_take_xdata(struct qr_dxf_reader *r, const struct qr_dxf_tag *tag)
{
    size_t len;

    if (tag->code == 1001) {
        const char *app;
        len = tag->text ? qr_dxf_trim(tag->text, tag->len, &app) : 0;
        len = len < sizeof r->app ? len : sizeof r->app - 1;
        if (len > 0)
            memcpy(r->app, app, len);
        r->app[len] = '\0';
        return;
    }
    /* ACAD's own are styles and columns, which are read where they belong */
    if (tag->code != 1000 || r->app[0] == '\0' || strcmp(r->app, "ACAD") == 0)
        return;
    if (r->n_xdata >= XDATA_MAX) {
        qr_record_partial(r->rec, "dxf.xdata.capped", "XDATA strings beyond %d were left out",
                          XDATA_MAX);
        return;
    }
    r->n_xdata++;
    struct qr_dxf_tag cut = *tag;
    cut.len = tag->len < XDATA_BYTES ? tag->len : XDATA_BYTES;
    struct qr_dxf_tag app = {.code = 1001, .text = r->app, .len = strlen(r->app)};
    const char *name = qr_dxf_name_of(r, &app, &len);
    char *owned = len > 0 ? qr_record_string(r->rec, name, len) : NULL;
    const char *value = qr_dxf_name_of(r, &cut, &len);
    Quarry__V1__Parameter *parameter = owned && len > 0 ? qr_record_add_parameter(r->rec) : NULL;
    if (!parameter)
        return;
    if (r->handle.len > 0)
        qr_dxf_set_handle(r, parameter, qr_dxf_handle(&r->handle));
    parameter->set = (char *)"xdata";
    parameter->name = owned;
    parameter->value = qr_record_string(r->rec, value, len);
    parameter->owner = qr_record_string(r->rec, r->e.type, r->e.type_len);
    parameter->source = (char *)"xdata";
}
