/* How many messages a second common/rpc/ carries: a server that echoes and clients that each keep a
 * window of messages under way on a bidirectional stream of their own connection. Server and
 * clients share this process and its processors, so a coordinator alone does better.
 *
 *     bench_rpc [--streams 16] [--window 16] [--bytes 64] [--threads 1] [--seconds 3]
 *
 * Last line: one JSON object. A message counts once, when its echo is back. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/clock.h"
#include "common/rpc/client.h"
#include "common/rpc/server.h"

struct settings {
    long streams, channels, window, bytes, threads, seconds;
};

struct peer {
    struct qr_rpc_channel *channel;
    struct qr_rpc_stream *stream;
    atomic_bool *stop;
    atomic_ulong echoes;
};

static void die(const char *what, const struct qr_err *err)
{
    fprintf(stderr, "bench_rpc: %s: %s\n", what, err->msg);
    exit(1);
}

static void echo(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    (void)ctx;
    if (qr_rpc_stream_send(s, QR_RPC_CONTROL, data, len) != QR_OK)
        qr_rpc_stream_cancel(s, QR_E_LIMIT, "peer does not read");
}

static void finish(void *ctx, struct qr_rpc_stream *s)
{
    (void)ctx;
    qr_rpc_stream_finish(s, QR_OK, NULL);
}

static const struct qr_rpc_stream_handler server_side = {.message = echo, .half_closed = finish};

static void again(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    struct peer *peer = ctx;

    atomic_fetch_add_explicit(&peer->echoes, 1, memory_order_relaxed);
    if (!atomic_load_explicit(peer->stop, memory_order_relaxed) &&
        qr_rpc_stream_send(s, QR_RPC_CONTROL, data, len) != QR_OK)
        qr_rpc_stream_cancel(s, QR_E_LIMIT, "server does not read");
}

static const struct qr_rpc_stream_handler client_side = {.message = again};

static void parse(struct settings *set, int argc, char **argv)
{
    const struct {
        const char *name;
        long *value;
        long min, max;
    } options[] = {
        {"--streams", &set->streams, 1, 1000}, {"--channels", &set->channels, 1, 1000},
        {"--window", &set->window, 1, 1000},   {"--bytes", &set->bytes, 0, 1 << 20},
        {"--threads", &set->threads, 1, 64},   {"--seconds", &set->seconds, 1, 3600},
    };

    for (int i = 1; i < argc; i += 2) {
        size_t o = 0;
        while (o < QR_COUNT(options) && strcmp(options[o].name, argv[i]) != 0)
            o++;
        char *end = NULL;
        long value = o < QR_COUNT(options) && i + 1 < argc ? strtol(argv[i + 1], &end, 10) : -1;
        if (!end || *end != '\0' || value < options[o].min || value > options[o].max) {
            fprintf(stderr, "bench_rpc: wrong option or value '%s'\n", argv[i]);
            exit(2);
        }
        *options[o].value = value;
    }
}

static double cpu_seconds(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static unsigned long total(const struct peer *peers, long n)
{
    unsigned long sum = 0;

    for (long i = 0; i < n; i++)
        sum += atomic_load(&peers[i].echoes);
    return sum;
}

static void start_peer(struct peer *peer, const struct settings *set)
{
    struct qr_err err = {0};
    uint8_t *data = calloc(1, (size_t)set->bytes + 1);

    if (!data || qr_rpc_stream_open(peer->channel, "/bench.Rpc/Echo", &client_side, peer,
                                    &peer->stream, &err) < 0)
        die("client", &err);
    for (long i = 0; i < set->window; i++)
        if (qr_rpc_stream_send(peer->stream, QR_RPC_CONTROL, data, (size_t)set->bytes) < 0)
            die("send", &err);
    free(data);
}

int main(int argc, char **argv)
{
    struct settings set = {
        .streams = 16, .channels = 16, .window = 16, .bytes = 64, .threads = 1, .seconds = 3};
    struct qr_err err = {0};
    QR_AUTO(qr_rpc_server) server = NULL;
    atomic_bool stop = false;

    parse(&set, argc, argv);
    const struct qr_rpc_server_config config = {.listen = "127.0.0.1:0",
                                                .threads = (unsigned)set.threads};
    struct peer *peers = calloc((size_t)set.streams, sizeof *peers);
    if (!peers || qr_rpc_server_new(&config, &server, &err) < 0 ||
        qr_rpc_server_add_stream(server, "/bench.Rpc/Echo", &server_side, NULL, &err) < 0 ||
        qr_rpc_server_start(server, &err) < 0)
        die("server", &err);
    struct qr_rpc_channel **channels = calloc((size_t)set.channels, sizeof *channels);
    for (long i = 0; i < set.channels; i++)
        if (!channels ||
            qr_rpc_channel_new(qr_rpc_server_address(server), NULL, &channels[i], &err) < 0)
            die("channel", &err);
    for (long i = 0; i < set.streams; i++) {
        peers[i].stop = &stop;
        peers[i].channel = channels[i % set.channels];
        start_peer(&peers[i], &set);
    }
    qr_clock_sleep_ms(500); /* connections are made, caches warm */
    unsigned long before = total(peers, set.streams);
    double cpu = cpu_seconds();
    int64_t from = qr_clock_ns();
    qr_clock_sleep_ms(set.seconds * 1000);
    double seconds = (double)(qr_clock_ns() - from) / 1e9;
    unsigned long echoes = total(peers, set.streams) - before;
    cpu = cpu_seconds() - cpu;
    atomic_store(&stop, true);
    for (long i = 0; i < set.channels; i++)
        qr_rpc_channel_free(channels[i]);
    for (long i = 0; i < set.streams; i++)
        qr_rpc_stream_unref(peers[i].stream);
    free(channels);
    free(peers);
    printf("%lu messages of %ld bytes and their echoes on %ld streams in %.1f s\n", echoes,
           set.bytes, set.streams, seconds);
    printf("{\"bench\":\"rpc\",\"messages_per_s\":%.0f,\"streams\":%ld,\"channels\":%ld,\"window\":"
           "%ld,\"bytes\":%ld,"
           "\"server_threads\":%ld,\"cpu_us_per_echo\":%.2f}\n",
           (double)echoes / seconds, set.streams, set.channels, set.window, set.bytes, set.threads,
           echoes ? cpu * 1e6 / (double)echoes : 0.0);
    return 0;
}
