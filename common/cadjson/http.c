/* Exports under a base URL (a bucket that is served by HTTP, a web server). Names are tried one by
 * one: as the model is called, without its version, without its extension, and each in lower case.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cadjson/store.h"
#include "common/clock.h"

enum { NAMES_MAX = 6, REDIRECTS_MAX = 3, SLOW_BYTES_S = 100, SLOW_S = 30 };

struct fetch {
    int fd;
    uint64_t bytes, max;
    bool full;
    int64_t until_ms;
    const atomic_bool *stop;
};

static void init_curl(void) { (void)curl_global_init(CURL_GLOBAL_DEFAULT); }

static bool interrupted(const struct fetch *f)
{
    return (f->stop && atomic_load(f->stop)) || qr_clock_ms() > f->until_ms;
}

static size_t on_bytes(char *data, size_t size, size_t n, void *ctx)
{
    struct fetch *f = ctx;
    size_t len = size * n;

    if (len > f->max - f->bytes) {
        f->full = true;
        return 0;
    }
    for (size_t done = 0; done < len;) {
        ssize_t wrote = write(f->fd, data + done, len - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return 0;
        done += (size_t)wrote;
    }
    f->bytes += len;
    return len;
}

static int on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up_now)
{
    (void)total;
    (void)now;
    (void)up_total;
    (void)up_now;
    return interrupted(ctx);
}

/* ------------------------------------------------------------------ names */

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + ('a' - 'A'));
}

static size_t add_name(char names[NAMES_MAX][QR_IMPORT_NAME_MAX], size_t n, const char *name,
                       size_t len)
{
    char copy[QR_IMPORT_NAME_MAX];

    snprintf(copy, sizeof copy, "%.*s.json", (int)len, name);
    for (int i = 0; i < 2; i++) {
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known = known || strcmp(names[k], copy) == 0;
        if (!known && n < NAMES_MAX)
            memcpy(names[n++], copy, sizeof copy);
        lower(copy);
    }
    return n;
}

/* In the order in which they fit. */
static size_t names_of(const char *model, char names[NAMES_MAX][QR_IMPORT_NAME_MAX])
{
    const char *slash = strrchr(model, '/');
    const char *base = slash ? slash + 1 : model;
    size_t len = strlen(base), n = 0;
    const char *dot = strrchr(base, '.');

    if (len == 0 || len + 6 > QR_IMPORT_NAME_MAX)
        return 0;
    n = add_name(names, n, base, len);
    if (dot && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1)) {
        len = (size_t)(dot - base);
        n = add_name(names, n, base, len);
        dot = memrchr(base, '.', len);
    }
    return dot && dot > base ? add_name(names, n, base, (size_t)(dot - base)) : n;
}

/* ------------------------------------------------------------------ one request */

static int answer(CURLcode code, long status, const struct fetch *f, const char *name,
                  const char *detail, struct qr_err *err)
{
    if (f->full)
        return qr_fail(err, QR_E_LIMIT, "'%s' has more than %llu bytes", name,
                       (unsigned long long)f->max);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return qr_fail(err, f->stop && atomic_load(f->stop) ? QR_E_CANCELLED : QR_E_TIMEOUT,
                       "fetching '%s' took too long", name);
    if (code == CURLE_FILESIZE_EXCEEDED)
        return qr_fail(err, QR_E_LIMIT, "'%s' has more than %llu bytes", name,
                       (unsigned long long)f->max);
    if (code == CURLE_WRITE_ERROR)
        return qr_fail(err, QR_E_IO, "keep '%s': %s", name, detail);
    if (code != CURLE_OK)
        return qr_fail(err, QR_E_UNREACHABLE, "fetch '%s': %s", name, detail);
    if (status == 404 || status == 410)
        return 0;
    if (status == 401 || status == 403)
        return qr_fail(err, QR_E_DENIED, "fetch '%s': HTTP status %ld", name, status);
    if (status != 200)
        return qr_fail(err, QR_E_UNREACHABLE, "fetch '%s': HTTP status %ld", name, status);
    return 1;
}

