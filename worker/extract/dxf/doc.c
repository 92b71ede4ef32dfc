#include "worker/extract/dxf/doc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/extract/extract.h"

#define ARENA_MAX ((size_t)96 * 1024 * 1024)
#define VARIABLES_MAX 2000
#define BLOCKS_MAX 200000
#define TEXTS_MAX 250000
#define INSERTS_MAX 250000
#define N_BUCKETS 4096
#define CHAIN_MAX 200 /* four are usual; more are names made up to share a bucket */

bool qr_dxf_doc_init(struct qr_dxf_doc *doc, const struct qr_extract *x)
{
    memset(doc, 0, sizeof *doc);
    doc->x = x;
    doc->version = 1009;
    qr_arena_init(&doc->arena, ARENA_MAX);
    if (!qr_dxf_codepage_named(NULL, "", 0, &doc->codepage))
        doc->has_second = false;
    doc->n_buckets = N_BUCKETS;
    doc->buckets = qr_dxf_alloc(doc, N_BUCKETS * sizeof(struct qr_dxf_block *));
    doc->variables = qr_dxf_alloc(doc, VARIABLES_MAX * sizeof *doc->variables);
    return doc->buckets && doc->variables;
}

void qr_dxf_doc_done(struct qr_dxf_doc *doc)
{
    qr_arena_done(&doc->arena);
    doc->buckets = NULL;
}

void *qr_dxf_alloc(struct qr_dxf_doc *doc, size_t size)
{
    void *at = qr_arena_alloc(&doc->arena, size);

    if (!at)
        qr_record_partial(doc->x->rec, "dxf.memory.capped",
                          "names and texts beyond %zu MiB were left out", ARENA_MAX >> 20);
    return at;
}

char *qr_dxf_copy(struct qr_dxf_doc *doc, const char *text, size_t len)
{
    char *copy = qr_dxf_alloc(doc, len + 1);

    if (copy && len > 0)
        memcpy(copy, text, len);
    return copy;
}

