#include "common/fleet/spool_intern.h"

#include <fcntl.h>
#include <unistd.h>

static void *run(void *arg)
{
    struct sync_thread *sync = arg;

    pthread_mutex_lock(&sync->lock);
    while (!sync->stop) {
        if (sync->fd < 0) {
            pthread_cond_wait(&sync->wake, &sync->lock);
            continue;
        }
        int fd = sync->fd;
        pthread_mutex_unlock(&sync->lock);
        fdatasync(fd); /* a failure shows at the next write, or costs work after a power loss */
        close(fd);
        pthread_mutex_lock(&sync->lock);
        sync->fd = -1;
    }
    pthread_mutex_unlock(&sync->lock);
    return NULL;
}

int qr_spool_sync_start(struct sync_thread *sync, struct qr_err *err)
{
    sync->fd = -1;
    pthread_mutex_init(&sync->lock, NULL);
    pthread_cond_init(&sync->wake, NULL);
    int rc = pthread_create(&sync->thread, NULL, run, sync);
    if (rc != 0) {
        pthread_cond_destroy(&sync->wake);
        pthread_mutex_destroy(&sync->lock);
        return qr_fail_errno(err, QR_E_LIMIT, rc, "start the spool's thread");
    }
    sync->running = true;
    return QR_OK;
}

void qr_spool_sync_stop(struct sync_thread *sync)
{
    if (!sync->running)
        return;
    pthread_mutex_lock(&sync->lock);
    sync->stop = true;
    pthread_cond_signal(&sync->wake);
    pthread_mutex_unlock(&sync->lock);
    pthread_join(sync->thread, NULL);
    if (sync->fd >= 0)
        close(sync->fd);
    pthread_cond_destroy(&sync->wake);
    pthread_mutex_destroy(&sync->lock);
    sync->running = false;
}

bool qr_spool_sync_request(struct sync_thread *sync, int fd)
{
    bool taken = false;

    pthread_mutex_lock(&sync->lock);
    if (sync->fd < 0) {
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (copy >= 0) {
            sync->fd = copy;
            pthread_cond_signal(&sync->wake);
            taken = true;
        }
    }
    pthread_mutex_unlock(&sync->lock);
    return taken;
}
