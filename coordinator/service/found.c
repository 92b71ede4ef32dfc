#include "coordinator/service/found.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/uri.h"
#include "coordinator/db/json.h"

enum { KEY_MAX = 200, TYPE_MAX = 32 };

static void leave_out(struct qr_found *found, uint32_t n, enum qr_class class, const char *fmt, ...)
    QR_PRINTF(4, 5);

static void leave_out(struct qr_found *found, uint32_t n, enum qr_class class, const char *fmt, ...)
{
    va_list args;

    if (found->left_out == 0) {
        found->left_out_class = class;
        va_start(args, fmt);
        vsnprintf(found->left_out_why, sizeof found->left_out_why, fmt, args);
        va_end(args);
    }
    found->left_out = n > UINT32_MAX - found->left_out ? UINT32_MAX : found->left_out + n;
}

static bool is_text(const char *text, size_t most)
{
    return strlen(text) <= most && qr_utf8_is_valid(text);
}

static bool is_type(const char *type)
{
    size_t len = strlen(type);
    return len > 0 && len <= TYPE_MAX &&
           strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

/* Why it can be no job; NULL: it can. */
static const char *fault_of(const Quarry__V1__FoundJob *job)
{
    if (!job->uri[0] || !is_text(job->uri, QR_URI_MAX))
        return "an address is 1 to 4096 bytes of UTF-8";
    if (!is_type(job->type))
        return "a type is 1 to 32 of a-z 0-9 _ -";
    if (!is_text(job->key, KEY_MAX))
        return "a key is 200 bytes of UTF-8 at most";
    if (job->priority < -100 || job->priority > 100)
        return "a priority is -100 to 100";
    return job->bytes > INT64_MAX ? "its size is out of range" : NULL;
}

static const char *put_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    const char *put = memcpy(*at, text, size);

    *at += size;
    return put;
}

static size_t size_of(const Quarry__V1__JobResult *result, size_t n)
{
    size_t size = sizeof(struct qr_found) + n * sizeof(struct qr_found_job);

    for (size_t i = 0; i < n; i++)
        size += strlen(result->found[i]->uri) + strlen(result->found[i]->type) +
                strlen(result->found[i]->key) + 3;
    return size;
}

static void take(const Quarry__V1__JobResult *result, size_t n, struct qr_found *found)
{
    char *at = (char *)&found->jobs[n];

    for (size_t i = 0; i < n; i++) {
        const Quarry__V1__FoundJob *job = result->found[i];
        const char *fault = fault_of(job);
        if (fault) {
            leave_out(found, 1, QR_CLASS_INVALID_INPUT, "%s", fault);
            continue;
        }
        found->jobs[found->n++] = (struct qr_found_job){.uri = put_text(&at, job->uri),
                                                        .type = put_text(&at, job->type),
                                                        .key = put_text(&at, job->key),
                                                        .priority = job->priority,
                                                        .bytes = job->bytes,
                                                        .modified_ms = job->modified_ms};
    }
}

bool qr_found_of_result(const Quarry__V1__JobResult *result, struct qr_found **ret)
{
    size_t n = result->n_found < QR_FOUND_MAX ? result->n_found : QR_FOUND_MAX;

    *ret = NULL;
    if (result->error || (result->n_found == 0 && result->found_left_out == 0))
        return true;
    size_t size = size_of(result, n);
    struct qr_found *found = calloc(1, size);
    if (!found)
        return false;
    found->n_bytes = size;
    if (result->found_left_out > 0) {
        const Quarry__V1__Failure *why = result->found_error;
        int class = why ? (int)why->class_ : 0;
        leave_out(found, result->found_left_out,
                  class >= QR_CLASS_TIMEOUT && class <= QR_CLASS_INTERNAL ? (enum qr_class) class
                                                                          : QR_CLASS_INTERNAL,
                  "%s", why && why->message[0] ? why->message : "its worker gives no reason");
    }
    take(result, n, found);
    if (result->n_found > n)
        leave_out(found, (uint32_t)(result->n_found - n), QR_CLASS_RESOURCE,
                  "one file names more than %d others", QR_FOUND_MAX);
    *ret = found;
    return true;
}
