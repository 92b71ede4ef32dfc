"""Workers that say anything at all: the coordinator lives, and the others' work is done (rule 12)."""

import concurrent.futures
import queue
import random
import threading
import time

import grpc

from tests.harness.fake_coordinator import pb

STREAMS = 60  # each with up to 40 frames; the seed is the number of the stream
NUMBERS = [0, 1, 2, 3, 7, 100, 1 << 16, (1 << 31) - 1, (1 << 32) - 1, 1 << 40, (1 << 64) - 1]


class Liar:
    """One stream: a Hello as it should be (mostly), then frames filled at random, with leases it was offered."""

    def __init__(self, seed, channel):
        self.rng, self.out, self.leases, self.seen = random.Random(seed), queue.SimpleQueue(), [1, 2, 3], 0
        self.name, self.session = f"liar{seed % 5}", bytes([seed % 11]) * 16
        self.call = channel.stream_stream(
            "/quarry.v1.Fleet/Work", request_serializer=bytes, response_deserializer=pb.CoordinatorFrame.FromString)(
                iter(self.out.get, None), timeout=30)

    def value(self, field):
        rng, kind = self.rng, field.cpp_type
        if kind == field.CPPTYPE_STRING:
            text = rng.choice(["", "text", "pdf", "in", "x" * 3000, self.name])
            return text if field.type == field.TYPE_STRING else rng.randbytes(rng.choice([0, 1, 16, 100, 20000]))
        if kind == field.CPPTYPE_DOUBLE:
            return rng.choice([0.5, float("nan"), float("inf"), -1e300])
        if kind == field.CPPTYPE_BOOL:
            return rng.random() < 0.5
        if kind == field.CPPTYPE_ENUM:
            return rng.randrange(12)
        if field.name == "lease_id" and rng.random() < 0.8:
            return rng.choice(self.leases)
        if field.name == "seen" and rng.random() < 0.95:
            return rng.choice([0, self.seen])
        number = rng.choice(NUMBERS)
        if kind in (field.CPPTYPE_INT32, field.CPPTYPE_INT64):
            return rng.choice([-1, 1]) * (number >> (33 if kind == field.CPPTYPE_INT32 else 1))
        return number & 0xFFFFFFFF if kind == field.CPPTYPE_UINT32 else number

    def fill(self, message):
        for field in message.DESCRIPTOR.fields:
            if self.rng.random() < 0.4 or (field.message_type and field.message_type.GetOptions().map_entry):
                continue
            many = field.label == field.LABEL_REPEATED
            for _ in range(self.rng.choice([1, 2, 30]) if many else 1):
                if field.message_type:
                    self.fill(getattr(message, field.name).add() if many else getattr(message, field.name))
                elif many:
                    getattr(message, field.name).append(self.value(field))
                else:
                    setattr(message, field.name, self.value(field))
        return message

    def frame(self):
        body = self.rng.choice([f.name for f in pb.WorkerFrame.DESCRIPTOR.fields if f.name not in ("hello", "goodbye")])
        frame = pb.WorkerFrame()
        self.fill(getattr(frame, body)).SetInParent()
        if self.rng.random() < 0.02:
            return self.rng.randbytes(30)
        return frame.SerializeToString()

    def hello(self):
        hello = pb.Hello(worker_id=self.name, session=self.session, start_counter=1, slots=8, roots=["in"],
                         types=[pb.TypeLimit(type="pdf")], credits=pb.Credits(total=1000))
        if self.rng.random() < 0.2:
            self.fill(hello)
        return pb.WorkerFrame(hello=hello).SerializeToString()

    def listen(self):
        try:
            for frame in self.call:
                self.seen = max(self.seen, frame.seq)
                self.leases += [lease.lease_id for lease in frame.offer.leases]
        except grpc.RpcError:
            pass

    def live(self):
        ears = threading.Thread(target=self.listen)
        ears.start()
        self.out.put(self.hello() if self.rng.random() < 0.95 else self.frame())
        for _ in range(self.rng.randrange(40)):
            self.out.put(self.frame())
            time.sleep(self.rng.choice([0, 0, 0.02]))
        self.out.put(None)
        if self.rng.random() < 0.5:
            self.call.cancel()
        ears.join()


def test_rule_12_workers_that_say_anything_harm_nobody(stack_of, tmp_path):
    for i in range(40):
        (tmp_path / f"{i:02}.pdf").write_bytes(b"%PDF-1.7\n")  # for the liars
        (tmp_path / f"{i:02}.txt").write_text(f"text {i}\n")
    stack = stack_of(roots={"in": tmp_path})
    coordinator = stack.start_coordinator("--lease-ttl", "2s")
    run = stack.create_run(tmp_path)
    with grpc.insecure_channel(stack.coordinator.grpc) as channel, concurrent.futures.ThreadPoolExecutor(4) as pool:
        lives = [pool.submit(Liar(seed, channel).live) for seed in range(STREAMS)]
        stack.start_worker("w1", 2, "--types", "text")
        for life in lives:
            life.result(60)
    done = "SELECT count(*) FROM extraction_jobs WHERE run_id = %s AND job_type = 'text' AND status = 'completed'"
    deadline = time.monotonic() + 60
    while stack.value(done, run) < 40 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert stack.value(done, run) == 40
    assert stack.value("SELECT count(*) FROM extraction_jobs WHERE run_id = %s", run) == 80
    assert stack.cli("worker", "list").returncode == 0
    assert coordinator.process.poll() is None
