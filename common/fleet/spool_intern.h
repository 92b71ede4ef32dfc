/* common/fleet/spool_intern.h
 *
 * Between the files of the spool: what it holds (spool.c), its folder (spool_folder.c), the journal
 * (spool_journal.c) and the fsync thread (spool_sync.c).
 */
#pragma once
#include <pthread.h>

#include "common/fleet/spool.h"

#include <uthash.h>

enum { RECORD_HEADER = 32 };

enum record_kind {
    RECORD_RESULT = 1,
    RECORD_START = 2,
    RECORD_END = 3,  /* a start is over, there is no result */
    RECORD_GONE = 4, /* a result was decided about */
};

struct segment {
    uint64_t number;
    int fd;
    int64_t end;    /* where the next record goes */
    uint64_t alive; /* results and starts in it that still count */
    bool unsynced;  /* left behind with results that are not on the disk yet */
};

struct entry { /* a result, or a start */
    uint64_t lease_id;
    uint64_t job_id;
    bool is_start;
    bool earlier;     /* a start of an earlier life */
    uint64_t segment; /* number; 0: only in `memory` */
    int64_t offset;   /* of its payload */
    size_t size;      /* of its payload */
    uint8_t *memory;  /* payload while the disk is full */
    UT_hash_handle hh;
};

struct sync_thread { /* spool_sync.c */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    int fd; /* to be fsynced and closed; -1: idle */
    bool stop;
};

struct qr_spool {
    struct qr_spool_config config;
    int dir_fd;
    int lock_fd;
    uint64_t counter;
    uint8_t epoch[QR_SPOOL_EPOCH_MAX];
    size_t epoch_len;

    struct segment *segments; /* oldest first; the last one is written to */
    size_t n_segments;
    struct entry *results; /* in order of age */
    struct entry *starts;
    int64_t total_bytes;  /* of all journals */
    int64_t result_bytes; /* of all results */
    size_t memory_bytes;  /* of results in memory */
    struct qr_spool_report report;

    int64_t unsynced_since; /* first result written after the last fsync; 0: none */
    int64_t looked_at_disk; /* time of the last statvfs; 0: never */
    int64_t disk_free;
    char full_reason[160]; /* "" when not full */
    char write_error[160]; /* the last write failed like this; "" when it did not */
    struct sync_thread sync;
};

/* spool_folder.c */
int qr_spool_open_folder(struct qr_spool *spool, struct qr_err *err); /* and lock it */
int qr_spool_count_start(struct qr_spool *spool, struct qr_err *err);
/** A small file, written whole and durably. */
int qr_spool_replace_file(const struct qr_spool *spool, const char *name, const void *data,
                          size_t len, struct qr_err *err);
/** Up to `size` bytes of a small file; 0 when there is none. */
size_t qr_spool_load_file(const struct qr_spool *spool, const char *name, void *buf, size_t size);

/* spool_journal.c */
int qr_spool_journal_load(struct qr_spool *spool, struct qr_err *err);
int qr_spool_journal_append(struct qr_spool *spool, enum record_kind kind, uint64_t lease_id,
                            uint64_t job_id, const struct iovec *parts, size_t n_parts,
                            struct entry *ret_where, struct qr_err *err);
/** Remove journals nobody needs; may_move: copy what keeps the oldest alive, when it pays. */
void qr_spool_journal_trim(struct qr_spool *spool, bool may_move);
void qr_spool_journal_close(struct qr_spool *spool);
struct segment *qr_spool_segment(const struct qr_spool *spool, uint64_t number);

/* spool.c; used while loading too */
int qr_spool_add_entry(struct qr_spool *spool, struct entry **table, const struct entry *entry,
                       struct qr_err *err);
void qr_spool_drop_entry(struct qr_spool *spool, struct entry **table, struct entry *entry);

/* spool_sync.c */
int qr_spool_sync_start(struct sync_thread *sync, struct qr_err *err);
void qr_spool_sync_stop(struct sync_thread *sync);
/** Hand a descriptor over (dup'ed); false when the thread is still busy with the last one. */
bool qr_spool_sync_request(struct sync_thread *sync, int fd);
