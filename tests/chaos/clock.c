/* LD_PRELOAD: the time of day of a process, moved by the nanoseconds in the file $CHAOS_CLOCK (an
 * int64_t in the machine's order), which may change at any moment. The clocks that measure
 * durations are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NS = 1000000000 };

static const volatile int64_t *offset;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CHAOS_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        offset = at;
}

static void move(struct timespec *ts)
{
    int64_t by = offset ? *offset : 0;
    int64_t ns = ts->tv_nsec + by % NS;

    ts->tv_sec += by / NS + (ns >= NS) - (ns < 0);
    ts->tv_nsec = ns - (ns >= NS ? NS : ns < 0 ? -NS : 0);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    int rc = real_clock_gettime ? real_clock_gettime(clock, ret)
                                : (int)syscall(SYS_clock_gettime, clock, ret);
    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        move(ret);
    return rc;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec ts;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &ts);
    ret->tv_sec = ts.tv_sec;
    ret->tv_usec = ts.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    if (ret)
        *ret = ts.tv_sec;
    return ts.tv_sec;
}
