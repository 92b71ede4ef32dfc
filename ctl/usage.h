/* ctl/usage.h
 *
 * The list of verbs, and finding one: what `quarry help` prints and what is said about a typing
 * error.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/options.h"
#include "ctl/ctl.h"

/** All verbs, one line each, by group. */
void qr_usage_print(FILE *out);

/** The verbs that begin with this word ("run"); false when it is no group's name. */
bool qr_usage_print_group(const char *word, FILE *out);

/**
 * The verb that `words` begin with.
 *
 *   ret_used  how many words its name has
 *
 * Errors: QR_E_USAGE with the nearest verb or the group's verbs as a hint.
 */
QR_MUST_CHECK int qr_usage_find(const struct qr_option_list *words, const struct qr_ctl_verb **ret,
                                size_t *ret_used, struct qr_err *err);

/** The verb whose name is nearest to `text`; NULL when none is near enough for a typing error. */
const struct qr_ctl_verb *qr_usage_nearest(const char *text);
