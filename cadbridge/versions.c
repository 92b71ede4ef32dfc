#include "cadbridge/versions.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uthash.h>

#include "common/clock.h"
#include "common/fleet/fetch.h"
#include "common/os/fresh.h"

enum { ENTRIES_MAX = 1000000, FOLDER_SHARE = 4 };

struct version {
    uint32_t name; /* where it begins in `names`: the model's, in lower case */
    uint32_t revision;
};

/* The newest version of every model that has versions, by name. */
struct list {
    struct version *items;
    size_t n, cap;
    char *names;
    size_t len, size;
    bool too_large; /* not kept */
};

struct key {
    dev_t dev;
    ino_t ino;
};

struct folder {
    struct key key;
    struct qr_fresh fresh;
    struct list list;
    size_t bytes;
    UT_hash_handle hh;
};

struct qr_cad_versions {
    size_t max_bytes;
    pthread_mutex_t lock;   /* guards what follows */
    struct folder *folders; /* asked for longest ago first */
    struct qr_cad_versions_view view;
};

/* ---- a list */

static void list_done(struct list *list)
{
    free(list->items);
    free(list->names);
    *list = (struct list){.items = NULL};
}

static size_t list_bytes(const struct list *list)
{
    return list->cap * sizeof list->items[0] + list->size;
}

/* Room for one more of that length; else the list is given up. */
static bool make_room(struct list *list, size_t len, size_t max_bytes)
{
    size_t cap = list->n < list->cap ? list->cap : list->cap ? 2 * list->cap : 64;
    size_t size = list->len + len < list->size ? list->size : 2 * list->size + 2048;
    struct version *items =
        cap == list->cap ? list->items : realloc(list->items, cap * sizeof *items);
    list->items = items ? items : list->items;
    char *names = size == list->size ? list->names : realloc(list->names, size);
    list->names = names ? names : list->names;

    if (items && names) {
        list->cap = cap;
        list->size = size;
    }
    if (items && names && list_bytes(list) <= max_bytes)
        return true;
    list_done(list);
    list->too_large = true;
    return false;
}

static void list_add(struct list *list, const char *name, size_t len, uint32_t revision,
                     size_t max_bytes)
{
    if (list->too_large || revision == 0 || !make_room(list, len + 1, max_bytes))
        return;
    list->items[list->n++] = (struct version){(uint32_t)list->len, revision};
    for (size_t i = 0; i < len; i++)
        list->names[list->len++] = (char)tolower((unsigned char)name[i]);
    list->names[list->len++] = '\0';
}

static int by_name(const void *a, const void *b, void *names)
{
    const struct version *x = a, *y = b;
    int c = strcmp((const char *)names + x->name, (const char *)names + y->name);

    return c != 0 ? c : (x->revision < y->revision) - (x->revision > y->revision);
}

static void list_sort(struct list *list)
{
    size_t n = 0;

    if (list->n == 0)
        return;
    qsort_r(list->items, list->n, sizeof list->items[0], by_name, list->names);
    for (size_t i = 1; i < list->n; i++)
        if (strcmp(list->names + list->items[i].name, list->names + list->items[n].name) != 0)
            list->items[++n] = list->items[i];
    list->n = n + 1;
}

static uint32_t list_newest(const struct list *list, const char *model)
{
    size_t low = 0;
    size_t high = list->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = strcasecmp(list->names + list->items[mid].name, model);
        if (c == 0)
            return list->items[mid].revision;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return 0;
}

/* ---- a folder */

