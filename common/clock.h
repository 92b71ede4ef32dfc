/* common/clock.h
 *
 * Time as Quarry counts it: milliseconds of CLOCK_BOOTTIME, which goes on while the machine sleeps,
 * so a lease that ran out during a suspend is seen as run out. Durable times are the database's
 * clock; what travels between machines is durations only.
 */
#pragma once
#include <stdint.h>

/** Milliseconds since boot, suspend included. Never goes backwards. */
int64_t qr_clock_ms(void);

/** The same in nanoseconds, for measuring. */
int64_t qr_clock_ns(void);

/** Wall clock, milliseconds since 1970-01-01 UTC: for display only, never for deciding. */
int64_t qr_clock_wall_ms(void);

/** Sleep; ends early on a signal. */
void qr_clock_sleep_ms(int64_t ms);
