#include "worker/extract/input.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "common/os/file.h"

#define KEEP_BUFFER ((size_t)4 * 1024 * 1024)
#define HASH_BLOCK ((size_t)256 * 1024)

void qr_input_init(struct qr_input *in)
{
    uint8_t digest[EVP_MAX_MD_SIZE];

    memset(in, 0, sizeof *in);
    in->fd = -1;
    /* an empty digest: should it fail, hashing a file fails too and says so */
    if (EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL) != 1)
        return;
}

void qr_input_done(struct qr_input *in)
{
    free(in->own);
    memset(in, 0, sizeof *in);
    in->fd = -1;
}

/* The whole of it from `offset`; false on an error or when it has become shorter. */
static bool read_all(int fd, uint8_t *to, size_t len)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n = pread(fd, to + have, len - have, (off_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return true;
}

static bool load(struct qr_input *in, struct qr_record *rec)
{
    size_t size = (size_t)in->size;

    if (size > in->own_cap || !in->own) {
        size_t cap = size < HASH_BLOCK ? HASH_BLOCK : size;
        free(in->own);
        in->own = malloc(cap);
        in->own_cap = in->own ? cap : 0;
    }
    if (!in->own) {
        qr_record_fail(rec, QR_CLASS_RESOURCE, "no memory for a file of %zu bytes", size);
        return false;
    }
    errno = 0;
    if (!read_all(in->fd, in->own, size)) {
        qr_record_fail(
            rec, QR_CLASS_CONNECTION,
            "reading stopped before the end: %s; hint: is it still being written, or the "
            "share gone?",
            errno ? strerror(errno) : "the file became shorter");
        return false;
    }
    in->data = in->own;
    return true;
}

static bool hash(struct qr_input *in, struct qr_record *rec)
{
    uint8_t digest[32];
    uint8_t *block = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

    if (good && in->data) {
        good = EVP_DigestUpdate(md, in->data, (size_t)in->size) == 1;
    } else if (good) {
        block = malloc(HASH_BLOCK);
        uint64_t at = 0;
        while (good && block && at < in->size) {
            size_t n = qr_input_read(in, at, block, HASH_BLOCK);
            good = n > 0 && EVP_DigestUpdate(md, block, n) == 1;
            at += n;
        }
        good = good && block;
    }
    good = good && EVP_DigestFinal_ex(md, digest, NULL) == 1;
    EVP_MD_CTX_free(md);
    free(block);
    if (good)
        qr_record_set_sha256(rec, digest);
    else
        qr_record_fail(rec, QR_CLASS_CONNECTION, "reading stopped before the end of the file");
    return good;
}

bool qr_input_open(struct qr_input *in, int fd, uint64_t max_bytes, struct qr_record *rec)
{
    struct qr_file_info info;
    struct qr_err err;

    in->fd = fd;
    in->data = NULL;
    in->size = 0;
    in->head_len = 0;
    if (qr_file_info(fd, &info, &err) < 0) {
        qr_record_fail(rec, QR_CLASS_CONNECTION, "%s", err.msg);
        return false;
    }
    if (info.kind != QR_FILE_REGULAR) {
        qr_record_fail(rec, QR_CLASS_INVALID_INPUT, "it is %s; only regular files are read",
                       qr_file_kind_text(info.kind));
        return false;
    }
    in->size = info.size;
    in->changed_ns = info.changed_ns;
    rec->msg->bytes = in->size;
    if (in->size > max_bytes) {
        qr_record_fail(rec, QR_CLASS_INVALID_INPUT,
                       "%" PRIu64 " bytes are more than the limit of %" PRIu64
                       "; hint: raise the limit or split the file",
                       in->size, max_bytes);
        return false;
    }
    if (in->size <= QR_INPUT_WHOLE && !load(in, rec))
        return false;
    in->head_len = qr_input_read(in, 0, in->head, sizeof in->head);
    return hash(in, rec);
}

size_t qr_input_read(const struct qr_input *in, uint64_t offset, void *to, size_t len)
{
    ssize_t n;

    if (offset >= in->size)
        return 0;
    if (len > in->size - offset)
        len = (size_t)(in->size - offset);
    if (in->data) {
        memcpy(to, in->data + offset, len);
        return len;
    }
    do
        n = pread(in->fd, to, len, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

/* The map that a SIGBUS may concern; the handler finds it here. One engine a process. */
static struct {
    uint8_t *volatile from;
    volatile size_t size;
    volatile sig_atomic_t broken;
} mapped;

/* A page of the map has gone: put zeros where it and all behind it were, and go on. */
static void on_bus(int signal_number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    uintptr_t from = (uintptr_t)mapped.from;
    uintptr_t page = (uintptr_t)4096 - 1;

    (void)context;
    if (from != 0 && at >= from && at - from < mapped.size) {
        at &= ~page;
        mapped.broken = 1;
        if (mmap((void *)at, from + mapped.size - at, PROT_READ, /* NOLINT: an address again */
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED)
            return;
    }
    signal(signal_number, SIG_DFL); /* some other fault: it ends the process when it repeats */
}

const uint8_t *qr_input_map(struct qr_input *in, struct qr_record *rec)
{
    struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_NODEFER};

    if (in->data || in->size == 0)
        return in->data;
    if (in->map)
        return in->map;
    void *map = in->size <= SIZE_MAX
                    ? mmap(NULL, (size_t)in->size, PROT_READ, MAP_PRIVATE, in->fd, 0)
                    : MAP_FAILED;
    if (map == MAP_FAILED) {
        qr_record_fail(rec, errno == ENOMEM ? QR_CLASS_RESOURCE : QR_CLASS_CONNECTION,
                       "map %" PRIu64 " bytes: %s", in->size, strerror(errno));
        return NULL;
    }
    mapped.from = map;
    mapped.size = (size_t)in->size;
    mapped.broken = 0;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
    madvise(map, (size_t)in->size, MADV_SEQUENTIAL);
    in->map = map;
    return in->map;
}

void qr_input_passed(const struct qr_input *in, uint64_t offset)
{
    size_t whole = (size_t)(offset & ~(uint64_t)0xFFFF);

    if (in && in->map && whole > 0 && offset <= in->size && !mapped.broken)
        madvise((void *)(uintptr_t)in->map, whole, MADV_DONTNEED);
}

static void unmap(struct qr_input *in, struct qr_record *rec)
{
    if (!in->map)
        return;
    if (mapped.broken)
        qr_record_fail(rec, QR_CLASS_CONNECTION,
                       "the file became shorter while it was read; hint: it is tried again");
    signal(SIGBUS, SIG_DFL);
    mapped.from = NULL;
    munmap((void *)(uintptr_t)in->map, (size_t)in->size);
    in->map = NULL;
}

void qr_input_close(struct qr_input *in, struct qr_record *rec)
{
    struct qr_file_info info;
    struct qr_err err;

    if (in->own_cap > KEEP_BUFFER) {
        free(in->own);
        in->own = NULL;
        in->own_cap = 0;
    }
    in->data = NULL;
    unmap(in, rec);
    if (qr_file_info(in->fd, &info, &err) < 0 || info.kind != QR_FILE_REGULAR)
        return;
    if (info.size != in->size || info.changed_ns != in->changed_ns)
        qr_record_fail(rec, QR_CLASS_CONNECTION,
                       "the file changed while it was read; hint: it is tried again");
}