/* Beneath the root, confined as files are; -1: cannot be had. */
static int open_folder(const char *root_dir, const char *folder)
{
    int root = open(root_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = root < 0 ? -1 : qr_fetch_open_beneath(root, folder[0] ? folder : ".", false);

    if (root >= 0)
        close(root);
    return fd;
}

/* Takes fd over. The newest of `model`, and all of them to `list`. */
static uint32_t read_folder(int fd, const char *model, size_t max_bytes, struct list *list)
{
    DIR *dir = fdopendir(fd);
    const size_t want = strlen(model);
    const struct dirent *entry;
    uint32_t newest = 0;
    uint32_t revision;
    int n = 0;

    if (!dir) {
        close(fd);
        list->too_large = true;
        return 0;
    }
    while (n < ENTRIES_MAX && (entry = readdir(dir))) {
        size_t len = qr_cad_name_model(entry->d_name, &revision);
        n++;
        if (len == 0)
            continue;
        if (len == want && strncasecmp(entry->d_name, model, len) == 0 && revision > newest)
            newest = revision;
        list_add(list, entry->d_name, len, revision, max_bytes);
    }
    closedir(dir);
    if (n == ENTRIES_MAX) {
        list_done(list);
        list->too_large = true;
    }
    list_sort(list);
    return newest;
}

/* ---- what is kept; the lock is held */

static struct folder *find(struct qr_cad_versions *v, const struct key *key)
{
    struct folder *folder = NULL;

    HASH_FIND(hh, v->folders, key, sizeof *key, folder);
    if (folder) { /* to the end: it was asked for just now */
        HASH_DELETE(hh, v->folders, folder);
        HASH_ADD(hh, v->folders, key, sizeof folder->key, folder);
    }
    return folder;
}

static void drop(struct qr_cad_versions *v, struct folder *folder)
{
    HASH_DELETE(hh, v->folders, folder);
    v->view.bytes -= folder->bytes;
    v->view.folders--;
    list_done(&folder->list);
    free(folder);
}

static struct folder *add(struct qr_cad_versions *v, const struct key *key)
{
    struct folder *folder = calloc(1, sizeof *folder);

    if (!folder)
        return NULL;
    folder->key.dev = key->dev;
    folder->key.ino = key->ino;
    folder->bytes = sizeof *folder;
    HASH_ADD(hh, v->folders, key, sizeof folder->key, folder);
    v->view.folders++;
    v->view.bytes += folder->bytes;
    return folder;
}

/* Takes the list over. */
static void keep(struct qr_cad_versions *v, const struct key *key, uint64_t mark, int64_t began_ms,
                 struct list *list)
{
    struct folder *folder = find(v, key);
    bool newer = folder && (!folder->fresh.read || folder->fresh.read_ms <= began_ms);

    v->view.readings++;
    if (folder && list->too_large) {
        drop(v, folder);
    } else if (newer) { /* else somebody read it behind us, and was faster */
        v->view.bytes += list_bytes(list) - list_bytes(&folder->list);
        folder->bytes += list_bytes(list) - list_bytes(&folder->list);
        list_done(&folder->list);
        folder->list = *list;
        *list = (struct list){.items = NULL};
        qr_fresh_read(&folder->fresh, mark, began_ms, qr_clock_ms());
    }
    list_done(list);
    while (v->folders && v->view.bytes > v->max_bytes)
        drop(v, v->folders);
}

/* True: *ret is the answer. */
static bool known(struct qr_cad_versions *v, const struct key *key, uint64_t mark, int64_t now_ms,
                  const char *model, uint32_t *ret)
{
    struct folder *folder = find(v, key);

    v->view.questions++;
    if (!folder)
        folder = add(v, key);
    if (!folder || !qr_fresh_holds(&folder->fresh, mark, now_ms))
        return false;
    *ret = list_newest(&folder->list, model);
    return true;
}

/* ---- asking */

uint32_t qr_cad_versions_newer(struct qr_cad_versions *v, const char *root_dir,
                               const struct qr_cad_name *name)
{
    int fd = open_folder(root_dir, name->folder);
    struct list list = {.items = NULL};
    struct key key;
    struct stat info;
    uint64_t mark = 0;
    uint32_t newest = 0;

    if (fd < 0 || fstat(fd, &info) != 0) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    memset(&key, 0, sizeof key); /* it is hashed with what the compiler puts between */
    key.dev = info.st_dev;
    key.ino = info.st_ino;
    qr_fresh_add(&mark, &info);
    int64_t now_ms = qr_clock_ms();
    pthread_mutex_lock(&v->lock);
    bool done = known(v, &key, mark, now_ms, name->model, &newest);
    pthread_mutex_unlock(&v->lock);
    if (done) {
        close(fd);
    } else {
        newest = read_folder(fd, name->model, v->max_bytes / FOLDER_SHARE, &list);
        pthread_mutex_lock(&v->lock);
        keep(v, &key, mark, now_ms, &list);
        pthread_mutex_unlock(&v->lock);
    }
    return newest > name->revision ? newest : 0;
}

/* ---- life */

int qr_cad_versions_new(size_t max_bytes, struct qr_cad_versions **ret, struct qr_err *err)
{
    struct qr_cad_versions *v = calloc(1, sizeof *v);

    if (!v)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    v->max_bytes = max_bytes;
    pthread_mutex_init(&v->lock, NULL);
    *ret = v;
    return QR_OK;
}

void qr_cad_versions_free(struct qr_cad_versions *v)
{
    if (!v)
        return;
    while (v->folders)
        drop(v, v->folders);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

void qr_cad_versions_look(struct qr_cad_versions *v, struct qr_cad_versions_view *ret)
{
    pthread_mutex_lock(&v->lock);
    *ret = v->view;
    pthread_mutex_unlock(&v->lock);
}
