#include "cadbridge/creoson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <jansson.h>

#include "cadbridge/creoson_questions.h"
#include "common/cadjson/cadjson.h"
#include "common/clock.h"
#include "common/record/cad.h"
#include "common/record/parts.h"

enum { CONNECT_MS = 5000, CLEAN_UP_MS = 5000 };

struct creoson {
    struct qr_cad_backend base;
    CURL *curl;
    struct curl_slist *headers;
    char url[400];
    char session[200]; /* "": none */
    struct qr_buf body;
    int64_t until_ms; /* of the present work */
};

/* ---- HTTP */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct qr_buf *body = ctx;

    return qr_buf_append(body, data, size * n) ? size * n : 0;
}

static int on_progress(void *ctx, curl_off_t down, curl_off_t down_now, curl_off_t up,
                       curl_off_t up_now)
{
    const struct creoson *c = ctx;
    (void)down;
    (void)down_now;
    (void)up;
    (void)up_now;
    return atomic_load(c->base.interrupted);
}

/* One POST; the answer is in c->body. */
static int post(struct creoson *c, const char *request, struct qr_err *err)
{
    int64_t left_ms = c->until_ms - qr_clock_ms();
    long status = 0;

    qr_buf_clear(&c->body);
    if (left_ms < 1)
        return qr_fail(err, QR_E_TIMEOUT, "no time is left");
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, request);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
    CURLcode code = curl_easy_perform(c->curl);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return qr_fail(err, QR_E_CANCELLED, "given up");
    if (code == CURLE_OPERATION_TIMEDOUT)
        return qr_fail(err, QR_E_TIMEOUT, "no answer in time");
    if (code == CURLE_WRITE_ERROR)
        return qr_fail(err, QR_E_DATA, "an answer of more than %zu MiB",
                       QR_CREOSON_BYTES_MAX >> 20);
    if (code != CURLE_OK)
        return qr_fail(err, QR_E_UNREACHABLE, "%s", curl_easy_strerror(code));
    if (status != 200)
        return qr_fail(err, QR_E_UNREACHABLE, "HTTP status %ld", status);
    return QR_OK;
}

/* ---- a question and its answer */

struct reply {
    json_t *root;
    const json_t *data; /* in it; NULL: none */
    bool refused;       /* status.error */
    const char *why;    /* in it */
};

static void reply_done(struct reply *reply)
{
    json_decref(reply->root);
    *reply = (struct reply){.root = NULL};
}

static int ask(struct creoson *c, const char *command, const char *function, json_t *data,
               struct reply *ret, struct qr_err *err)
{
    json_t *request =
        json_pack("{s:s, s:s, s:o*}", "command", command, "function", function, "data", data);
    json_error_t where;

    *ret = (struct reply){.root = NULL};
    if (request && c->session[0])
        json_object_set_new(request, "sessionId", json_string(c->session));
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!text)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    int rc = post(c, text, err);
    free(text);
    if (rc < 0)
        return qr_err_wrap(err, rc, "%s/%s", command, function);
    ret->root = json_loadb((const char *)c->body.data, c->body.len, 0, &where);
    const json_t *status = json_object_get(ret->root, "status");
    if (!json_is_object(status)) {
        reply_done(ret);
        return qr_fail(err, QR_E_DATA, "%s/%s: the answer is not CREOSON's", command, function);
    }
    ret->refused = json_is_true(json_object_get(status, "error"));
    ret->why = json_string_value(json_object_get(status, "message"));
    ret->why = ret->why ? ret->why : "";
    ret->data = json_object_get(ret->root, "data");
    return QR_OK;
}

static int connect_session(struct creoson *c, struct qr_err *err)
{
    struct reply reply;

    c->session[0] = '\0';
    int rc = ask(c, "connection", "connect", NULL, &reply, err);
    if (rc < 0)
        return rc;
    const char *id = json_string_value(json_object_get(reply.root, "sessionId"));
    if (reply.refused || !id || strlen(id) >= sizeof c->session)
        rc = qr_fail(err, QR_E_UNREACHABLE, "no session: %.200s",
                     reply.why[0] ? reply.why : "the answer has no sessionId");
    else
        snprintf(c->session, sizeof c->session, "%s", id);
    reply_done(&reply);
    return rc;
}

static bool has(const char *text, const char *part) { return strcasestr(text, part) != NULL; }

/* Refused because our session, or its Creo, is gone. "Not in session" is said of models. */
static bool is_lost(const struct reply *reply)
{
    return reply->refused && (has(reply->why, "not connected") ||
                              (has(reply->why, "session") && !has(reply->why, "in session")));
}

/* ---- a model */

struct work {
    struct creoson *c;
    const struct qr_cad_request *request;
    struct qr_record *rec;
    struct qr_cadjson *cj;
    struct qr_cad_failure *failure;
    struct qr_err err; /* that ended the questions */
};

