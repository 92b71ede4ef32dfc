#include "common/class.h"

#include <string.h>

#include "common/base.h"

static const struct qr_class_policy policies[] = {
#define QR_CLASS_ROW(name, number, text, retries, base, factor, cap, jitter, own) \
    {QR_CLASS_##name, text, retries, base, factor, cap, jitter, own},
    QR_CLASS_MAP(QR_CLASS_ROW)
#undef QR_CLASS_ROW
};

const struct qr_class_policy *qr_class_policy(enum qr_class id)
{
    const struct qr_class_policy *internal = NULL;

    for (size_t i = 0; i < QR_COUNT(policies); i++) {
        if (policies[i].id == id)
            return &policies[i];
        if (policies[i].id == QR_CLASS_INTERNAL)
            internal = &policies[i];
    }
    return internal;
}

const char *qr_class_text(enum qr_class id)
{
    return id == QR_CLASS_NONE ? "" : qr_class_policy(id)->text;
}

enum qr_class qr_class_parse(const char *text)
{
    for (size_t i = 0; i < QR_COUNT(policies); i++)
        if (strcmp(policies[i].text, text) == 0)
            return policies[i].id;
    return QR_CLASS_NONE;
}

/* splitmix64: well mixed bits from a counter. Source: Steele, Lea, Flood, OOPSLA 2014. */
static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

bool qr_class_retry(enum qr_class id, int retry_count, bool is_upload, uint64_t seed,
                    int64_t *ret_delay_ms)
{
    const struct qr_class_policy *policy = qr_class_policy(id);
    int retries = policy->retries > 0 && is_upload ? policy->retries + 1 : policy->retries;

    if (retry_count < 0)
        retry_count = 0;
    if (retry_count >= retries)
        return false;
    int64_t delay = policy->base_ms;
    for (int i = 0; i < retry_count && delay < policy->cap_ms; i++)
        delay *= policy->factor;
    if (delay > policy->cap_ms)
        delay = policy->cap_ms;
    int64_t spread = delay * policy->jitter_pct / 100;
    if (spread > 0)
        delay += (int64_t)(mix(seed) % (uint64_t)(spread + 1));
    *ret_delay_ms = delay;
    return true;
}

int64_t qr_class_retry_after(enum qr_class id, int64_t delay_ms, uint64_t asked_ms, uint64_t seed)
{
    int64_t asked = asked_ms > QR_RETRY_AFTER_MAX_MS ? QR_RETRY_AFTER_MAX_MS : (int64_t)asked_ms;

    if (asked == 0 || asked <= delay_ms)
        return delay_ms;
    int64_t spread = asked * qr_class_policy(id)->jitter_pct / 100;
    return asked + (int64_t)(mix(seed) % (uint64_t)(spread + 1));
}
