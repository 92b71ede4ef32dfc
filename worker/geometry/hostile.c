#include "worker/geometry/hostile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK 1024
#define STEP ((size_t)16 << 20)

static void take_all(void)
{
    for (;;) {
        char *more = malloc(STEP);
        if (!more)
            abort(); /* as a library that does not look */
        memset(more, 1, STEP);
    }
}

void qr_geometry_misbehave(const void *data, size_t len)
{
    const char *at = memmem(data, len < LOOK ? len : LOOK, "kernel:", 7);
    volatile int *nowhere = NULL;
    volatile unsigned turns = 0;
    char *const nothing[] = {NULL};

    if (!at || (size_t)(at - (const char *)data) + 16 > len)
        return;
    at += 7;
    if (strncmp(at, "loop", 4) == 0)
        for (;;)
            turns = turns + 1;
    if (strncmp(at, "segfault", 8) == 0)
        *nowhere = 1;
    if (strncmp(at, "memory", 6) == 0)
        take_all();
    if (strncmp(at, "open", 4) == 0 && open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
        abort();
    if (strncmp(at, "exec", 4) == 0)
        execve("/bin/true", nothing, nothing);
}
