/* Streams: frames arrive in order and late; a break loses what is under way or lets it arrive when
 * the worker is long on another stream. Either side learns of a break in its own time. */
#include <stdlib.h>

#include "tests/sim/sim.h"

struct frame *frame_new(enum frame_kind kind, size_t n)
{
    struct frame *frame = calloc(1, sizeof *frame + n * sizeof frame->items[0]);

    frame->kind = kind;
    frame->n = n;
    return frame;
}

struct stream *net_find(struct sim *sim, uint64_t id)
{
    return id >= 1 && id <= sim->n_streams ? &sim->streams[id - 1] : NULL;
}

enum { LATE_MS = 6000 };

static bool reaches(const struct sim *sim, const struct stream *stream)
{
    const struct coord *coord = &sim->coords[stream->coord];

    return coord->alive && coord->instance == stream->instance && !stream->closed;
}

static void opened(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct stream *stream = object;

    (void)arg;
    (void)n;
    if (reaches(sim, stream))
        coord_open(sim, &sim->coords[stream->coord], stream);
}

/* n: 1 where it has waited already. */
static void up_arrives(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct stream *stream = object;
    bool late = stream->cut && stream->up_cut > 0;

    if (late && n == 0) { /* somewhere in the network, while the worker is on another stream */
        int64_t at = sim->now + rng_range(&sim->rng, 0, LATE_MS);
        stream->late_at = at > stream->late_at ? at : stream->late_at;
        sim_at(sim, stream->late_at, up_arrives, stream, arg, 1, free);
        return;
    }
    if (late) {
        stream->up_cut--;
        sim->faults.frames_late++;
    }
    if (reaches(sim, stream) && (!stream->cut || late))
        coord_frame(sim, &sim->coords[stream->coord], stream, arg);
    else
        free(arg);
}

static void down_arrives(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct stream *stream = object;

    (void)n;
    if (stream->left || stream->cut)
        free(arg);
    else
        worker_frame(sim, &sim->workers[stream->worker], stream, arg);
}

static void close_arrives(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct stream *stream = object;

    (void)arg;
    (void)n;
    if (!reaches(sim, stream))
        return;
    stream->closed = true;
    coord_closed(sim, &sim->coords[stream->coord], stream);
}

static void loss_arrives(struct sim *sim, void *object, void *arg, uint64_t n)
{
    struct stream *stream = object;

    (void)arg;
    (void)n;
    if (!stream->left)
        worker_lost(sim, &sim->workers[stream->worker], stream);
}

static bool may_be_lost(enum frame_kind kind)
{
    return kind != UP_HELLO && kind != UP_GOODBYE && kind != DOWN_WELCOME && kind != DOWN_END &&
           kind != DOWN_DRAIN;
}

static struct frame *copy_of(const struct frame *frame)
{
    size_t size = sizeof *frame + frame->n * sizeof frame->items[0];
    struct frame *copy = malloc(size);

    memcpy(copy, frame, size);
    return copy;
}

static void send(struct sim *sim, struct stream *stream, struct frame *frame, int64_t *last_at,
                 event_fn arrives)
{
    int64_t at = sim->now + rng_range(&sim->rng, 0, sim->profile.net_delay);

    *last_at = at > *last_at ? at : *last_at;
    if (!sim->peace && may_be_lost(frame->kind)) {
        uint32_t loss = frame->kind == DOWN_STOP && sim->profile.loss ? 500 : sim->profile.loss;
        if (rng_chance(&sim->rng, loss)) {
            sim->faults.frames_lost++;
            free(frame);
            return;
        }
        if (rng_chance(&sim->rng, sim->profile.doubles)) {
            sim->faults.frames_doubled++;
            sim_at(sim, *last_at, arrives, stream, copy_of(frame), 0, free);
        }
    }
    sim_at(sim, *last_at, arrives, stream, frame, 0, free);
}

void net_up(struct sim *sim, struct stream *stream, struct frame *frame)
{
    send(sim, stream, frame, &stream->up_at, up_arrives);
    if (!sim->peace && rng_chance(&sim->rng, sim->profile.breaks / 8)) {
        sim->faults.stream_breaks++;
        net_break(sim, stream);
    }
}

void net_down(struct sim *sim, struct stream *stream, struct frame *frame)
{
    enum frame_kind kind = frame->kind;
    struct coord *coord = &sim->coords[stream->coord];

    send(sim, stream, frame, &stream->down_at, down_arrives);
    /* The worst moment: the Accept waits while the offer runs out. */
    if (kind == DOWN_OFFER && !sim->peace && rng_chance(&sim->rng, sim->profile.stalls) &&
        coord->stalled_until + 2 * TTL_MS < sim->now)
        coord_stall(sim, coord, rng_range(&sim->rng, 5000, TTL_MS - 100));
}

struct stream *net_connect(struct sim *sim, struct worker *worker, struct coord *coord)
{
    struct stream *stream;

    if (!coord->alive || sim->n_streams >= STREAMS_MAX)
        return NULL;
    stream = &sim->streams[sim->n_streams++];
    *stream = (struct stream){.id = sim->n_streams,
                              .worker = worker->index,
                              .coord = coord->index,
                              .life = worker->life,
                              .instance = coord->instance,
                              .up_at = sim->now};
    sim_at(sim, sim->now, opened, stream, NULL, 0, NULL);
    return stream;
}

void net_break(struct sim *sim, struct stream *stream)
{
    int64_t notice = rng_chance(&sim->rng, 100)   ? 12000
                     : rng_chance(&sim->rng, 500) ? rng_range(&sim->rng, 0, 50)
                                                  : rng_range(&sim->rng, 0, 3000);

    if (stream->cut)
        return;
    stream->cut = true;
    stream->up_cut = rng_chance(&sim->rng, 700) ? 0 : (uint64_t)rng_range(&sim->rng, 1, 4);
    if (sim->peace || sim->profile.calm) {
        stream->up_cut = 0;
        notice = rng_range(&sim->rng, 0, 100);
    }
    if (stream->up_cut)
        notice = LATE_MS + 1; /* what still arrives comes before the end */
    sim_at(sim, sim->now + notice, close_arrives, stream, NULL, 0, NULL);
    if (!stream->left)
        sim_at(sim, sim->now + rng_range(&sim->rng, 0, 4000), loss_arrives, stream, NULL, 0, NULL);
}

void net_leave(struct sim *sim, struct stream *stream)
{
    stream->left = true;
    net_break(sim, stream);
}
