/* RFC 9113 (HTTP/2) and the gRPC protocol over it, the client's side of one stream. */
#include "bench/driver/h2.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base.h"

enum {
    DATA = 0,
    HEADERS = 1,
    RST_STREAM = 3,
    SETTINGS = 4,
    PING = 6,
    GOAWAY = 7,
    WINDOW_UPDATE = 8,
    END_STREAM = 1,
    ACK = 1,
    END_HEADERS = 4,
    PADDED = 8,
    HEAD_BYTES = 9,
    FRAME_BYTES = 16384,
    WINDOW_STEP = 1 << 20
};

/* ------------------------------------------------------------------ buffers */

static uint8_t *grow(struct h2_bytes *b, size_t more)
{
    if (b->len + more > b->cap) {
        size_t cap = b->cap ? b->cap : 256;
        while (cap < b->len + more)
            cap *= 2;
        uint8_t *data = realloc(b->data, cap);
        if (!data)
            abort(); /* a benchmark */
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->len;
}

static void append(struct h2_bytes *b, const void *data, size_t len)
{
    memcpy(grow(b, len), data, len);
    b->len += len;
}

static void drop(struct h2_bytes *b, size_t len)
{
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
    if (b->len == 0 && b->cap > 4096) { /* ten thousand of them: keep little */
        free(b->data);
        *b = (struct h2_bytes){0};
    }
}

static void clear(struct h2_bytes *b)
{
    free(b->data);
    *b = (struct h2_bytes){0};
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_u32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

static uint8_t *begin_frame(struct h2 *c, int type, int flags, uint32_t stream, size_t len)
{
    uint8_t *to = grow(&c->out, HEAD_BYTES + len);

    to[0] = (uint8_t)(len >> 16);
    to[1] = (uint8_t)(len >> 8);
    to[2] = (uint8_t)len;
    to[3] = (uint8_t)type;
    to[4] = (uint8_t)flags;
    put_u32(to + 5, stream);
    c->out.len += HEAD_BYTES + len;
    return to + HEAD_BYTES;
}

static void put_window_update(struct h2 *c, uint32_t stream, uint32_t by)
{
    put_u32(begin_frame(c, WINDOW_UPDATE, 0, stream, 4), by);
}

/* Bytes, which no zero ends. */
static size_t put(uint8_t *to, const void *bytes, size_t n)
{
    memcpy(to, bytes, n);
    return n;
}

/* ------------------------------------------------------------------ opening */

/* HPACK without table or Huffman: RFC 7541, section 6.2.2. */
static void put_request(struct h2 *c, const char *path)
{
    uint8_t block[256];
    size_t n = 0;
    size_t len = strlen(path);
    static const char authority[] = "bench";
    static const char type[] = "application/grpc";

    block[n++] = 0x83; /* :method POST */
    block[n++] = 0x86; /* :scheme http */
    block[n++] = 0x04; /* :path */
    block[n++] = (uint8_t)len;
    n += put(block + n, path, len);
    block[n++] = 0x01; /* :authority */
    block[n++] = sizeof authority - 1;
    n += put(block + n, authority, sizeof authority - 1);
    block[n++] = 0x0f; /* content-type: 31 */
    block[n++] = 31 - 15;
    block[n++] = sizeof type - 1;
    n += put(block + n, type, sizeof type - 1);
    n += put(block + n, "\0\2te\10trailers", 13);
    memcpy(begin_frame(c, HEADERS, END_HEADERS, 1, n), block, n);
}

int h2_open(struct h2 *c, const struct sockaddr_in *to, uint32_t source, const char *path)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const int on = 1;

    memset(c, 0, sizeof *c);
    c->window = c->conn_window = c->initial_window = 65535;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return -errno;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (source != 0) {
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(c->fd, (const struct sockaddr *)&from, sizeof from) < 0)
            goto failed;
    }
    c->connecting = true;
    if (connect(c->fd, (const struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS)
        goto failed;
    append(&c->out, preface, sizeof preface - 1);
    uint8_t *settings = begin_frame(c, SETTINGS, 0, 0, 12);
    (void)put(settings, "\0\2\0\0\0\0\0\4\0\20\0\0", 12); /* no push; windows of 1 MiB */
    put_window_update(c, 0, WINDOW_STEP);
    put_request(c, path);
    return 0;
failed:;
    int error = errno;
    h2_close(c);
    return -error;
}

void h2_close(struct h2 *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    clear(&c->in);
    clear(&c->message);
    clear(&c->out);
    clear(&c->held);
}

/* ------------------------------------------------------------------ sending */

static void put_data(struct h2 *c, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t n = len < FRAME_BYTES ? len : FRAME_BYTES;
        memcpy(begin_frame(c, DATA, 0, 1, n), data, n);
        c->window -= (int64_t)n;
        c->conn_window -= (int64_t)n;
        data += n;
        len -= n;
    }
}

void h2_send(struct h2 *c, const uint8_t *data, size_t len)
{
    uint8_t head[5] = {0};

    put_u32(head + 1, (uint32_t)len);
    int64_t size = (int64_t)(len + sizeof head);
    if (c->held.len > 0 || c->window < size || c->conn_window < size ||
        size > FRAME_BYTES) { /* in pieces, when there is room */
        append(&c->held, head, sizeof head);
        append(&c->held, data, len);
        return;
    }
    uint8_t *to = begin_frame(c, DATA, 0, 1, (size_t)size);
    memcpy(to, head, sizeof head);
    memcpy(to + sizeof head, data, len);
    c->window -= size;
    c->conn_window -= size;
}

void h2_send_end(struct h2 *c) { begin_frame(c, DATA, END_STREAM, 1, 0); }

static void release_held(struct h2 *c)
{
    int64_t room = c->window < c->conn_window ? c->window : c->conn_window;
    size_t n = c->held.len;

    if (n == 0 || room <= 0)
        return;
    if ((int64_t)n > room)
        n = (size_t)room;
    put_data(c, c->held.data, n);
    drop(&c->held, n);
}

int h2_flush(struct h2 *c)
{
    if (c->fd < 0)
        return -EPIPE;
    release_held(c);
    if (c->connecting || c->out.len == 0)
        return 0;
    ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return -errno;
    if (n > 0)
        drop(&c->out, (size_t)n);
    c->want_write = c->out.len > 0;
    return 0;
}

/* ------------------------------------------------------------------ receiving */

/* Messages of a DATA frame's payload. */
static void take_data(struct h2 *c, const uint8_t *data, size_t len, h2_message_fn fn, void *ctx)
{
    while (len > 0) {
        if (c->message.len == 0 && len >= 5) { /* whole in this frame, mostly */
            size_t size = get_u32(data + 1);
            if (len >= 5 + size) {
                fn(ctx, data + 5, size);
                data += 5 + size;
                len -= 5 + size;
                continue;
            }
        }
        size_t need = 5;
        if (c->message.len >= 5)
            need = 5 + get_u32(c->message.data + 1);
        size_t n = need - c->message.len < len ? need - c->message.len : len;
        append(&c->message, data, n);
        data += n;
        len -= n;
        if (c->message.len >= 5 && c->message.len == 5 + (size_t)get_u32(c->message.data + 1)) {
            fn(ctx, c->message.data + 5, c->message.len - 5);
            c->message.len = 0;
        }
    }
}

static void take_settings(struct h2 *c, int flags, const uint8_t *data, size_t len)
{
    if (flags & ACK)
        return;
    for (; len >= 6; data += 6, len -= 6)
        if (data[0] == 0 && data[1] == 4) { /* INITIAL_WINDOW_SIZE, also of streams that exist */
            int64_t window = get_u32(data + 2);
            c->window += window - c->initial_window;
            c->initial_window = window;
        }
    begin_frame(c, SETTINGS, ACK, 0, 0);
}

static void take_frame(struct h2 *c, const uint8_t *frame, size_t len, h2_message_fn fn, void *ctx)
{
    int type = frame[3], flags = frame[4];
    uint32_t stream = get_u32(frame + 5) & 0x7fffffff;
    const uint8_t *data = frame + HEAD_BYTES;

    switch (type) {
    case DATA:
        c->taken += (uint32_t)len;
        if (c->taken >= WINDOW_STEP / 2) {
            put_window_update(c, 0, c->taken);
            put_window_update(c, 1, c->taken);
            c->taken = 0;
        }
        if (flags & PADDED) {
            size_t pad = len > 0 ? data[0] : 0;
            len = len > pad ? len - 1 - pad : 0;
            data++;
        }
        take_data(c, data, len, fn, ctx);
        c->ended = c->ended || (flags & END_STREAM);
        break;
    case HEADERS:
        c->ended = c->ended || (flags & END_STREAM);
        break;
    case RST_STREAM:
    case GOAWAY:
        c->ended = true;
        break;
    case SETTINGS:
        take_settings(c, flags, data, len);
        break;
    case PING:
        if (!(flags & ACK) && len == 8)
            memcpy(begin_frame(c, PING, ACK, 0, 8), data, 8);
        break;
    case WINDOW_UPDATE:
        if (len == 4 && stream == 0)
            c->conn_window += get_u32(data) & 0x7fffffff;
        else if (len == 4)
            c->window += get_u32(data) & 0x7fffffff;
        break;
    default:
        break;
    }
}

static size_t take_frames(struct h2 *c, const uint8_t *data, size_t len, h2_message_fn fn,
                          void *ctx)
{
    size_t at = 0;

    while (len - at >= HEAD_BYTES) {
        size_t size = (size_t)data[at] << 16 | (size_t)data[at + 1] << 8 | data[at + 2];
        if (len - at < HEAD_BYTES + size)
            break;
        take_frame(c, data + at, size, fn, ctx);
        at += HEAD_BYTES + size;
    }
    return at;
}

int h2_read(struct h2 *c, h2_message_fn fn, void *ctx)
{
    static uint8_t chunk[256 << 10]; /* one thread */

    if (c->connecting) {
        int error = 0;
        socklen_t len = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0)
            return -error;
    }
    for (;;) {
        ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
            return -ECONNRESET;
        if (c->in.len == 0) {
            size_t used = take_frames(c, chunk, (size_t)n, fn, ctx);
            append(&c->in, chunk + used, (size_t)n - used);
        } else {
            append(&c->in, chunk, (size_t)n);
            drop(&c->in, take_frames(c, c->in.data, c->in.len, fn, ctx));
        }
        if (c->ended)
            return -ECONNRESET;
        if ((size_t)n < sizeof chunk)
            return 0;
    }
}
