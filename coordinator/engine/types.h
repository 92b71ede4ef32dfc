/* coordinator/engine/types.h
 *
 * Job types as small numbers. Names come from workers and runs; at most QR_TYPES_MAX - 1 are kept
 * for the life of the process. Thread-safe; a number, once given, stays.
 */
#pragma once
#include "coordinator/engine/port.h"

/** The number of `name`, given out on first sight; 0 when the name is empty, longer than 32 bytes,
 * holds other characters than a-z 0-9 _ - or the table is full. */
qr_type_id qr_type_intern(const char *name);

/** The number of a name that has one already; 0 otherwise. */
qr_type_id qr_type_find(const char *name);

/** The name of a number; "" for 0 and unknown ones. Lives as long as the process. */
const char *qr_type_name(qr_type_id type);

/** How many numbers were given out; they are 1 .. n. */
qr_type_id qr_type_count(void);
