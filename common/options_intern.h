/* common/options_intern.h
 *
 * Between the files of common/options: values, the file, the help text.
 */
#pragma once
#include "common/options.h"

/* Where a value came from, for messages: "--lease-ttl", "QUARRY_LEASE_TTL", "q.yaml:3: lease_ttl".
 */
struct qr_option_origin {
    const char *text;
    bool split_commas; /* an environment variable: items of a list are separated by commas */
};

/** Row of a name, in both tables; NULL when there is none. `key` compares - and _ as equal. */
const struct qr_option *qr_options_find(const struct qr_options *options, const char *name,
                                        size_t len, bool key);

/** Row number `i` counted through both tables; NULL behind the last. */
const struct qr_option *qr_options_row(const struct qr_options *options, size_t i);

/** The name a user most likely meant, or NULL. */
const char *qr_options_nearest(const struct qr_options *options, const char *name);

/** Store a value: scalars are replaced, lists appended to. */
int qr_option_set(const struct qr_option *row, void *target, const char *value,
                  const struct qr_option_origin *origin, struct qr_err *err);
/** Forget a value: a list or string of a weaker source. */
void qr_option_clear(const struct qr_option *row, void *target);
int qr_option_list_add(struct qr_option_list *list, const char *item, size_t len,
                       struct qr_err *err);

/** Read the YAML file; each key found is set in the rows where given[i] is false. */
int qr_options_load(const struct qr_options *options, const char *path, const bool *given,
                    void *target, struct qr_err *err);

/** Whether the row may be set by the environment: all but the own options of a verb. */
bool qr_option_has_env(const struct qr_options *options, const struct qr_option *row);

/** "QUARRY_LEASE_TTL" / "lease_ttl". Return buf. */
const char *qr_option_env_name(const struct qr_option *row, char *buf, size_t size);
const char *qr_option_key_name(const struct qr_option *row, char *buf, size_t size);

/** "1s..1h", "" when the row has no range. Returns buf. */
const char *qr_option_range(const struct qr_option *row, char *buf, size_t size);
