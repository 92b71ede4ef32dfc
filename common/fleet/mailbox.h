/* common/fleet/mailbox.h
 *
 * From other threads to the agent's loop: the queue threads of the RPC library and the fetch
 * threads post letters, the loop is woken and takes them all. Posting never blocks on the loop.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"
#include "common/class.h"
#include "common/err.h"
#include "common/fleet/fetch.h"

enum qr_letter_kind {
    QR_LETTER_FRAME,    /* of stream `id` */
    QR_LETTER_WRITABLE, /* stream `id` takes bulk frames again */
    QR_LETTER_CLOSED,   /* stream `id` ended; text: why */
    QR_LETTER_FETCHED,  /* job `id`: `fd`, or class and text */
    QR_LETTER_REFERRED, /* job `id`: what its references are (`block`) */
    QR_LETTER_DONE,     /* job `id`: a thread of the program's has finished (`block`) */
};

struct qr_letter {
    struct qr_letter *next;
    enum qr_letter_kind kind;
    uint64_t id;
    int fd;            /* FETCHED; -1: failed. The receiver closes it */
    enum qr_class cls; /* FETCHED */
    uint64_t size;     /* FETCHED: of the file */
    int64_t took_ms;   /* FETCHED */
    int64_t modified_ms;
    uint8_t head[QR_FETCH_HEAD]; /* FETCHED: of a file whose extension is unknown */
    size_t head_len;
    void *block; /* REFERRED: struct qr_references, or NULL; freed with the letter */
    size_t len;  /* of data, which is NUL-terminated */
    char data[];
};

struct qr_mailbox;

/** Errors: QR_E_LIMIT no descriptor left, QR_E_NOMEM. */
QR_MUST_CHECK int qr_mailbox_new(struct qr_mailbox **ret, struct qr_err *err);
/** Letters nobody took are dropped, their descriptors closed. No thread may post any more. */
void qr_mailbox_free(struct qr_mailbox *mailbox);
QR_DEFINE_AUTO(qr_mailbox)

/** A letter with room for `len` bytes of data, filled with zeros, fd -1; NULL: out of memory. */
struct qr_letter *qr_letter_new(enum qr_letter_kind kind, uint64_t id, const void *data,
                                size_t len);
/** Closes its descriptor too. Accepts NULL. */
void qr_letter_free(struct qr_letter *letter);

/** Hand a letter over. Returns how many wait now. Thread-safe. */
size_t qr_mailbox_post(struct qr_mailbox *mailbox, struct qr_letter *letter);

/** All letters in the order they came, linked by `next`; the caller frees them. NULL: none. */
struct qr_letter *qr_mailbox_take(struct qr_mailbox *mailbox);

/** Readable while letters wait. */
int qr_mailbox_fd(const struct qr_mailbox *mailbox);
