"""A TCP proxy whose connections can be stalled, dropped, half-closed and delayed, in each direction.

    proxy = Proxy("127.0.0.1:7420")
    worker --coordinator proxy.address
    proxy.stall("up")     # bytes to the coordinator are held: the peer's acknowledgements still come
    proxy.stall("down"); proxy.flow()
    proxy.reset()         # all connections end by RST, new ones are accepted
    proxy.close_half("down")  # FIN towards the worker, the other direction goes on
    proxy.refuse(True)    # new connections are ended at once

Directions: "up" from worker to coordinator, "down" back, "both". One thread, select(); bytes are never changed
or lost, only late or cut off at an end, as TCP does it.
"""
import collections
import random
import selectors
import socket
import struct
import threading
import time

CHUNK = 65536
HELD_MAX = 4 << 20  # of one direction; then the sender is made to wait, as by a full window


class Pipe:
    """One direction of one connection: bytes read at `source` and not yet written to `sink`."""

    def __init__(self, direction, source, sink):
        self.direction, self.source, self.sink = direction, source, sink
        self.held = collections.deque()  # (when it may go, bytes)
        self.size = 0
        self.ended = False  # the source said FIN
        self.closed = False  # the sink was told


class Proxy:
    def __init__(self, target, seed=0, listen="127.0.0.1"):
        self.target = (target.rpartition(":")[0], int(target.rpartition(":")[2]))
        self.random = random.Random(seed)
        self.stalled, self.delay_s, self.refusing = set(), 0.0, False
        self.pipes = []
        self.lock = threading.Lock()
        self.stopping = False
        self.server = socket.create_server((listen, 0))
        self.server.settimeout(0.05)
        self.address = "%s:%d" % self.server.getsockname()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._accept, self._pump)]
        for thread in self.threads:
            thread.start()

    # ------------------------------------------------------------ faults

    def stall(self, direction="both"):
        with self.lock:
            self.stalled |= {"up", "down"} if direction == "both" else {direction}

    def flow(self):
        with self.lock:
            self.stalled.clear()
            self.delay_s, self.refusing = 0.0, False

    def delay(self, seconds):
        """Every byte comes up to that much later, in order."""
        with self.lock:
            self.delay_s = seconds

    def refuse(self, yes=True):
        with self.lock:
            self.refusing = yes

    def reset(self):
        """All connections end at once, with RST on both sides; what was under way is lost."""
        with self.lock:
            for pipe in self.pipes:
                self._reset(pipe.source)
            self.pipes.clear()

    def close_half(self, direction):
        """FIN to the reader of that direction; the other one goes on."""
        with self.lock:
            for pipe in self.pipes:
                if pipe.direction == direction and not pipe.closed:
                    pipe.closed = True
                    shut(pipe.sink)

    def close(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(5)
        self.reset()
        self.server.close()

    # ------------------------------------------------------------ work

    @staticmethod
    def _reset(sock):
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        sock.close()

    def _accept(self):
        while not self.stopping:
            try:
                near, _ = self.server.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            try:
                if self.refusing:
                    raise OSError("refused")
                far = socket.create_connection(self.target, timeout=2)
            except OSError:
                self._reset(near)
                continue
            for sock in (near, far):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setblocking(False)
            with self.lock:
                self.pipes += [Pipe("up", near, far), Pipe("down", far, near)]

    def _pump(self):
        while not self.stopping:
            with self.lock:
                readers = [p.source for p in self.pipes if not p.ended and p.size < HELD_MAX and not p.closed]
                now = time.monotonic()
                due = [p for p in self.pipes if p.direction not in self.stalled and p.held and p.held[0][0] <= now]
                writers = [p.sink for p in due]
            ready_in, ready_out = wait(readers, writers, 0.01 if self.delay_s else 0.02)
            with self.lock:
                for pipe in list(self.pipes):
                    if pipe in self.pipes:
                        self._move(pipe, pipe.source in ready_in, pipe.sink in ready_out)

    def _move(self, pipe, can_read, can_write):
        try:
            if can_read and not pipe.ended:
                data = pipe.source.recv(CHUNK)
                pipe.ended = not data
                if data:
                    pipe.held.append((time.monotonic() + self.random.random() * self.delay_s, data))
                    pipe.size += len(data)
            stalled = pipe.direction in self.stalled
            while can_write and not stalled and pipe.held and pipe.held[0][0] <= time.monotonic():
                when, data = pipe.held[0]
                sent = pipe.sink.send(data)
                pipe.size -= sent
                if sent < len(data):
                    pipe.held[0] = (when, data[sent:])
                    break
                pipe.held.popleft()
            if pipe.ended and not pipe.held and not pipe.closed and not stalled:
                pipe.closed = True
                shut(pipe.sink)
        except BlockingIOError:
            return
        except OSError:
            self._drop(pipe)
            return
        twin = next((p for p in self.pipes if p.source is pipe.sink), None)
        if pipe.closed and (twin is None or twin.closed):
            self._drop(pipe)

    def _drop(self, pipe):
        """The whole connection."""
        mine = [p for p in self.pipes if p.source in (pipe.source, pipe.sink)]
        self.pipes = [p for p in self.pipes if p not in mine]
        for one in mine:
            one.source.close()


def shut(sock):
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def wait(readers, writers, seconds):
    """The sockets that can be read, and written."""
    with selectors.DefaultSelector() as selector:
        wanted = {}
        for sock in readers:
            wanted[sock] = selectors.EVENT_READ
        for sock in writers:
            wanted[sock] = wanted.get(sock, 0) | selectors.EVENT_WRITE
        for sock, events in wanted.items():
            if sock.fileno() >= 0:
                selector.register(sock, events)
        if not selector.get_map():
            time.sleep(seconds)
            return set(), set()
        found = selector.select(seconds)
    return ({key.fileobj for key, events in found if events & selectors.EVENT_READ},
            {key.fileobj for key, events in found if events & selectors.EVENT_WRITE})
