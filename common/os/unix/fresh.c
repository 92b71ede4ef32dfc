#include "common/os/fresh.h"

#include <string.h>

enum { SLOW_SHARE = 10 };

/* FNV-1a over 64-bit words: http://www.isthe.com/chongo/tech/comp/fnv/ */
static void mix(uint64_t *mark, uint64_t word)
{
    *mark = (*mark ^ word) * UINT64_C(0x100000001b3);
    *mark ^= *mark >> 32;
}

void qr_fresh_add(uint64_t *mark, const struct stat *folder)
{
    mix(mark, UINT64_C(0xcbf29ce484222325));
    mix(mark, (uint64_t)folder->st_dev);
    mix(mark, (uint64_t)folder->st_ino);
    mix(mark, (uint64_t)folder->st_mtim.tv_sec);
    mix(mark, (uint64_t)folder->st_mtim.tv_nsec);
    mix(mark, (uint64_t)folder->st_ctim.tv_sec);
    mix(mark, (uint64_t)folder->st_ctim.tv_nsec);
}

static void see(struct qr_fresh *fresh, uint64_t mark, int64_t now_ms)
{
    if (fresh->seen && fresh->mark == mark)
        return;
    fresh->seen = true;
    fresh->mark = mark;
    fresh->seen_ms = now_ms;
}

bool qr_fresh_holds(struct qr_fresh *fresh, uint64_t mark, int64_t now_ms)
{
    see(fresh, mark, now_ms);
    if (!fresh->read)
        return false;
    if (now_ms < fresh->not_before_ms)
        return true;
    return fresh->settled && fresh->read_mark == mark && now_ms - fresh->read_ms < QR_FRESH_KEPT_MS;
}

void qr_fresh_read(struct qr_fresh *fresh, uint64_t mark, int64_t began_ms, int64_t ended_ms)
{
    const int64_t took_ms = ended_ms - began_ms;

    see(fresh, mark, ended_ms);
    fresh->read = true;
    fresh->read_mark = mark;
    fresh->read_ms = began_ms;
    fresh->settled = began_ms - fresh->seen_ms >= QR_FRESH_SETTLE_MS;
    fresh->not_before_ms = took_ms >= QR_FRESH_SLOW_MS ? ended_ms + SLOW_SHARE * took_ms : 0;
}
