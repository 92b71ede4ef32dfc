"""A coordinator that obeys a test: for cues the real one cannot give on demand, such as a lost Ack, an
offer made twice, a restart with another start counter.

    with FakeCoordinator() as fake:
        worker = subprocess.Popen([..., "--coordinator", fake.address])
        stream = fake.stream()                    # the next stream, after its Hello
        stream.welcome()
        stream.offer(lease_id=1, uri="root://in/a.txt", type="text")
        result = stream.expect("result").results[0]
        stream.ack(result.lease_id, "COMMITTED")

Nothing is answered by itself, except that beats are answered by an empty Sync unless stream.mute is
set. Frames of the worker are in stream.frames; expect() takes the next one of a kind.
"""
import collections
import concurrent.futures
import pathlib
import queue
import sys
import tempfile
import threading
import time

import grpc
import grpc_tools.protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]
with tempfile.TemporaryDirectory() as made:  # flat: the name `quarry` is the harness's own module
    grpc_tools.protoc.main(["", f"-I{ROOT / 'proto'}", f"--python_out={made}", f"--grpc_python_out={made}",
                            *map(str, (ROOT / "proto/quarry/v1").glob("*.proto"))])
    for file in pathlib.Path(made).glob("quarry/v1/*.py"):
        (pathlib.Path(made) / file.name).write_text(file.read_text().replace("from quarry.v1 import", "import"))
    sys.path.insert(0, made)
    import bridge_pb2
    import fleet_pb2 as pb
    import fleet_pb2_grpc
    import record_pb2

WAIT_S = 20  # for anything a test expects
END = object()


class Stream:
    """One stream of a worker. Its Hello is in `hello`."""

    def __init__(self, hello):
        self.hello = hello
        self.frames = collections.deque()  # received, not yet expected
        self.beats = []
        self.chunks = collections.defaultdict(bytearray)  # lease -> record so far
        self.mute = False
        self.ended = False
        self._out = queue.SimpleQueue()
        self._seq = 0
        self._changed = threading.Condition()

    # what the coordinator says
    def send(self, **body):
        with self._changed:
            self._seq += 1
            self._out.put(pb.CoordinatorFrame(seq=self._seq, **body))
            return self._seq

    def welcome(self, kept=(), **limits):
        values = dict(cluster_epoch=b"epoch-1", ttl_ms=8000, beat_ms=200, offer_timeout_ms=5000,
                      resend_ms=500, max_frame_bytes=65536, max_record_bytes=64 << 20)
        values.update(limits)
        self.send(welcome=pb.Welcome(owner=pb.Owner(instance="fake", epoch=1, attach=1),
                                     kept=[pb.LeaseRef(lease_id=k) for k in kept], **values))

    def offer(self, *leases, **lease):
        every = [pb.Lease(**one) for one in (*leases, *([lease] if lease else []))]
        for one in every:
            one.job_id = one.job_id or one.lease_id + 1000
            one.attempt = 1
            one.budget_ms = one.budget_ms or 60000
        self.send(offer=pb.Offer(leases=every))

    def ack(self, lease_id, code):
        self.send(ack=pb.Ack(acks=[pb.LeaseAck(lease_id=lease_id, code=getattr(pb, "ACK_CODE_" + code))]))

    def close(self):
        """Break the stream from this side."""
        self._out.put(END)

    # what the worker said
    def expect(self, *kinds, seconds=WAIT_S, where=lambda body: True):
        """The next frame of one of these kinds; frames before it stay."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                for frame in self.frames:
                    kind = frame.WhichOneof("body")
                    if kind in kinds and where(getattr(frame, kind)):
                        self.frames.remove(frame)
                        return getattr(frame, kind)
                left = end - time.monotonic()
                if left <= 0 or (self.ended and not self._changed.wait(0)):
                    raise AssertionError(f"no {' or '.join(kinds)} came; waiting: "
                                         f"{list(self.frames)[:8]}")
                self._changed.wait(left)

    def wait_end(self, seconds=WAIT_S):
        with self._changed:
            if not self._changed.wait_for(lambda: self.ended, seconds):
                raise AssertionError("the worker did not leave the stream")

    def beat(self, where=lambda body: True):
        """The next Beat that fits."""
        return self.expect("beat", where=where)

    def _receive(self, frame):
        with self._changed:
            kind = frame.WhichOneof("body")
            if kind == "beat":
                self.beats.append(frame.beat)
            elif kind == "result_chunk":
                data = self.chunks[frame.result_chunk.lease_id]
                if frame.result_chunk.offset == 0:
                    data.clear()
                assert frame.result_chunk.offset == len(data)
                data += frame.result_chunk.data
            self.frames.append(frame)
            self._changed.notify_all()
        if kind == "beat" and not self.mute:
            self.send(sync=pb.Sync(seen=frame.beat.seen))

    def _end(self):
        with self._changed:
            self.ended = True
            self._changed.notify_all()
        self._out.put(END)


class FakeCoordinator(fleet_pb2_grpc.FleetServicer):
    """`on_report` answers the reports of bridges: a BridgeReport to a BridgeOrders; without it they are refused."""

    def __init__(self, port=0, on_report=None):
        self._streams = queue.SimpleQueue()
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=32))
        fleet_pb2_grpc.add_FleetServicer_to_server(self, self._server)
        if on_report:
            report = grpc.unary_unary_rpc_method_handler(
                lambda request, context: on_report(request), bridge_pb2.BridgeReport.FromString,
                bridge_pb2.BridgeOrders.SerializeToString)
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler("quarry.v1.Bridge", {"Report": report}),))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.address = f"127.0.0.1:{self.port}"
        self._server.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._server.stop(0).wait()

    def stream(self, seconds=WAIT_S):
        """The next stream that said Hello."""
        try:
            return self._streams.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError("no worker said Hello") from None

    def Work(self, requests, context):
        hello = next(requests)
        assert hello.WhichOneof("body") == "hello"
        stream = Stream(hello.hello)

        def read():
            try:
                for frame in requests:
                    stream._receive(frame)
            except grpc.RpcError:
                pass
            finally:
                stream._end()

        threading.Thread(target=read, daemon=True).start()
        self._streams.put(stream)
        while (frame := stream._out.get()) is not END:
            yield frame
