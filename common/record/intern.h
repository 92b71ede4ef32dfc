/* common/record/intern.h
 *
 * Memory of a record, for the files of this folder alone.
 */
#pragma once
#include "common/record/record.h"

/** Zeroed memory in the arena; NULL sets `failed`. */
void *qr_record_take(struct qr_record *rec, size_t size);

/** Room for one more pointer in a list of `n`: `list_slot` is the address of the array. */
bool qr_record_grow(struct qr_record *rec, void *list_slot, size_t n);

/** Lists are cut, the least wanted first, until the record takes no more than encoded_bytes. */
void qr_record_fit(struct qr_record *rec);
