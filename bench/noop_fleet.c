#include "bench/noop_fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

struct qr_noop_fleet {
    pid_t pid;
    struct qr_noop_shared *shared;
};

/* The driver's program lies beside this one. */
static void beside(const char *name, char *path, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", path, size - 1);
    path[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(path, '/');
    size_t at = slash ? (size_t)(slash - path) + 1 : 0;
    snprintf(path + at, size - at, "%s", name);
}

static void run_driver(const struct qr_noop_fleet_config *config, int fd)
{
    char path[4096], numbers[8][16];
    const unsigned values[8] = {(unsigned)fd,      config->streams, config->slots,
                                config->credits,   config->sources, config->connect_per_s,
                                config->reconnect, config->hold};

    for (int i = 0; i < 8; i++)
        snprintf(numbers[i], sizeof numbers[i], "%u", values[i]);
    beside("noop_fleet", path, sizeof path);
    execl(path, path, config->coordinator, config->type ? config->type : "noop", numbers[0],
          numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7],
          (char *)NULL);
    fprintf(stderr, "bench: run '%s': %s\n", path, strerror(errno));
    _exit(127);
}

int qr_noop_fleet_start(const struct qr_noop_fleet_config *config, struct qr_noop_fleet **ret,
                        struct qr_err *err)
{
    struct qr_noop_fleet *fleet = calloc(1, sizeof *fleet);
    int fd = memfd_create("noop_fleet", 0); /* inherited by the driver */

    if (!fleet || fd < 0 || ftruncate(fd, sizeof *fleet->shared) < 0)
        goto failed;
    fleet->shared = mmap(NULL, sizeof *fleet->shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fleet->shared == MAP_FAILED || config->record_len > QR_NOOP_RECORD_MAX)
        goto failed;
    fleet->shared->record_len = (uint32_t)config->record_len;
    if (config->record_len > 0)
        memcpy(fleet->shared->record, config->record, config->record_len);
    fleet->pid = fork();
    if (fleet->pid < 0)
        goto failed;
    if (fleet->pid == 0)
        run_driver(config, fd);
    close(fd);
    *ret = fleet;
    return QR_OK;
failed:;
    int error = errno;
    if (fleet && fleet->shared && fleet->shared != MAP_FAILED)
        munmap(fleet->shared, sizeof *fleet->shared);
    if (fd >= 0)
        close(fd);
    free(fleet);
    return qr_fail_errno(err, QR_E_LIMIT, error, "start a fleet of %u workers", config->streams);
}

pid_t qr_noop_fleet_pid(const struct qr_noop_fleet *fleet) { return fleet->pid; }

struct qr_noop_shared *qr_noop_fleet_shared(struct qr_noop_fleet *fleet) { return fleet->shared; }

void qr_noop_fleet_counts(const struct qr_noop_fleet *fleet, struct qr_noop_fleet_counts *ret)
{
    struct qr_noop_shared *shared = fleet->shared;

#define LOAD(name) ret->name = atomic_load_explicit(&shared->name, memory_order_relaxed)
    LOAD(offered);
    LOAD(committed);
    LOAD(duplicate);
    LOAD(stale);
    LOAD(other);
    LOAD(offer_frames);
    LOAD(ack_frames);
    LOAD(beats);
    LOAD(syncs);
    LOAD(connected);
    LOAD(welcomed);
    LOAD(connects);
    LOAD(breaks);
    LOAD(welcomes);
    LOAD(beat_ms);
    LOAD(last_offer_ns);
    LOAD(last_welcome_ns);
#undef LOAD
}

int qr_noop_fleet_wait_welcomed(const struct qr_noop_fleet *fleet, uint64_t n, int64_t timeout_ms,
                                struct qr_err *err)
{
    int64_t until = qr_clock_ms() + timeout_ms;

    for (;;) {
        uint64_t welcomed = atomic_load(&fleet->shared->welcomed);
        int status;
        if (welcomed >= n)
            return QR_OK;
        if (waitpid(fleet->pid, &status, WNOHANG) == fleet->pid)
            return qr_fail(err, QR_E_INTERNAL, "the fleet's process ended: %s",
                           WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "by itself");
        if (qr_clock_ms() > until)
            return qr_fail(err, QR_E_TIMEOUT, "%llu of %llu workers were welcomed",
                           (unsigned long long)welcomed, (unsigned long long)n);
        qr_clock_sleep_ms(2);
    }
}

void qr_noop_fleet_free(struct qr_noop_fleet *fleet)
{
    if (!fleet)
        return;
    kill(fleet->pid, SIGCONT);
    kill(fleet->pid, SIGTERM);
    for (int i = 0; i < 100 && waitpid(fleet->pid, NULL, WNOHANG) == 0; i++) {
        qr_clock_sleep_ms(50);
        if (i == 98)
            kill(fleet->pid, SIGKILL);
    }
    munmap(fleet->shared, sizeof *fleet->shared);
    free(fleet);
}
