#include "ctl/usage.h"

#include <string.h>

#include "common/buf.h"
#include "ctl/text.h"

static size_t first_word(const char *text) { return strcspn(text, " "); }

void qr_usage_print(FILE *out)
{
    size_t group = 0; /* length of the first word of the line above */
    const char *above = "";

    fputs("quarry: runs, jobs and workers of a Quarry fleet\n\n"
          "Usage: quarry VERB [OPTION]... [ARGUMENT]...\n",
          out);
    for (size_t i = 0; qr_ctl_verbs[i]; i++) {
        const struct qr_ctl_verb *verb = qr_ctl_verbs[i];
        size_t len = first_word(verb->name);
        bool grouped = verb->name[len] != '\0';
        if (len != group || strncmp(above, verb->name, len) != 0)
            if (grouped || group == 0 || above[group] != '\0')
                fputc('\n', out);
        fprintf(out, "  %-14s %s\n", verb->name, verb->summary);
        group = len;
        above = verb->name;
    }
    fputs("\nEvery verb has --help with examples. Options of every verb:\n"
          "  -o, --output table|json|jsonl       data on standard output, messages on standard "
          "error\n"
          "      --coordinator HOST:PORT[,...]   or QUARRY_COORDINATOR; default 127.0.0.1:7420\n"
          "      --timeout TIME                  of one call; default 30s\n"
          "\nExit codes: 0 ok, 1 failed, 2 wrong usage, 3 not found, 4 unreachable, 5 denied\n"
          "\nFirst steps:\n"
          "  quarry run create --source root://drawings --wait\n"
          "  quarry run list\n"
          "  quarry dlq list --run 1\n",
          out);
}

bool qr_usage_print_group(const char *word, FILE *out)
{
    size_t len = strlen(word);
    bool found = false;

    for (size_t i = 0; qr_ctl_verbs[i]; i++) {
        const struct qr_ctl_verb *verb = qr_ctl_verbs[i];
        if (strncmp(verb->name, word, len) != 0 || verb->name[len] != ' ')
            continue;
        fprintf(out, "quarry %s %s\n    %s\n", verb->name, verb->arguments, verb->summary);
        found = true;
    }
    return found;
}

const struct qr_ctl_verb *qr_usage_nearest(const char *text)
{
    const struct qr_ctl_verb *nearest = NULL;
    size_t least = strlen(text) / 3 + 2; /* farther is no typing error */

    for (size_t i = 0; qr_ctl_verbs[i]; i++) {
        size_t distance = qr_text_distance(text, qr_ctl_verbs[i]->name);
        if (distance < least) {
            least = distance;
            nearest = qr_ctl_verbs[i];
        }
    }
    return nearest;
}

/* "run" alone: says which verbs begin with it. False when none does. */
static bool name_group(const char *word, struct qr_buf *names)
{
    size_t len = strlen(word);

    for (size_t i = 0; qr_ctl_verbs[i]; i++) {
        const char *name = qr_ctl_verbs[i]->name;
        if (strncmp(name, word, len) == 0 && name[len] == ' ')
            qr_buf_printf(names, "%s%s", names->len == 0 ? "" : ", ", name + len + 1);
    }
    return names->len > 0;
}

static int not_a_verb(const char *first, const char *second, struct qr_err *err)
{
    const struct qr_ctl_verb *nearest = NULL;
    char text[132];
    struct qr_buf names;
    int rc = QR_E_USAGE;

    snprintf(text, sizeof text, "%.64s%s%.64s", first, second[0] ? " " : "", second);
    qr_buf_init(&names, 300);
    bool group = name_group(first, &names);
    nearest = qr_usage_nearest(text);
    if (!nearest && !group)
        nearest = qr_usage_nearest(first);
    if (group && !second[0])
        rc = qr_fail(err, rc, "quarry %s what? hint: %s", first, (const char *)names.data);
    else if (nearest)
        rc = qr_fail(err, rc, "unknown verb '%s'; hint: did you mean quarry %s?", text,
                     nearest->name);
    else if (group)
        rc = qr_fail(err, rc, "unknown verb '%s'; hint: quarry %s has %s", text, first,
                     (const char *)names.data);
    else
        rc = qr_fail(err, rc, "unknown verb '%s'; hint: quarry help lists them", first);
    qr_buf_done(&names);
    return rc;
}

int qr_usage_find(const struct qr_option_list *words, const struct qr_ctl_verb **ret,
                  size_t *ret_used, struct qr_err *err)
{
    if (words->n == 0)
        return qr_fail(err, QR_E_USAGE, "a verb is missing; hint: quarry help lists them");
    const char *second = words->n > 1 ? words->items[1] : "";
    for (size_t i = 0; qr_ctl_verbs[i]; i++) {
        const char *name = qr_ctl_verbs[i]->name;
        size_t len = first_word(name);
        if (strlen(words->items[0]) != len || strncmp(words->items[0], name, len) != 0)
            continue;
        if (name[len] == '\0' || strcmp(name + len + 1, second) == 0) {
            *ret = qr_ctl_verbs[i];
            *ret_used = name[len] == '\0' ? 1 : 2;
            return QR_OK;
        }
    }
    return not_a_verb(words->items[0], second[0] == '-' ? "" : second, err);
}
