#include "coordinator/service/await.h"

#include <pthread.h>

struct wait {
    qr_db_work_fn fn;
    void *arg;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool over;
    int rc;
    struct qr_err err;
};

static int run(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct wait *wait = arg;
    return wait->fn(conn, wait->arg, err);
}

static void done(void *arg, int rc, const struct qr_err *err)
{
    struct wait *wait = arg;

    pthread_mutex_lock(&wait->mutex);
    wait->rc = rc;
    if (rc < 0 && err)
        wait->err = *err;
    wait->over = true;
    pthread_cond_signal(&wait->cond);
    pthread_mutex_unlock(&wait->mutex);
}

int qr_await(struct qr_db *db, enum qr_db_lane lane, qr_db_work_fn fn, void *arg,
             struct qr_err *err)
{
    struct wait wait = {.fn = fn, .arg = arg};

    pthread_mutex_init(&wait.mutex, NULL);
    pthread_cond_init(&wait.cond, NULL);
    qr_db_submit(db, lane, run, done, &wait);
    pthread_mutex_lock(&wait.mutex);
    while (!wait.over)
        pthread_cond_wait(&wait.cond, &wait.mutex);
    pthread_mutex_unlock(&wait.mutex);
    pthread_cond_destroy(&wait.cond);
    pthread_mutex_destroy(&wait.mutex);
    if (wait.rc < 0 && err)
        *err = wait.err;
    return wait.rc;
}
