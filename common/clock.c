#include "common/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t qr_clock_ns(void) { return read_ns(CLOCK_BOOTTIME); }

int64_t qr_clock_ms(void) { return qr_clock_ns() / 1000000; }

int64_t qr_clock_wall_ms(void) { return read_ns(CLOCK_REALTIME) / 1000000; }

void qr_clock_sleep_ms(int64_t ms)
{
    struct timespec ts = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&ts, NULL);
}
