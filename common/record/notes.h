/* common/record/notes.h
 *
 * Notes of a record that was put together from parts (common/record/part.h).
 */
#pragma once
#include <stddef.h>

#include "quarry/v1/record.pb-c.h"

/**
 * Notes of one code become one, with the largest count. Returns how many there are, at the front of
 * the list; those behind them are left over, `n_notes` is unchanged.
 */
size_t qr_record_join_notes(Quarry__V1__ExtractionRecord *msg);
