#include "cadbridge/creoson_questions.h"

#include <string.h>
#include <strings.h>

#include "common/base.h"

enum about { ALL, DRAWINGS };

/* An `instead` is asked only when the one before it was refused. */
static const struct question {
    const char *command, *function;
    enum about about;
    const char *with[3]; /* further fields, all true */
    bool instead;
} questions[] = {
    {.command = "file", .function = "get_length_units"},
    {.command = "file", .function = "get_mass_units"},
    {.command = "file", .function = "get_accuracy"},
    {.command = "file", .function = "list_simp_reps"},
    {.command = "parameter", .function = "list"},
    {.command = "file", .function = "massprops"},
    {.command = "file", .function = "get_cur_material"},
    {.command = "file", .function = "list_materials"},
    {.command = "dimension", .function = "list_detail"}, /* with tolerances */
    {.command = "dimension", .function = "list", .instead = true},
    {.command = "feature", .function = "list", .with = {"inc_unnamed"}},
    {.command = "file", .function = "relations_get"},
    {.command = "bom",
     .function = "get_paths",
     .with = {"paths", "get_transforms", "get_simpreps"}},
    {.command = "layer", .function = "list"},
    {.command = "note", .function = "list", .with = {"get_expanded"}},
    {.command = "view", .function = "list"},
    {.command = "geometry", .function = "bound_box"},
    {.command = "drawing", .function = "list_models", .about = DRAWINGS},
    {.command = "drawing", .function = "list_view_details", .about = DRAWINGS},
    {.command = "drawing", .function = "list_symbols", .about = DRAWINGS},
};

struct asking {
    const char *model;
    struct qr_cadjson *cj;
    qr_creoson_ask_fn ask;
    void *ctx;
};

static bool is_drawing(const char *model)
{
    size_t len = strlen(model);
    return len > 4 && strcasecmp(model + len - 4, ".drw") == 0;
}

/* The command `drawing` calls its file so. */
static json_t *about_model(const struct asking *a, const char *command)
{
    return json_pack("{s:s}", strcmp(command, "drawing") == 0 ? "drawing" : "file", a->model);
}

static int ask(const struct asking *a, const char *command, const char *function, json_t *data,
               json_t **ret)
{
    *ret = NULL;
    return a->ask(a->ctx, command, function, data, ret);
}

static int ask_listed(const struct asking *a)
{
    bool refused = false;
    json_t *answer;

    for (size_t i = 0; i < QR_COUNT(questions); i++) {
        const struct question *q = &questions[i];
        if ((q->about == DRAWINGS && !is_drawing(a->model)) || (q->instead && !refused))
            continue;
        json_t *data = about_model(a, q->command);
        for (size_t k = 0; k < QR_COUNT(q->with) && q->with[k]; k++)
            json_object_set_new(data, q->with[k], json_true());
        int rc = ask(a, q->command, q->function, data, &answer);
        refused = answer == NULL;
        json_decref(answer);
        if (rc < 0)
            return rc;
    }
    return QR_OK;
}

/* The instances by name, then what they differ in. */
static int ask_family_table(const struct asking *a)
{
    json_t *list, *answer = NULL;
    int rc = ask(a, "familytable", "list", about_model(a, "familytable"), &list);
    const json_t *names = json_object_get(list, "instances");

    if (rc == QR_OK && json_array_size(names) > 0)
        rc = ask(a, "familytable", "get_header", about_model(a, "familytable"), &answer);
    json_decref(answer);
    for (size_t i = 0; rc == QR_OK && i < json_array_size(names) && i < QR_CREOSON_INSTANCES_MAX;
         i++) {
        json_t *data = about_model(a, "familytable");
        json_object_set(data, "instance", json_array_get(names, i));
        rc = ask(a, "familytable", "get_row", data, &answer);
        json_decref(answer);
    }
    json_decref(list);
    return rc;
}

static int ask_sheets(const struct asking *a)
{
    static const char *const functions[] = {"get_sheet_size", "get_sheet_scale",
                                            "get_sheet_format"};
    json_t *answer;
    int rc = ask(a, "drawing", "get_num_sheets", about_model(a, "drawing"), &answer);
    json_int_t n = json_integer_value(json_object_get(answer, "num_sheets"));

    json_decref(answer);
    for (json_int_t sheet = 1; rc == QR_OK && sheet <= n && sheet <= QR_CREOSON_SHEETS_MAX; sheet++)
        for (size_t i = 0; rc == QR_OK && i < QR_COUNT(functions); i++) {
            json_t *data = about_model(a, "drawing");
            json_object_set_new(data, "sheet", json_integer(sheet));
            qr_cadjson_sheet(a->cj, (uint32_t)sheet);
            rc = ask(a, "drawing", functions[i], data, &answer);
            json_decref(answer);
        }
    qr_cadjson_sheet(a->cj, 0);
    return rc;
}

int qr_creoson_ask_all(const char *model, struct qr_cadjson *cj, qr_creoson_ask_fn ask_one,
                       void *ctx)
{
    const struct asking a = {model, cj, ask_one, ctx};
    int rc = ask_listed(&a);

    if (rc == QR_OK)
        rc = ask_family_table(&a);
    if (rc == QR_OK && is_drawing(model))
        rc = ask_sheets(&a);
    return rc;
}