/* The place of a name: found, or where it belongs. */
static size_t variable_at(const struct qr_dxf_doc *doc, const char *name, size_t len,
                          bool *ret_found)
{
    size_t low = 0;
    size_t high = doc->n_variables;

    *ret_found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *have = doc->variables[middle].name;
        int order = strncmp(have, name, len);
        if (order == 0)
            order = have[len] != '\0';
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct qr_dxf_variable *qr_dxf_variable_add(struct qr_dxf_doc *doc, const char *name, size_t len)
{
    bool found;

    if (doc->n_variables == VARIABLES_MAX) {
        qr_record_partial(doc->x->rec, "dxf.header.capped",
                          "header variables beyond %d were left out", VARIABLES_MAX);
        return NULL;
    }
    char *copy = qr_dxf_copy(doc, name, len < 64 ? len : 64);
    if (!copy)
        return NULL;
    for (char *c = copy; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    len = strlen(copy);
    size_t at = variable_at(doc, copy, len, &found);
    if (found)
        return NULL;
    struct qr_dxf_variable *variable = &doc->variables[at];
    memmove(variable + 1, variable, (doc->n_variables - at) * sizeof *variable);
    doc->n_variables++;
    memset(variable, 0, sizeof *variable);
    variable->name = copy;
    return variable;
}

const struct qr_dxf_variable *qr_dxf_variable_find(const struct qr_dxf_doc *doc, const char *name)
{
    bool found;
    size_t at = variable_at(doc, name, strlen(name), &found);

    return found ? &doc->variables[at] : NULL;
}

double qr_dxf_variable_real(const struct qr_dxf_doc *doc, const char *name, double otherwise)
{
    const struct qr_dxf_variable *variable = qr_dxf_variable_find(doc, name);
    bool ok = false;
    double value = variable ? qr_dxf_real(&variable->tag, &ok) : 0;

    return ok ? value : otherwise;
}

int64_t qr_dxf_variable_int(const struct qr_dxf_doc *doc, const char *name, int64_t otherwise)
{
    const struct qr_dxf_variable *variable = qr_dxf_variable_find(doc, name);
    bool ok = false;
    int64_t value = variable ? qr_dxf_int(&variable->tag, &ok) : 0;

    return ok ? value : otherwise;
}

void qr_dxf_decode(const struct qr_dxf_doc *doc, const char *text, size_t len, struct qr_buf *out)
{
    /* counters of what was unknown: not part of what the caller sees as the document */
    struct qr_dxf_doc *counting = (struct qr_dxf_doc *)(uintptr_t)doc;
    bool high;

    if (doc->codepage.utf8 && doc->has_second && !qr_dxf_is_utf8(text, len, &high)) {
        counting->n_second++;
        qr_dxf_codepage_decode(&counting->second, text, len, out);
        return;
    }
    qr_dxf_codepage_decode(&counting->codepage, text, len, out);
}

size_t qr_dxf_decode_page(const struct qr_dxf_doc *doc, int page, const char *text, size_t len,
                          struct qr_buf *out)
{
    struct qr_dxf_codepage named;

    if (!qr_dxf_codepage_numbered(doc->codepages, page, &named))
        return 0;
    return qr_dxf_codepage_char(&named, text, len, out);
}

/* FNV-1a over lower-case letters. */
static size_t bucket_of(const struct qr_dxf_doc *doc, const char *name, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++) {
        hash ^= (uint64_t)tolower((unsigned char)name[i]);
        hash *= UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 32) % doc->n_buckets;
}

static struct qr_dxf_block *find_in(const struct qr_dxf_doc *doc, size_t bucket, const char *name,
                                    size_t len)
{
    for (struct qr_dxf_block *block = doc->buckets[bucket]; block; block = block->next_in_bucket)
        if (block->name_len == len && strncasecmp(block->name, name, len) == 0)
            return block;
    return NULL;
}

const struct qr_dxf_block *qr_dxf_block_find(const struct qr_dxf_doc *doc, const char *name,
                                             size_t len)
{
    len = qr_dxf_trim(name, len, &name);
    struct qr_dxf_block *block = find_in(doc, bucket_of(doc, name, len), name, len);
    return block && block->n_defined > 0 ? block : NULL;
}

struct qr_dxf_block *qr_dxf_block_by_handle(const struct qr_dxf_doc *doc, uint64_t handle)
{
    for (size_t i = 0; handle != 0 && i < doc->n_buckets; i++)
        for (struct qr_dxf_block *block = doc->buckets[i]; block; block = block->next_in_bucket)
            if (block->handle == handle)
                return block;
    return NULL;
}

/* Twice as many buckets once they hold four each; the old array stays in the arena. */
static void rehash(struct qr_dxf_doc *doc)
{
    size_t n = doc->n_buckets;
    struct qr_dxf_block **old = doc->buckets;

    struct qr_dxf_block **bigger = qr_dxf_alloc(doc, 8 * n * sizeof(struct qr_dxf_block *));
    if (!bigger)
        return;
    doc->buckets = bigger;
    doc->n_buckets = 8 * n;
    for (size_t i = 0; i < n; i++) {
        while (old[i]) {
            struct qr_dxf_block *block = old[i];
            size_t bucket = bucket_of(doc, block->name, block->name_len);
            old[i] = block->next_in_bucket;
            block->next_in_bucket = bigger[bucket];
            bigger[bucket] = block;
        }
    }
}

static bool is_crowded(const struct qr_dxf_doc *doc, size_t bucket)
{
    const struct qr_dxf_block *block = doc->buckets[bucket];
    size_t n = 0;

    for (; block && n < CHAIN_MAX; n++)
        block = block->next_in_bucket;
    return n >= CHAIN_MAX;
}

struct qr_dxf_block *qr_dxf_block_get(struct qr_dxf_doc *doc, const char *name, size_t len)
{
    len = qr_dxf_trim(name, len, &name);
    size_t bucket = bucket_of(doc, name, len);
    struct qr_dxf_block *block = find_in(doc, bucket, name, len);

    if (block)
        return block;
    if (doc->n_blocks >= BLOCKS_MAX || is_crowded(doc, bucket)) {
        qr_record_partial(doc->x->rec, "dxf.blocks.capped", "blocks beyond %d were only counted",
                          BLOCKS_MAX);
        return NULL;
    }
    if (doc->n_blocks >= 4 * doc->n_buckets) {
        rehash(doc);
        bucket = bucket_of(doc, name, len);
    }
    block = qr_dxf_alloc(doc, sizeof *block);
    char *copy = qr_dxf_copy(doc, name, len);
    if (!block || !copy)
        return NULL;
    block->name = copy;
    block->name_len = len;
    block->next_in_bucket = doc->buckets[bucket];
    doc->buckets[bucket] = block;
    doc->n_blocks++;
    return block;
}

struct qr_dxf_text *qr_dxf_text_add(struct qr_dxf_doc *doc, struct qr_dxf_block *block,
                                    enum qr_dxf_text_kind kind, const char *text, size_t len)
{
    size_t blank = 0;

    while (blank < len && (text[blank] == ' ' || (text[blank] >= '\t' && text[blank] <= '\r')))
        blank++;
    if (blank == len || !block)
        return NULL;
    if (doc->n_texts >= TEXTS_MAX) {
        qr_record_partial(doc->x->rec, "dxf.texts.capped", "texts beyond %d were left out",
                          TEXTS_MAX);
        return NULL;
    }
    struct qr_dxf_text *item = qr_dxf_alloc(doc, sizeof *item);
    char *copy = item ? qr_dxf_copy(doc, text, len) : NULL;
    if (!copy)
        return NULL;
    doc->n_texts++;
    item->text = copy;
    item->len = len;
    item->kind = kind;
    if (block->last_text)
        block->last_text->next = item;
    else
        block->texts = item;
    block->last_text = item;
    return item;
}

struct qr_dxf_insert *qr_dxf_insert_add(struct qr_dxf_doc *doc, struct qr_dxf_block *into,
                                        struct qr_dxf_block *block)
{
    if (!into || !block)
        return NULL;
    if (doc->n_inserts >= INSERTS_MAX) {
        qr_record_partial(doc->x->rec, "dxf.inserts.capped",
                          "texts of inserted blocks beyond %d insertions were left out",
                          INSERTS_MAX);
        return NULL;
    }
    struct qr_dxf_insert *insert = qr_dxf_alloc(doc, sizeof *insert);
    if (!insert)
        return NULL;
    doc->n_inserts++;
    insert->block = block;
    insert->scale[0] = insert->scale[1] = 1;
    insert->n[0] = insert->n[1] = 1;
    if (into->last_insert)
        into->last_insert->next = insert;
    else
        into->inserts = insert;
    into->last_insert = insert;
    return insert;
}

void qr_dxf_rule_add(struct qr_dxf_doc *doc, struct qr_dxf_block *block, double x0, double y0,
                     double x1, double y1)
{
    if (!block || doc->n_rules >= QR_DXF_RULES_MAX)
        return;
    struct qr_dxf_rule *rule = qr_dxf_alloc(doc, sizeof *rule);
    if (!rule)
        return;
    doc->n_rules++;
    *rule = (struct qr_dxf_rule){block->rules, (float)x0, (float)y0, (float)x1, (float)y1};
    block->rules = rule;
}
