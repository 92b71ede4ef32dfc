/* tests/unit/common/fleet/peer.h
 *
 * A session with a real spool in a temporary folder and a coordinator played by the test: frames of
 * the session are unpacked and kept, frames to it are packed here.
 */
#pragma once
#include "common/fleet/session.h"
#include "tests/harness/test.h"

enum { PEER_FRAMES_MAX = 4096, PEER_STOPS_MAX = 64 };

struct peer_stop {
    uint64_t lease_id;
    enum qr_session_stop reason;
};

struct peer {
    char dir[64];
    struct qr_spool *spool;
    struct qr_session *session;
    int64_t now_ms;
    uint64_t stream; /* the present one, 0: none */
    char address[256];
    size_t connects, disconnects;
    int room;         /* bulk frames that are still taken; -1: any number */
    bool deaf;        /* sends of control frames are refused */
    bool hold_offers; /* do not answer offers */
    bool decline;     /* decline them */
    uint64_t seq;     /* of the frames to the session on the present stream */
    Quarry__V1__WorkerFrame *frames[PEER_FRAMES_MAX]; /* sent, not yet taken */
    bool bulk[PEER_FRAMES_MAX];
    size_t n_frames;
    struct peer_stop stops[PEER_STOPS_MAX];
    size_t n_stops;
    size_t offered, drains, undrains;
    size_t parts_calls; /* of port.parts; the last one's bytes */
    uint8_t parts[1 << 20];
    size_t parts_len;
    int64_t lost_delay_ms;
    bool over;
    int over_code;
};

/** A fresh spool and a session with `slots` slots and as many ahead, types "text" and "pdf" (pdf:
 * one slot), coordinators "a:1" and "b:2". It has not connected yet. */
void peer_open(struct peer *peer, uint32_t slots);
/** The process dies without a word and starts again in the same folder. */
void peer_restart(struct peer *peer, uint32_t slots);
void peer_close(struct peer *peer);

/** Let `ms` pass, then one flush. */
void peer_pass(struct peer *peer, int64_t ms);
/** Connect and be welcomed; Hello is left in the frames. `kept`: the leases still its own. */
void peer_welcome(struct peer *peer, const uint64_t *kept, size_t n_kept);
/** The same with a cluster epoch. */
void peer_welcome_epoch(struct peer *peer, const char *epoch);
/** Break the stream from outside. */
void peer_break(struct peer *peer);

/* Frames to the session; a flush follows each. */
void peer_offer(struct peer *peer, uint64_t lease_id, const char *type);
/** One that goes on at a checkpoint. */
void peer_offer_checkpoint(struct peer *peer, uint64_t lease_id, uint64_t number,
                           size_t part_bytes);
/** Bytes of the parts: i % 251 at place i. */
void peer_parts_chunk(struct peer *peer, uint64_t lease_id, size_t offset, size_t len, bool last);
void peer_checkpoint_ack(struct peer *peer, uint64_t lease_id, uint64_t number, uint64_t stands);
void peer_sync_drop(struct peer *peer, uint64_t lease_id);
void peer_sync_expect(struct peer *peer, uint64_t lease_id);
void peer_ack(struct peer *peer, uint64_t lease_id, Quarry__V1__AckCode code);
void peer_stop(struct peer *peer, uint64_t lease_id, Quarry__V1__StopReason reason);
void peer_restarting(struct peer *peer, const char *to);
void peer_end(struct peer *peer, Quarry__V1__EndReason reason, uint64_t newest_counter);
void peer_drain(struct peer *peer, bool resume);
/** A frame as bytes, with a sequence number and stream of the test's choice. */
void peer_send(struct peer *peer, uint64_t stream, uint64_t seq,
               Quarry__V1__CoordinatorFrame *frame);

/** The session's owner finishes a job: a record of `bytes` bytes; the session is flushed. */
void peer_finish(struct peer *peer, uint64_t lease_id, size_t bytes);

/** Take the first frame of this kind; the caller frees it with peer_free(). NULL: none came. */
Quarry__V1__WorkerFrame *peer_take(struct peer *peer, Quarry__V1__WorkerFrame__BodyCase kind);
void peer_free(Quarry__V1__WorkerFrame *frame);
/** Forget all frames that were sent; returns how many of a kind there were. */
size_t peer_drop_frames(struct peer *peer, Quarry__V1__WorkerFrame__BodyCase kind);
/** How often a result for this lease was sent, in the frames not yet taken. */
size_t peer_count_results(const struct peer *peer, uint64_t lease_id);