static enum qr_cad_blame service(struct work *w, enum qr_class cls, const char *message)
{
    w->failure->cls = cls;
    snprintf(w->failure->message, sizeof w->failure->message, "creoson at %.100s: %.280s",
             w->c->url, message);
    return QR_CAD_SERVICE;
}

static enum qr_cad_blame failed(struct work *w, const struct qr_err *err)
{
    if (err->code == QR_E_CANCELLED) {
        w->failure->cls = QR_CLASS_CONNECTION;
        snprintf(w->failure->message, sizeof w->failure->message, "given up");
        return QR_CAD_GIVEN_UP;
    }
    return service(w,
                   err->code == QR_E_TIMEOUT       ? QR_CLASS_TIMEOUT
                   : err->code == QR_E_UNREACHABLE ? QR_CLASS_CONNECTION
                                                   : QR_CLASS_INTERNAL,
                   err->msg);
}

static json_t *file_data(const struct work *w)
{
    return json_pack("{s:s}", "file", w->request->model);
}

/* file/open, with a new session where the old one is gone. */
static enum qr_cad_blame open_model(struct work *w)
{
    struct qr_err err = {0};
    struct reply reply;
    bool fresh = w->c->session[0] == '\0';

    for (;;) {
        if (fresh && connect_session(w->c, &err) < 0)
            return failed(w, &err);
        json_t *data =
            json_pack("{s:s, s:b, s:b}", "file", w->request->model, "display", 0, "activate", 1);
        if (data && w->request->folder[0])
            json_object_set_new(data, "dirname", json_string(w->request->folder));
        if (ask(w->c, "file", "open", data, &reply, &err) < 0)
            return failed(w, &err);
        if (fresh || !is_lost(&reply))
            break;
        reply_done(&reply);
        fresh = true;
    }
    enum qr_cad_blame blame = QR_CAD_GOOD;
    if (is_lost(&reply)) {
        blame = service(w, QR_CLASS_CONNECTION, reply.why);
    } else if (reply.refused) {
        w->failure->cls = QR_CLASS_INVALID_INPUT;
        snprintf(w->failure->message, sizeof w->failure->message, "creoson at %.100s: %.280s",
                 w->c->url, reply.why);
        blame = QR_CAD_MODEL;
    }
    reply_done(&reply);
    return blame;
}

/* The answer's data to the record. */
static int take(struct work *w, const char *command, const char *function, const json_t *data,
                struct qr_err *err)
{
    char *text = json_dumps(data, JSON_COMPACT);

    if (!text)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    int rc = qr_cadjson_answer(w->cj, command, function, text, strlen(text), err);
    free(text);
    return rc;
}

/* The last folder of a path, without what ends it; Creo's separators are those of its system. */
static size_t last_folder(const char *path, const char **ret)
{
    size_t len = strlen(path), begin;

    while (len > 0 && (path[len - 1] == '/' || path[len - 1] == '\\'))
        len--;
    for (begin = len; begin > 0 && path[begin - 1] != '/' && path[begin - 1] != '\\';)
        begin--;
    *ret = path + begin;
    return len - begin;
}

/* Creo knows one model of a name at a time: it may have had another folder's in memory. Roots may
 * be called differently there, so the last folder decides. */
static bool is_our_folder(const char *asked, const char *told)
{
    const char *a, *b;
    size_t n = last_folder(asked, &a), m = last_folder(told, &b);

    return n == 0 || m == 0 || (n == m && strncasecmp(a, b, n) == 0);
}

/* Which model is open? It must be ours. */
static enum qr_cad_blame check_model(struct work *w)
{
    struct qr_err err = {0};
    struct reply reply;
    char message[300];

    if (ask(w->c, "file", "get_fileinfo", file_data(w), &reply, &err) < 0)
        return failed(w, &err);
    const char *file = json_string_value(json_object_get(reply.data, "file"));
    const char *dirname = json_string_value(json_object_get(reply.data, "dirname"));
    enum qr_cad_blame blame = QR_CAD_GOOD;
    if (reply.refused || !file) {
        blame = service(w, QR_CLASS_INTERNAL, reply.why[0] ? reply.why : "the answer is empty");
    } else if (!qr_cadjson_same_model(file, w->request->model)) {
        snprintf(message, sizeof message, "the answer is about '%.80s', not '%.80s'", file,
                 w->request->model);
        blame = service(w, QR_CLASS_INTERNAL, message);
    } else if (dirname && !is_our_folder(w->request->folder, dirname)) {
        snprintf(
            message, sizeof message,
            "'%.80s' of the folder '%.80s' is open, not that of '%.80s'; hint: erase it in Creo",
            file, dirname, w->request->folder);
        blame = service(w, QR_CLASS_INTERNAL, message);
    } else if (take(w, "file", "get_fileinfo", reply.data, &err) < 0) {
        blame = failed(w, &err);
    }
    reply_done(&reply);
    return blame;
}

