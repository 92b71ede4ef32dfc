/* quarry help */
#include <stdio.h>
#include <string.h>

#include "ctl/usage.h"
#include "ctl/verb/verbs.h"

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct qr_ctl_verb *verb = NULL;
    struct qr_options options;
    char program[64];
    size_t used = 0;
    (void)ctl;
    (void)args;

    if (rest->n == 0) {
        qr_usage_print(stdout);
        return QR_OK;
    }
    if (rest->n == 1 && qr_usage_print_group(rest->items[0], stdout))
        return QR_OK;
    int rc = qr_usage_find(rest, &verb, &used, err);
    if (rc < 0)
        return rc;
    qr_ctl_verb_options(verb, &options, program, sizeof program);
    qr_options_print_help(&options, stdout);
    return QR_OK;
}

const struct qr_ctl_verb qr_ctl_help = {
    .name = "help",
    .arguments = "[VERB]",
    .summary = "all verbs, or one with its options and examples",
    .examples = "  quarry help\n"
                "  quarry help run create\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .rest_max = 2,
    .rest_name = "verb",
    .run = run_verb,
};
