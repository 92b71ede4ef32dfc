#include "worker/extract/step/intern.h"

#define LITERALS_MAX 20000

/* A line of the words that are not empty and not said before on it. */
static void line(struct qr_buf *text, const char *const *words, size_t n)
{
    size_t from = text->len;

    for (size_t i = 0; i < n; i++) {
        bool said = words[i][0] == '\0';
        for (size_t k = 0; k < i && !said; k++)
            said = strcmp(words[k], words[i]) == 0;
        if (said)
            continue;
        if (text->len > from)
            qr_buf_append_str(text, " ");
        qr_buf_append_str(text, words[i]);
    }
    if (text->len > from)
        qr_buf_append_str(text, "\n");
}

/* TEXT_LITERAL(name, literal, …): what annotations say. */
static void literals(struct qr_step *s, struct qr_buf *text)
{
    static const char *const types[] = {"TEXT_LITERAL", "TEXT_LITERAL_WITH_EXTENT",
                                        "TEXT_LITERAL_WITH_BLANKING_BOX",
                                        "TEXT_LITERAL_WITH_DELINEATION"};
    struct qr_p21_value value;

    for (size_t i = 0; i < QR_COUNT(types); i++) {
        uint32_t n;
        const uint32_t *all = qr_p21_of_type(s->p, qr_p21_type(s->p, types[i]), &n);
        for (uint32_t k = 0; k < n && k < LITERALS_MAX; k++)
            if (qr_p21_attribute(s->p, all[k], qr_p21_type(s->p, types[i]), 1, &value)) {
                const char *said = qr_p21_string(s->rec, &value);
                line(text, &said, 1);
            }
    }
}

void qr_step_say(struct qr_step *s)
{
    const Quarry__V1__ExtractionRecord *msg = s->rec->msg;
    struct qr_buf *text = &s->x->engine->text;

    for (size_t i = 0; msg->cad && i < msg->cad->n_products; i++) {
        const Quarry__V1__CadProduct *product = msg->cad->products[i];
        const char *words[] = {product->id, product->name, product->description};
        line(text, words, QR_COUNT(words));
    }
    for (size_t i = 0; i < msg->n_parameters; i++) {
        const Quarry__V1__Parameter *parameter = msg->parameters[i];
        const char *words[] = {parameter->name, parameter->value, parameter->unit};
        if (strcmp(parameter->set, "validation") != 0)
            line(text, words, QR_COUNT(words));
    }
    for (size_t i = 0; i < msg->n_materials; i++)
        line(text, (const char *const[]){msg->materials[i]->name}, 1);
    for (size_t i = 0; i < msg->n_links; i++)
        line(text, (const char *const[]){msg->links[i]->target}, 1);
    for (size_t i = 0; i < msg->n_dimensions; i++)
        line(text, (const char *const[]){msg->dimensions[i]->text}, 1);
    for (size_t i = 0; i < msg->n_gdt; i++)
        line(text, (const char *const[]){msg->gdt[i]->text}, 1);
    literals(s, text);
    if (text->len > 0)
        qr_record_set_text(s->rec, (const char *)text->data, text->len);
}
