/* CREOSON's answers, as CREOSON 3 gives them (SimplifiedLogic/creoson, jsonSpecs): the "data" of
 * each function, in the same record as an export. Here: who reads which. */
#include "common/cadjson/creoson.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ for all of them */

bool qr_creoson_skip(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_jr_skip(cj->jr);
}

char *qr_creoson_say(struct qr_cadjson *cj, const char *text)
{
    return qr_record_text(cj->rec, text);
}

static size_t decode(const char *in, char *out)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int n_bits = 0;
    size_t n = 0;

    for (; *in; in++) {
        const char *found = strchr(set, *in);
        if (!found)
            continue;
        bits = bits << 6 | (uint32_t)(found - set);
        n_bits += 6;
        if (n_bits >= 8)
            out[n++] = (char)(bits >> (n_bits -= 8));
    }
    return n;
}

char *qr_creoson_plain(struct qr_cadjson *cj, char *value, bool encoded)
{
    char out[QR_JR_TEXT_MAX + 1];

    if (!encoded || strlen(value) > QR_JR_TEXT_MAX)
        return value;
    return qr_record_string(cj->rec, out, decode(value, out));
}

/* ------------------------------------------------------------------ answers */

static const struct {
    const char *command, *function;
    bool (*read)(struct qr_cadjson *cj, void *target);
} answers[] = {
    {"file", "get_fileinfo", qr_creoson_info},
    {"file", "get_active", qr_creoson_active},
    {"file", "massprops", qr_creoson_mass},
    {"file", "get_length_units", qr_creoson_length_units},
    {"file", "get_mass_units", qr_creoson_mass_units},
    {"file", "get_accuracy", qr_creoson_accuracy},
    {"file", "relations_get", qr_creoson_relations},
    {"file", "postregen_relations_get", qr_creoson_relations},
    {"file", "get_cur_material", qr_creoson_materials},
    {"file", "list_materials", qr_creoson_materials},
    {"file", "list_instances", qr_creoson_instances},
    {"file", "list_simp_reps", qr_creoson_simplified},
    {"parameter", "list", qr_creoson_parameters},
    {"dimension", "list", qr_creoson_dimensions},
    {"dimension", "list_detail", qr_creoson_dimensions},
    {"feature", "list", qr_creoson_features},
    {"feature", "list_params", qr_creoson_parameters},
    {"bom", "get_paths", qr_cadjson_read_paths},
    {"geometry", "bound_box", qr_creoson_box},
    {"geometry", "get_surfaces", qr_creoson_surfaces},
    {"layer", "list", qr_creoson_layers},
    {"note", "list", qr_creoson_notes},
    {"drawing", "list_models", qr_creoson_drawn},
    {"drawing", "get_num_sheets", qr_creoson_sheets},
    {"drawing", "get_sheet_size", qr_creoson_sheet},
    {"drawing", "get_sheet_scale", qr_creoson_sheet},
    {"drawing", "get_sheet_format", qr_creoson_sheet_format},
    {"familytable", "list", qr_creoson_instances},
    {"familytable", "get_header", qr_creoson_header},
    {"familytable", "get_row", qr_creoson_row},
};

static bool read_data(struct qr_cadjson *cj, const char *command, const char *function)
{
    Quarry__V1__CadModel *cad = qr_record_cad(cj->rec);

    if (!cad)
        return qr_jr_fail(cj->jr, "out of memory");
    if (qr_jr_peek(cj->jr) == QR_JR_NULL)
        return qr_jr_null(cj->jr);
    for (size_t i = 0; i < QR_COUNT(answers); i++)
        if (strcmp(answers[i].command, command) == 0 && strcmp(answers[i].function, function) == 0)
            return answers[i].read(cj, cad);
    return qr_cadjson_keep_as(cj, cj->asked);
}

bool qr_cadjson_read_answer(struct qr_cadjson *cj, const char *command, const char *function)
{
    snprintf(cj->asked, sizeof cj->asked, "creoson.%.40s.%.60s", command, function);
    cj->asked_depth = cj->jr->depth;
    bool ok = read_data(cj, command, function);
    cj->asked[0] = '\0';
    return ok;
}
