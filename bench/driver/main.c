/* noop_fleet: the process behind bench/noop_fleet.h. One thread, epoll, a heap of what is due.
 *
 *     noop_fleet HOST:PORT TYPE FD STREAMS SLOTS CREDITS SOURCES CONNECT_PER_S RECONNECT HOLD
 *
 * FD is the shared memory. Ends on SIGTERM, with a Goodbye from every worker.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/driver/worker.h"
#include "common/clock.h"

struct fleet fleet;

static struct worker *workers;
static struct worker **heap; /* by due_ms, the earliest on top */
static uint32_t n_heap;
static int epoll_fd;
static volatile sig_atomic_t is_over;
static uint64_t chance = 88172645463325252U;

static uint32_t draw(uint32_t below)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return below > 0 ? (uint32_t)(chance % below) : 0;
}

/* ------------------------------------------------------------------ the heap */

static void put(uint32_t at, struct worker *worker)
{
    heap[at] = worker;
    worker->place = at;
}

static void sift(struct worker *worker)
{
    uint32_t at = worker->place;

    for (; at > 0 && heap[(at - 1) / 2]->due_ms > worker->due_ms; at = (at - 1) / 2)
        put(at, heap[(at - 1) / 2]);
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= n_heap)
            break;
        if (child + 1 < n_heap && heap[child + 1]->due_ms < heap[child]->due_ms)
            child++;
        if (heap[child]->due_ms >= worker->due_ms)
            break;
        put(at, heap[child]);
        at = child;
    }
    put(at, worker);
}

static void set_due(struct worker *worker, int64_t at_ms)
{
    worker->due_ms = at_ms;
    sift(worker);
}

/* ------------------------------------------------------------------ connections */

static void watch(struct worker *worker, int op)
{
    bool write = worker->h2.connecting || worker->h2.want_write;
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0U), .data.ptr = worker};

    epoll_ctl(epoll_fd, op, worker->h2.fd, &event);
}

/* Doubling from 100 ms to 2 s, and anywhere between nothing and that: no storm. */
static void come_again(struct worker *worker, int64_t now_ms)
{
    uint32_t ms = worker->failures < 5 ? 100U << worker->failures : 2000;

    if (ms > 2000)
        ms = 2000;
    set_due(worker, fleet.reconnect ? now_ms + draw(ms) : INT64_MAX);
}

static void broke(struct worker *worker, int64_t now_ms)
{
    worker_closed(worker);
    come_again(worker, now_ms);
}

static void flush(struct worker *worker, int64_t now_ms)
{
    bool wanted = worker->h2.want_write;

    if (h2_flush(&worker->h2) < 0)
        broke(worker, now_ms);
    else if (wanted != worker->h2.want_write)
        watch(worker, EPOLL_CTL_MOD);
}

static void on_due(struct worker *worker, int64_t now_ms)
{
    if (worker->h2.fd >= 0) {
        if (worker->welcomed) {
            worker_beat(worker);
            flush(worker, now_ms);
        }
        if (worker->h2.fd >= 0)
            set_due(worker, now_ms + (worker->welcomed ? worker->beat_ms : 1000));
        return;
    }
    int rc = worker_open(worker);
    if (rc < 0) {
        if (worker->failures++ == 0)
            fprintf(stderr, "noop_fleet: connect worker %u: %s\n", worker->index, strerror(-rc));
        come_again(worker, now_ms);
        return;
    }
    watch(worker, EPOLL_CTL_ADD);
    set_due(worker, now_ms + 1000);
}

static void on_event(struct worker *worker, uint32_t events, int64_t now_ms)
{
    int was_welcomed = worker->welcomed;

    if (worker->h2.fd < 0)
        return;
    if (worker_read(worker) < 0) {
        broke(worker, now_ms);
        return;
    }
    if (worker->h2.connecting && (events & EPOLLOUT)) {
        worker->h2.connecting = false;
        watch(worker, EPOLL_CTL_MOD);
    }
    if (!was_welcomed && worker->welcomed) /* the first beats are spread */
        set_due(worker, now_ms + worker->beat_ms / 2 + draw(worker->beat_ms / 2));
    flush(worker, now_ms);
}

