/* common/os/fresh.h
 *
 * May what was read of folders still be used, or are they to be read again?
 *
 *     qr_fresh_add(&mark, &info);                   // fstat() of each folder: before it is read
 *     if (!qr_fresh_holds(&fresh, mark, now)) {
 *         ... read them ...
 *         qr_fresh_read(&fresh, mark, now, qr_clock_ms());
 *     }
 *
 * The rule: what was read holds while the folders' times (mtime and ctime, which change with every
 * name that comes, goes or is replaced) are those they had before the reading, and the reading
 * began QR_FRESH_SETTLE_MS or more after these times had first been seen.
 *
 * The second half is against races. Times have a granularity (a tick of 4 ms on ext4, two seconds
 * on FAT), and a change in the same grain as the one before it leaves no trace. Behind two seconds
 * of unchanged times, every change during or after the reading has a time of its own. No clock but
 * our own steady one is asked: that of a share may be wrong. So for two seconds behind each change
 * every question reads anew, which is right and merely slow.
 *
 * Two bounds. What was read a minute ago (QR_FRESH_KEPT_MS) is read anew in any case: some shares
 * keep no times of folders. And a reading that took long (QR_FRESH_SLOW_MS) is used for ten times
 * as long whatever has changed, so that it takes a tenth of the time at most, not all of it.
 *
 * As fresh as the times are: those of a share may come from its client's cache, which folders
 * opened anew usually pass by.
 *
 * Pure: times are given, in milliseconds of a steady clock. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum { QR_FRESH_SETTLE_MS = 2000, QR_FRESH_KEPT_MS = 60000, QR_FRESH_SLOW_MS = 1000 };

struct qr_fresh {    /* zeroed: nothing was read */
    uint64_t mark;   /* the newest that was seen */
    int64_t seen_ms; /* and since when */
    bool seen, read; /* `read`: what follows is set */
    bool settled;    /* the reading was that of `read_mark`, surely */
    uint64_t read_mark;
    int64_t read_ms; /* it began */
    int64_t not_before_ms;
};

/** Folders' times become one number; begin with 0, add them in a fixed order. */
void qr_fresh_add(uint64_t *mark, const struct stat *folder);

/** May what was read be used? `mark` is that of now, `now_ms` not before it was taken. */
bool qr_fresh_holds(struct qr_fresh *fresh, uint64_t mark, int64_t now_ms);
/** They were read from `began_ms` to `ended_ms`; `mark` was taken at or before `began_ms`, or each
 *  folder's share of it right before that folder was read. */
void qr_fresh_read(struct qr_fresh *fresh, uint64_t mark, int64_t began_ms, int64_t ended_ms);