/* Blanks and the like in a name are escaped; slashes there are none. */
static bool url_of(CURL *curl, const char *base, const char *name, char *url, size_t size)
{
    char *escaped = curl_easy_escape(curl, name, 0);
    size_t len = strlen(base);
    int n = escaped ? snprintf(url, size, "%s%s%s", base,
                               len > 0 && base[len - 1] == '/' ? "" : "/", escaped)
                    : -1;
    curl_free(escaped);
    return n > 0 && (size_t)n < size;
}

static int request(CURL *curl, const struct qr_import_http *http, const char *name, bool head,
                   struct fetch *f, struct qr_err *err)
{
    char url[4096], detail[CURL_ERROR_SIZE] = "";
    long status = 0;

    if (!url_of(curl, http->base, name, url, sizeof url))
        return qr_fail(err, QR_E_INVALID, "the URL of '%s' is too long", name);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOBODY, head ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)http->connect_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)http->max_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, f);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "quarry");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return answer(code, status, f, name, detail[0] ? detail : curl_easy_strerror(code), err);
}

/* A file without a name on disk; what is fetched may be larger than memory. */
static int spare_file(struct qr_err *err)
{
    const char *folder = getenv("TMPDIR");
    int fd = open(folder && folder[0] ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    return fd >= 0 ? fd : qr_fail_errno(err, QR_E_IO, errno, "a temporary file");
}

static int ask(const struct qr_import_http *http, const char *model, bool head, struct fetch *f,
               char *ret_name, struct qr_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char names[NAMES_MAX][QR_IMPORT_NAME_MAX];
    size_t n = names_of(model, names);
    int rc = 0;

    pthread_once(&once, init_curl);
    CURL *curl = curl_easy_init();
    if (!curl)
        return qr_fail(err, QR_E_NOMEM, "import: out of memory");
    for (size_t i = 0; i < n && rc == 0; i++) {
        f->bytes = 0;
        if (f->fd >= 0 && (ftruncate(f->fd, 0) != 0 || lseek(f->fd, 0, SEEK_SET) != 0)) {
            rc = qr_fail_errno(err, QR_E_IO, errno, "a temporary file");
            break;
        }
        rc = request(curl, http, names[i], head, f, err);
        if (rc == 1 && ret_name)
            memcpy(ret_name, names[i], QR_IMPORT_NAME_MAX);
    }
    curl_easy_cleanup(curl);
    return rc;
}

int qr_import_http_open(const struct qr_import_http *http, const char *model, int64_t budget_ms,
                        const atomic_bool *stop, struct qr_import_file *ret, struct qr_err *err)
{
    struct fetch f = {.max = http->max_bytes, .until_ms = qr_clock_ms() + budget_ms, .stop = stop};
    struct qr_import_file file = {.fd = -1};

    f.fd = spare_file(err);
    if (f.fd < 0)
        return f.fd;
    int rc = ask(http, model, false, &f, file.name, err);
    if (rc == 1 && lseek(f.fd, 0, SEEK_SET) != 0)
        rc = qr_fail_errno(err, QR_E_IO, errno, "a temporary file");
    if (rc != 1) {
        close(f.fd);
        return rc;
    }
    file.fd = f.fd;
    *ret = file;
    return 1;
}

int qr_import_http_has(const struct qr_import_http *http, const char *model, bool *ret,
                       struct qr_err *err)
{
    struct fetch f = {
        .fd = -1, .max = http->max_bytes, .until_ms = qr_clock_ms() + 3 * http->connect_timeout_ms};
    int rc = ask(http, model, true, &f, NULL, err);

    if (rc >= 0)
        *ret = rc == 1;
    return rc < 0 ? rc : QR_OK;
}
