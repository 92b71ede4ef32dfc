#include "coordinator/engine/types.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { NAME_MAX_BYTES = 32 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards names[] behind n_names */
static char names[QR_TYPES_MAX][NAME_MAX_BYTES + 1];     /* an entry below n_names never changes */
static _Atomic qr_type_id n_names;

static bool is_good_name(const char *name, size_t len)
{
    if (len == 0 || len > NAME_MAX_BYTES)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

qr_type_id qr_type_find(const char *name)
{
    qr_type_id n = atomic_load_explicit(&n_names, memory_order_acquire);

    for (qr_type_id i = 1; i <= n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return 0;
}

qr_type_id qr_type_intern(const char *name)
{
    qr_type_id id = qr_type_find(name);
    size_t len = strlen(name);

    if (id || !is_good_name(name, len))
        return id;

    pthread_mutex_lock(&lock);
    id = qr_type_find(name);
    if (!id && qr_type_count() < QR_TYPES_MAX - 1) {
        id = (qr_type_id)(qr_type_count() + 1);
        memcpy(names[id], name, len + 1);
        atomic_store_explicit(&n_names, id, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return id;
}

const char *qr_type_name(qr_type_id type) { return type <= qr_type_count() ? names[type] : ""; }

qr_type_id qr_type_count(void) { return atomic_load_explicit(&n_names, memory_order_acquire); }