/* ------------------------------------------------------------------ the loop */

static void loop(void)
{
    static struct epoll_event events[512];

    while (!is_over) {
        int64_t now_ms = qr_clock_ms();
        for (uint32_t i = 0; i < 256 && heap[0]->due_ms <= now_ms; i++)
            on_due(heap[0], now_ms);
        int64_t wait_ms = heap[0]->due_ms - now_ms;
        wait_ms = wait_ms < 0 ? 0 : wait_ms > 500 ? 500 : wait_ms;
        int n = epoll_wait(epoll_fd, events, 512, (int)wait_ms);
        now_ms = qr_clock_ms();
        for (int i = 0; i < n; i++)
            on_event(events[i].data.ptr, events[i].events, now_ms);
    }
}

static void say_goodbye(void)
{
    int64_t until = qr_clock_ms() + 1500;
    struct epoll_event events[64];

    fleet.reconnect = 0;
    for (uint32_t i = 0; i < fleet.streams; i++)
        if (workers[i].h2.fd >= 0) {
            worker_goodbye(&workers[i]);
            flush(&workers[i], until);
        }
    while (atomic_load(&fleet.shared->connected) > 0 && qr_clock_ms() < until) {
        int n = epoll_wait(epoll_fd, events, 64, 50);
        for (int i = 0; i < n; i++)
            on_event(events[i].data.ptr, events[i].events, until);
    }
}

static void on_signal(int signal)
{
    (void)signal;
    is_over = 1;
}

static void allow_files(uint32_t n)
{
    struct rlimit limit = {n + 100, n + 100};
    struct rlimit now;

    if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur >= limit.rlim_cur)
        return;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        fprintf(stderr, "noop_fleet: %u files are not allowed: %s; hint: ulimit -n, as root\n", n,
                strerror(errno));
}

static bool parse_address(const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');

    if (!colon || (size_t)(colon - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    fleet.to.sin_family = AF_INET;
    fleet.to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    return inet_pton(AF_INET, host, &fleet.to.sin_addr) == 1;
}

static bool set_up(char **argv)
{
    uint32_t *const numbers[] = {&fleet.streams, &fleet.slots,         &fleet.credits,
                                 &fleet.sources, &fleet.connect_per_s, NULL};
    int64_t now_ms = qr_clock_ms();

    if (!parse_address(argv[1]))
        return false;
    fleet.type = argv[2];
    fleet.shared = mmap(NULL, sizeof *fleet.shared, PROT_READ | PROT_WRITE, MAP_SHARED,
                        (int)strtol(argv[3], NULL, 10), 0);
    if (fleet.shared == MAP_FAILED)
        return false;
    for (int i = 0; numbers[i]; i++)
        *numbers[i] = (uint32_t)strtoul(argv[4 + i], NULL, 10);
    fleet.reconnect = argv[9][0] == '1';
    fleet.hold = argv[10][0] == '1';
    workers = calloc(fleet.streams, sizeof *workers);
    heap = calloc(fleet.streams, sizeof(struct worker *));
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!workers || !heap || epoll_fd < 0 || fleet.streams == 0)
        return false;
    chance ^= (uint64_t)qr_clock_ns();
    for (uint32_t i = 0; i < fleet.streams; i++) {
        struct worker *worker = &workers[i];
        worker->index = i;
        worker->h2.fd = -1;
        if (getrandom(worker->session, sizeof worker->session, 0) != sizeof worker->session)
            return false;
        worker->due_ms = now_ms + (fleet.connect_per_s ? i * 1000LL / fleet.connect_per_s : 0);
        put(n_heap++, worker); /* in order already */
    }
    allow_files(fleet.streams);
    return true;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGTERM, &action, NULL);
    if (argc != 11 || !set_up(argv)) {
        fprintf(stderr, "noop_fleet: started by the benchmarks, not by hand\n");
        return 2;
    }
    loop();
    say_goodbye();
    return 0;
}
