/* coordinator/service/found.h
 *
 * The jobs that a JobResult says were found, checked as what any worker may send.
 */
#pragma once
#include "coordinator/engine/port.h"
#include "quarry/v1/fleet.pb-c.h"

/**
 * Those that can be jobs, in one block that free() gives back; what cannot be one, or is one too
 * many, is counted as left out, with the first reason. A result never fails for them.
 *
 *   ret  NULL: it found none, or it is a failure's
 *
 * False: out of memory.
 */
bool qr_found_of_result(const Quarry__V1__JobResult *result, struct qr_found **ret);