static int ask_and_take(void *ctx, const char *command, const char *function, json_t *data,
                        json_t **ret_data)
{
    struct work *w = ctx;
    struct reply reply;
    int rc = ask(w->c, command, function, data, &reply, &w->err);

    if (rc < 0)
        return rc;
    if (is_lost(&reply)) /* in the middle: what is missing would not be the model's fault */
        rc = qr_fail(&w->err, QR_E_UNREACHABLE, "%s/%s: %.200s", command, function, reply.why);
    else if (reply.refused)
        qr_record_note(w->rec, "creoson.refused", "%s/%s: %.200s", command, function, reply.why);
    else if (json_is_object(reply.data))
        rc = take(w, command, function, reply.data, &w->err);
    if (rc == QR_OK && !reply.refused)
        *ret_data = json_incref((json_t *)(uintptr_t)reply.data);
    reply_done(&reply);
    return rc;
}

static enum qr_cad_blame ask_all(struct work *w)
{
    if (qr_creoson_ask_all(w->request->model, w->cj, ask_and_take, w) < 0 ||
        qr_cadjson_finish(w->cj, &w->err) < 0)
        return failed(w, &w->err);
    return QR_CAD_GOOD;
}

/* Creo's memory is not ours to fill; that it cannot be given back is no reason to fail. */
static void close_model(struct work *w)
{
    struct qr_err err = {0};
    struct reply reply;

    w->c->until_ms = qr_clock_ms() + CLEAN_UP_MS;
    if (ask(w->c, "file", "erase", file_data(w), &reply, &err) == QR_OK)
        reply_done(&reply);
}

static enum qr_cad_blame extract(struct qr_cad_backend *self, const struct qr_cad_request *request,
                                 struct qr_record *rec, struct qr_cad_failure *ret)
{
    struct creoson *c = QR_CONTAINER_OF(self, struct creoson, base);
    struct work w = {.c = c, .request = request, .rec = rec, .failure = ret};
    QR_AUTO(qr_cadjson) cj = NULL;
    struct qr_err err = {0};
    char source[500];

    c->until_ms = qr_clock_ms() + request->deadline_ms;
    if (qr_cadjson_new(rec, request->model, &cj, &err) < 0)
        return failed(&w, &err);
    w.cj = cj;
    enum qr_cad_blame blame = open_model(&w);
    if (blame != QR_CAD_GOOD)
        return blame;
    blame = check_model(&w);
    if (blame == QR_CAD_GOOD)
        blame = ask_all(&w);
    close_model(&w);
    Quarry__V1__CadModel *cad = blame == QR_CAD_GOOD ? qr_record_cad(rec) : NULL;
    if (cad) {
        snprintf(source, sizeof source, "creoson at %s", c->url);
        cad->mode = qr_record_text(rec, "grpc"); /* by a service, not by an export */
        cad->source = qr_record_text(rec, source);
    }
    return blame;
}

/* ---- life */

static int test(struct qr_cad_backend *self, int64_t deadline_ms, char *ret_what, size_t size,
                struct qr_err *err)
{
    struct creoson *c = QR_CONTAINER_OF(self, struct creoson, base);

    c->until_ms = qr_clock_ms() + deadline_ms;
    int rc = connect_session(c, err);
    if (rc < 0)
        return qr_err_wrap(err, rc, "creoson at %s", c->url);
    snprintf(ret_what, size, "creoson at %s", c->url);
    return QR_OK;
}

static void creoson_free(struct qr_cad_backend *self)
{
    struct creoson *c = QR_CONTAINER_OF(self, struct creoson, base);

    if (c->curl)
        curl_easy_cleanup(c->curl);
    curl_slist_free_all(c->headers);
    qr_buf_done(&c->body);
    free(c);
}

static void set_up(struct creoson *c)
{
    curl_easy_setopt(c->curl, CURLOPT_URL, c->url);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &c->body);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, c);
    curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http");
}

int qr_creoson_new(const char *url, const atomic_bool *interrupted, struct qr_cad_backend **ret,
                   struct qr_err *err)
{
    struct creoson *c = calloc(1, sizeof *c);

    if (!c)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    c->base = (struct qr_cad_backend){.test = test,
                                      .extract = extract,
                                      .free = creoson_free,
                                      .name = "creoson",
                                      .interrupted = interrupted};
    qr_buf_init(&c->body, QR_CREOSON_BYTES_MAX);
    if (strlen(url) > 300 || strlen(url) < 10 || strchr(url + 7, '/')) {
        creoson_free(&c->base);
        return qr_fail(err, QR_E_USAGE, "--creo: creoson+http://HOST:PORT is wanted");
    }
    snprintf(c->url, sizeof c->url, "%s/creoson", url);
    c->curl = curl_easy_init();
    c->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!c->curl || !c->headers) {
        creoson_free(&c->base);
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    }
    set_up(c);
    *ret = &c->base;
    return QR_OK;
}
