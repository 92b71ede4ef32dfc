#!/usr/bin/python3
"""A worker for Quarry in little more than a hundred lines of Python, from the .proto files alone.

    docs/examples/worker.py --coordinator 127.0.0.1:7420 --types text --root samples=tests/samples

It reads UTF-8 text files. What every worker needs is here: credits, accept, beats, results kept until
their Ack, Stop, Sync, Drain. Left out: a spool on disk and reconnecting, so what it holds when it or
its stream dies is run once more by another worker. Packages: python3-grpcio, python3-grpc-tools.
Protocol: docs/protocol.md.
"""
import argparse, collections, hashlib, pathlib, queue, secrets, signal, sys, tempfile, threading, time
import grpc, grpc_tools.protoc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
with tempfile.TemporaryDirectory() as made:  # Python from the .proto files, at every start
    grpc_tools.protoc.main(["", f"-I{PROTO}", f"--python_out={made}", f"--grpc_python_out={made}",
                            *map(str, (PROTO / "quarry/v1").glob("*.proto"))])
    sys.path.insert(0, made)
    from quarry.v1 import fleet_pb2 as pb, fleet_pb2_grpc, record_pb2


class Worker:
    def __init__(self, options):
        self.options, self.roots = options, dict(r.split("=", 1) for r in options.root)
        self.out, self.work = queue.SimpleQueue(), queue.SimpleQueue()  # frames to send; leases to run
        self.phase = {}  # lease id -> phase, of every lease without a final Ack
        self.started = {}  # lease id -> when its work began
        self.unacked = {}  # lease id -> [result, when sent]
        self.received, self.given_back = collections.Counter(), 0
        self.seen, self.draining, self.lock = 0, False, threading.RLock()

    def send(self, **body):
        self.out.put(pb.WorkerFrame(**body))

    def credits(self):  # cumulative: one per slot, and one more for every offer that is done with
        return pb.Credits(total=self.options.slots + self.given_back)

    def done_with(self, lease_id):
        if self.phase.pop(lease_id, None) is not None:
            self.started.pop(lease_id, None), self.unacked.pop(lease_id, None)
            self.given_back += 1
            if not self.draining:
                self.send(credits=self.credits())

    def extract(self, lease):
        root, _, path = lease.uri.removeprefix("root://").partition("/")
        data = (pathlib.Path(self.roots[root]) / path).read_bytes()
        return record_pb2.ExtractionRecord(
            file=lease.uri, type="text", extractor="example", bytes=len(data), text=data.decode(),
            sha256=hashlib.sha256(data).digest(), empty_reason="" if data.strip() else "the file holds no text")

    def slot(self):  # one thread per slot
        while lease := self.work.get():
            with self.lock:
                if lease.lease_id not in self.phase:
                    continue  # stopped while it waited
                self.phase[lease.lease_id] = pb.LEASE_PHASE_RUNNING
                self.started[lease.lease_id] = time.monotonic()
            result = pb.JobResult(lease_id=lease.lease_id, job_id=lease.job_id)
            time.sleep(self.options.slow)
            try:
                result.record = self.extract(lease).SerializeToString()
            except (OSError, KeyError, ValueError) as e:
                result.error.message = f"{e}; hint: is it UTF-8 text, and below a --root?"
                setattr(result.error, "class", record_pb2.ERROR_CLASS_INVALID_INPUT)
            with self.lock:
                if lease.lease_id in self.phase:  # else: stopped meanwhile
                    result.duration_ms = self.age_ms(lease.lease_id)
                    self.phase[lease.lease_id] = pb.LEASE_PHASE_FINISHED
                    self.deliver(result)

    def age_ms(self, lease_id):
        return int(1000 * (time.monotonic() - self.started[lease_id])) if lease_id in self.started else 0

    def deliver(self, result):  # a record too large for one frame goes ahead in chunks
        self.unacked[result.lease_id] = [result, time.monotonic()]
        sent = pb.JobResult()
        sent.CopyFrom(result)
        if len(result.record) > 48000:
            for at in range(0, len(result.record), 48000):
                self.send(result_chunk=pb.ResultChunk(
                    lease_id=result.lease_id, offset=at, data=result.record[at:at + 48000]))
            sent.record, sent.record_bytes = b"", len(result.record)
            sent.record_sha256 = hashlib.sha256(result.record).digest()
        self.send(result=pb.Result(results=[sent]))

    def beat(self, welcome):  # also sends again what got no Ack, and says goodbye when drained
        while not (self.draining and not self.phase):
            time.sleep(welcome.beat_ms / 1000)
            with self.lock:
                self.send(beat=pb.Beat(
                    seen=self.seen, received_total=self.received.total(),
                    received=[pb.TypeCount(type=t, count=n) for t, n in self.received.items()],
                    leases=[pb.LeaseState(lease_id=i, phase=p, started_ms_ago=self.age_ms(i))
                            for i, p in self.phase.items()]))
                for result, when in list(self.unacked.values()):
                    if time.monotonic() - when > welcome.resend_ms / 1000:
                        self.deliver(result)
        self.send(goodbye=pb.Goodbye(reason="drained"))

    def drain(self, *_):  # what runs is finished, what waits is handed back
        with self.lock:
            self.draining = True
            for lease_id in [i for i, p in self.phase.items() if p == pb.LEASE_PHASE_QUEUED]:
                self.phase.pop(lease_id)
                self.send(release=pb.Release(lease_id=lease_id, reason="drain"))

    def on_offer(self, offer):
        for lease in offer.leases:
            self.received[lease.type] += 1
            if self.draining:
                self.send(decline=pb.Decline(lease_id=[lease.lease_id], reason="draining"))
            else:
                self.phase[lease.lease_id] = pb.LEASE_PHASE_QUEUED
                self.send(accept=pb.Accept(lease_id=[lease.lease_id]))
                self.work.put(lease)

    def on_ack(self, ack):
        for one in ack.acks:
            print("ack", one.lease_id, pb.AckCode.Name(one.code), one.error.message, flush=True)
            if one.code != pb.ACK_CODE_RETRY_LATER:
                self.done_with(one.lease_id)

    def on_stop(self, stop):
        print("stop", stop.lease_id, pb.StopReason.Name(stop.reason), flush=True)
        if stop.lease_id in self.phase and stop.reason != pb.STOP_REASON_STALE:
            self.send(release=pb.Release(lease_id=stop.lease_id, reason="stopped"))
        self.done_with(stop.lease_id)

    def on_sync(self, sync):
        for lease_id in sync.drop:
            if lease_id in self.unacked:  # only an Ack ends a finished one: ask for it
                self.deliver(self.unacked[lease_id][0])
            else:
                self.done_with(lease_id)

    def run(self):  # True: ended after a drain, as it should
        o = self.options
        self.send(hello=pb.Hello(
            worker_id=o.id, session=secrets.token_bytes(16), start_counter=time.time_ns() // 1000,
            os="linux", version="example", types=[pb.TypeLimit(type=t) for t in o.types.split(",")],
            roots=list(self.roots), slots=o.slots, credits=self.credits()))
        for _ in range(o.slots):
            threading.Thread(target=self.slot, daemon=True).start()
        for frame in fleet_pb2_grpc.FleetStub(grpc.insecure_channel(o.coordinator)).Work(iter(self.out.get, None)):
            with self.lock:
                kind, self.seen = frame.WhichOneof("body"), frame.seq
                if kind == "welcome":
                    threading.Thread(target=self.beat, args=[frame.welcome], daemon=True).start()
                    print("ready", flush=True)
                elif kind == "drain":
                    self.drain()
                elif kind == "end":
                    print("end", pb.EndReason.Name(frame.end.reason), frame.end.message, flush=True)
                    return frame.end.reason == pb.END_REASON_GOODBYE
                elif kind in ("offer", "ack", "stop", "sync"):
                    getattr(self, "on_" + kind)(getattr(frame, kind))
        return self.draining


def main():
    flags = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    flags.add_argument("--coordinator", default="127.0.0.1:7420", metavar="HOST:PORT")
    flags.add_argument("--id", default="example")
    flags.add_argument("--types", default="text", help="job types, separated by commas")
    flags.add_argument("--slots", type=int, default=2)
    flags.add_argument("--root", action="append", default=[], metavar="NAME=DIR")
    flags.add_argument("--slow", type=float, default=0, metavar="S", help="sleep in every job, to watch it")
    worker = Worker(flags.parse_args())
    signal.signal(signal.SIGTERM, worker.drain)
    try:
        sys.exit(0 if worker.run() else 1)
    except grpc.RpcError as e:
        sys.exit(f"{worker.options.coordinator}: {e.details()}; hint: is the coordinator running?")


if __name__ == "__main__":
    main()
