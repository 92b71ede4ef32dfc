#include "worker/extract/hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/os/pipe.h"
#include "common/record/parts.h"
#include "worker/child/wire.h"
#include "worker/extract/extract.h"

static void tell(const struct qr_extract *x, bool succeeded, int errnum)
{
    char text[64];
    const char *name = strerrorname_np(errnum);

    if (succeeded)
        snprintf(text, sizeof text, "succeeded");
    else
        snprintf(text, sizeof text, "denied: %s", name ? name : "?");
    qr_record_add_meta(x->rec, "outcome", text, strlen(text), "test");
}

static void try_open(const struct qr_extract *x)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    tell(x, fd >= 0, errno);
}

static void try_stat(const struct qr_extract *x)
{
    struct stat st;
    bool done = stat("/etc/passwd", &st) == 0;
    tell(x, done, errno);
}

static void try_connect(const struct qr_extract *x)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool done = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    tell(x, done, errno);
}

static void try_fork(const struct qr_extract *x)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    tell(x, pid > 0, errno);
}

static void try_exec(const struct qr_extract *x)
{
    char path[] = "/bin/true";
    char *const argv[] = {path, NULL};
    char *const env[] = {NULL};
    execve(argv[0], argv, env);
    tell(x, false, errno);
}

static void try_ptrace(const struct qr_extract *x)
{
    bool done = ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
    tell(x, done, errno);
}

static void try_kill(const struct qr_extract *x)
{
    bool done = kill(1, 0) == 0;
    tell(x, done, errno);
}

static void try_mmap_exec(const struct qr_extract *x)
{
    void *at =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tell(x, at != MAP_FAILED, errno);
}

/* Memory that no limit on data counts. */
static void try_mmap_shared(const struct qr_extract *x)
{
    void *at =
        mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    tell(x, at != MAP_FAILED, errno);
}

static void try_memory(const struct qr_extract *x)
{
    const size_t step = (size_t)64 << 20;

    for (size_t have = 0; have < (size_t)10 << 30; have += step) {
        void *block = malloc(step);
        if (!block) {
            qr_record_fail(x->rec, QR_CLASS_RESOURCE, "no more memory after %zu MB", have >> 20);
            return;
        }
        memset(block, 1, step);
    }
    tell(x, true, 0);
}

static void try_loop(const struct qr_extract *x)
{
    volatile bool forever = true;
    while (forever)
        continue;
    tell(x, true, 0);
}

static void try_sleep(const struct qr_extract *x)
{
    qr_clock_sleep_ms(3600000);
    tell(x, true, 0);
}

static void try_segfault(const struct qr_extract *x)
{
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would turn it into an exit */
    raise(SIGSEGV);
    tell(x, true, 0);
}

static void try_abort(const struct qr_extract *x)
{
    (void)x;
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void try_exit(const struct qr_extract *x)
{
    (void)x;
    _exit(7);
}

static void try_output(const struct qr_extract *x)
{
    const size_t size = (size_t)40 << 20; /* above the cap on text */
    char *text = malloc(size);

    if (!text)
        return;
    memset(text, 'x', size);
    qr_record_set_text(x->rec, text, size);
    free(text);
}

static void try_flood(const struct qr_extract *x)
{
    static char chunk[QR_WIRE_CHUNK_BYTES];
    struct qr_pipe pipe;
    struct qr_err err;

    qr_pipe_init(&pipe, QR_WIRE_FD, false, false);
    memset(chunk, 'x', sizeof chunk);
    while (qr_pipe_send(&pipe, QR_WIRE_CHUNK, x->job->id, chunk, sizeof chunk, -1, &err) == QR_OK)
        continue;
}

static void try_garbage(const struct qr_extract *x)
{
    static const char nonsense[4096] = "\xFF\xFF\xFF\xFF nonsense";
    ssize_t n = write(QR_WIRE_FD, nonsense, sizeof nonsense);
    (void)n;
    try_sleep(x);
}

static void try_close(const struct qr_extract *x)
{
    close(QR_WIRE_FD);
    try_sleep(x);
}

static void try_progress(const struct qr_extract *x)
{
    for (unsigned i = 1; i <= 4; i++) {
        qr_clock_sleep_ms(600);
        qr_extract_report(x, i * 250);
    }
    tell(x, true, 0);
}

/* What a child may not say of files that it names; "found" alone is a link, as a drawing has. */
static void send_found(const struct qr_extract *x, const void *text, size_t len, unsigned times)
{
    struct qr_pipe pipe;
    struct qr_err err;

    qr_pipe_init(&pipe, QR_WIRE_FD, false, false);
    for (unsigned i = 0; i < times; i++)
        if (qr_pipe_send(&pipe, QR_WIRE_FOUND, x->job->id, text, len, -1, &err) < 0)
            break;
    try_sleep(x);
}

static void try_found(const struct qr_extract *x)
{
    static const char *const names[] = {"a.dxf", "..\\b.dwg"};

    for (size_t i = 0; i < QR_COUNT(names); i++) {
        Quarry__V1__Link *link = qr_record_add_link(x->rec);
        if (!link)
            return;
        link->kind = (char *)"xref";
        link->target = qr_record_string(x->rec, names[i], strlen(names[i]));
    }
    tell(x, true, 0);
}

static void try_found_bare(const struct qr_extract *x) { send_found(x, "no end", 6, 1); }
static void try_found_bytes(const struct qr_extract *x) { send_found(x, "\xFF\xFE", 3, 1); }
static void try_found_empty(const struct qr_extract *x) { send_found(x, "", 1, 1); }
static void try_found_many(const struct qr_extract *x)
{
    send_found(x, "a", 2, QR_WIRE_FOUND_MAX + 1);
}

static void try_found_long(const struct qr_extract *x)
{
    static char text[QR_WIRE_FOUND_TEXT + 1];

    memset(text, 'x', sizeof text - 1);
    send_found(x, text, sizeof text, 1);
}

static const struct {
    const char *word;
    void (*run)(const struct qr_extract *x);
} behaviours[] = {
    {"open", try_open},
    {"stat", try_stat},
    {"connect", try_connect},
    {"fork", try_fork},
    {"exec", try_exec},
    {"ptrace", try_ptrace},
    {"kill", try_kill},
    {"memory", try_memory},
    {"mmap-exec", try_mmap_exec},
    {"mmap-shared", try_mmap_shared},
    {"loop", try_loop},
    {"sleep", try_sleep},
    {"segfault", try_segfault},
    {"abort", try_abort},
    {"exit", try_exit},
    {"output", try_output},
    {"flood", try_flood},
    {"garbage", try_garbage},
    {"close", try_close},
    {"progress", try_progress},
    {"found", try_found},
    {"found-bare", try_found_bare},
    {"found-bytes", try_found_bytes},
    {"found-empty", try_found_empty},
    {"found-many", try_found_many},
    {"found-long", try_found_long},
};

void qr_hostile_extract(const struct qr_extract *x)
{
    char word[32] = "";

    size_t n = x->in->head_len < sizeof word - 1 ? x->in->head_len : sizeof word - 1;
    memcpy(word, x->in->head, n);
    word[strcspn(word, " \r\n")] = '\0';
    qr_record_set_extractor(x->rec, "test", QUARRY_VERSION);
    for (size_t i = 0; i < QR_COUNT(behaviours); i++) {
        if (strcmp(behaviours[i].word, word) == 0) {
            behaviours[i].run(x);
            return;
        }
    }
    tell(x, true, 0);
}
