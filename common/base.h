/* common/base.h
 *
 * What every file of Quarry may use: attributes, scope cleanup, small macros.
 * No allocation, no state, no dependency.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define QR_MUST_CHECK __attribute__((warn_unused_result))
#define QR_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))
#define QR_NORETURN __attribute__((noreturn))

/** Number of elements of an array (not of a pointer). */
#define QR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** The struct that embeds `member`, from the address of that member. */
#define QR_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/**
 * Scope cleanup: `QR_AUTO(qr_lease) lease = NULL;` frees the object with qr_lease_free() on every
 * way out of the scope. A header that declares qr_x_free() follows it with QR_DEFINE_AUTO(qr_x);
 * free functions accept NULL.
 */
#define QR_AUTO(name) __attribute__((cleanup(name##_free_slot))) struct name *
#define QR_DEFINE_AUTO(name) \
    static inline void name##_free_slot(struct name **slot) { name##_free(*slot); }

/** Steal a pointer out of a QR_AUTO slot: returns it and leaves NULL behind. */
#define qr_steal(slot) (__typeof__(*(slot)))qr_steal_ptr((void *)(slot))

static inline void *qr_steal_ptr(void *slot)
{
    void *value;
    void *none = NULL;
    memcpy(&value, slot, sizeof value);
    memcpy(slot, &none, sizeof none);
    return value;
}
