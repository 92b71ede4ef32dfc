#include "common/fleet/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct qr_mailbox {
    int fd;
    pthread_mutex_t lock; /* guards what follows */
    struct qr_letter *first;
    struct qr_letter **end; /* where the next one is linked */
    size_t n;
};

int qr_mailbox_new(struct qr_mailbox **ret, struct qr_err *err)
{
    struct qr_mailbox *mailbox = calloc(1, sizeof *mailbox);
    if (!mailbox)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->fd < 0) {
        free(mailbox);
        return qr_fail_errno(err, QR_E_LIMIT, errno, "make an event descriptor");
    }
    pthread_mutex_init(&mailbox->lock, NULL);
    mailbox->end = &mailbox->first;
    *ret = mailbox;
    return QR_OK;
}

void qr_mailbox_free(struct qr_mailbox *mailbox)
{
    if (!mailbox)
        return;
    while (mailbox->first) {
        struct qr_letter *letter = mailbox->first;
        mailbox->first = letter->next;
        qr_letter_free(letter);
    }
    close(mailbox->fd);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

struct qr_letter *qr_letter_new(enum qr_letter_kind kind, uint64_t id, const void *data, size_t len)
{
    struct qr_letter *letter = calloc(1, sizeof *letter + len + 1);
    if (!letter)
        return NULL;
    letter->kind = kind;
    letter->id = id;
    letter->fd = -1;
    letter->len = len;
    if (len > 0 && data)
        memcpy(letter->data, data, len);
    return letter;
}

void qr_letter_free(struct qr_letter *letter)
{
    if (letter && letter->fd >= 0)
        close(letter->fd);
    if (letter)
        free(letter->block);
    free(letter);
}

size_t qr_mailbox_post(struct qr_mailbox *mailbox, struct qr_letter *letter)
{
    const uint64_t one = 1;

    letter->next = NULL;
    pthread_mutex_lock(&mailbox->lock);
    bool was_empty = mailbox->first == NULL;
    *mailbox->end = letter;
    mailbox->end = &letter->next;
    size_t n = ++mailbox->n;
    pthread_mutex_unlock(&mailbox->lock);
    if (was_empty && write(mailbox->fd, &one, sizeof one) < 0) {
        /* the counter is full: the descriptor is readable already */
    }
    return n;
}

struct qr_letter *qr_mailbox_take(struct qr_mailbox *mailbox)
{
    uint64_t count;

    /* First the descriptor: a letter posted between the two is taken now or wakes the loop again.
     */
    if (read(mailbox->fd, &count, sizeof count) < 0) {
        /* nothing waits */
    }
    pthread_mutex_lock(&mailbox->lock);
    struct qr_letter *first = mailbox->first;
    mailbox->first = NULL;
    mailbox->end = &mailbox->first;
    mailbox->n = 0;
    pthread_mutex_unlock(&mailbox->lock);
    return first;
}

int qr_mailbox_fd(const struct qr_mailbox *mailbox) { return mailbox->fd; }
