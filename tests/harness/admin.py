"""A stand-in for the coordinator's Admin service, made from our .proto files when the tests run.

It answers from plain Python data and can be told to fail: for tests of the `quarry` command that need
replies a real coordinator gives only with luck (other states, broken text, going away in mid-stream).
"""

import atexit
import concurrent.futures
import functools
import importlib
import pathlib
import shutil
import sys
import tempfile
import threading
import time

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.lru_cache(maxsize=1)
def messages():
    """Module of the messages and stubs of admin.proto: (admin_pb2, admin_pb2_grpc)."""
    import grpc_tools.protoc  # only the stand-in needs it
    out = tempfile.mkdtemp(prefix="quarry-proto-")
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    code = grpc_tools.protoc.main([
        "protoc", f"-I{ROOT / 'proto'}", f"--python_out={out}", f"--grpc_python_out={out}",
        *map(str, sorted((ROOT / "proto/quarry/v1").glob("*.proto")))])
    assert code == 0, "protoc failed"
    sys.path.insert(0, out)
    return (importlib.import_module("quarry.v1.admin_pb2"),
            importlib.import_module("quarry.v1.admin_pb2_grpc"))


class Admin:
    """Starts on a free port. `runs` is a list of Run; `frames` of a run are what WatchRun sends, one every
    `every` seconds. `fail` maps an RPC's name to (grpc.StatusCode, text)."""

    def __init__(self, port=0):
        self.pb, self.stubs = messages()
        self.fail, self.frames, self.every = {}, {}, 0.05
        self.runs, self.jobs, self.workers, self.checks, self.events = {}, {}, [], [], {}
        self.export = [b'{"file":"a.pdf"}\n', b'{"file":"b.pdf"}\n']
        self.alerts = []
        self.seen = []  # (method, request)
        self.break_after = None  # WatchRun: abort UNAVAILABLE after so many frames, once
        self.stopping = threading.Event()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
        handlers = {}
        for method in self.pb.DESCRIPTOR.services_by_name["Admin"].methods:
            request = getattr(self.pb, method.input_type.name)
            stream = method.name in ("WatchRun", "Export")
            make = (grpc.unary_stream_rpc_method_handler if stream
                    else grpc.unary_unary_rpc_method_handler)
            handlers[method.name] = make(
                functools.partial(self._stream if stream else self._call, method.name),
                request_deserializer=request.FromString,
                response_serializer=lambda message: message.SerializeToString())
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("quarry.v1.Admin", handlers),))
        self.address = f"127.0.0.1:{self.server.add_insecure_port(f'127.0.0.1:{port}')}"
        self.server.start()

    def close(self):
        self.stopping.set()
        self.server.stop(0).wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ------------------------------------------------------------ data

    def run(self, run_id, **fields):
        self.runs[run_id] = self.pb.Run(id=run_id, **fields)
        return self.runs[run_id]

    def job(self, job_id, **fields):
        self.jobs[job_id] = self.pb.Job(id=job_id, **fields)
        return self.jobs[job_id]

    # ------------------------------------------------------------ answers

    def _check(self, name, request, context):
        self.seen.append((name, request))
        if name in self.fail:
            context.abort(*self.fail[name])

    def _call(self, name, request, context):
        self._check(name, request, context)
        return getattr(self, name)(request, context)

    def _stream(self, name, request, context):
        self._check(name, request, context)
        yield from getattr(self, name)(request, context)

    def _run(self, run_id, context):
        if run_id not in self.runs:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no run {run_id}; hint: quarry run list")
        return self.runs[run_id]

    def CreateRun(self, request, _):
        for run in self.runs.values():
            if run.source == request.source and run.status == "active":
                return self.pb.CreateRunReply(run=run, joined=True)
        run = self.run(max(self.runs, default=0) + 1, source=request.source, name=request.name,
                       status="active", priority=request.priority, options=request.options,
                       created_ms=int(time.time() * 1000))
        return self.pb.CreateRunReply(run=run)

    def Enqueue(self, request, context):
        self._run(request.run_id, context)
        return self.pb.EnqueueReply(inserted=len({job.uri for job in request.jobs}))

    def CloseRun(self, request, context):
        return self.pb.RunReply(run=self._run(request.run_id, context))

    def ListRuns(self, request, _):
        newest = sorted(self.runs.values(), key=lambda run: -run.id)
        return self.pb.ListRunsReply(runs=newest[:request.limit or 50])

    def GetRun(self, request, context):
        return self.pb.RunReply(run=self._run(request.run_id, context))

    def WatchRun(self, request, context):
        run = self._run(request.run_id, context)
        for i, frame in enumerate(self.frames.get(request.run_id, [run])):
            if self.break_after == i:
                self.break_after = None
                context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
            yield self.pb.RunReply(run=frame)
            if self.stopping.wait(self.every):
                return

    def _page(self, request, jobs, limit):
        jobs = [job for job in sorted(jobs, key=lambda job: job.id) if job.id > request.after_id]
        return jobs[:limit], len(jobs) > limit

    def ListJobs(self, request, _):
        found, more = self._page(request, [
            job for job in self.jobs.values()
            if request.run_id in (0, job.run_id) and request.status in ("", job.status)
            and request.type in ("", job.type)], request.limit or 100)
        return self.pb.ListJobsReply(jobs=found, more=more)

    def GetJob(self, request, context):
        if request.job_id not in self.jobs:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no job {request.job_id}")
        return self.pb.JobReply(job=self.jobs[request.job_id])

    def ListJobEvents(self, request, context):
        self.GetJob(request, context)
        return self.pb.ListJobEventsReply(events=self.events.get(request.job_id, []))

    def RetryJobs(self, request, _):
        refused = [i for i in request.job_ids if self.jobs[i].status not in ("failed", "cancelled")]
        return self.pb.RetryJobsReply(retried=len(request.job_ids) - len(refused), refused=refused)

    def ListDeadLetters(self, request, _):
        dead = [job for job in self.jobs.values() if job.status == "failed"
                and request.run_id in (0, job.run_id)
                and request.error_class in ("", job.error_class)]
        found, more = self._page(request, dead, request.limit or 100)
        return self.pb.ListDeadLettersReply(jobs=found, more=more, total=len(dead))

    def ListWorkers(self, _, __):
        return self.pb.ListWorkersReply(workers=self.workers)

    def GetMonitor(self, request, context):
        pb = self.pb
        if request.run_id:
            runs = [self._run(request.run_id, context)]
        else:
            runs = [run for run in self.runs.values() if run.status in ("active", "paused")]
        return pb.MonitorReply(
            at_ms=int(time.time() * 1000), instance="here", rate=12.5, runs_active=len(runs), runs=runs,
            jobs=pb.JobTotals(pending=20, processing=2, completed=15, failed=3, empty=1),
            leases=pb.LeaseTotals(active=2), workers=self.workers, alerts=self.alerts,
            coordinators=[pb.Coordinator(instance="here", host="h", workers=len(self.workers), slots=4)])

    def BeginStage(self, request, context):
        self._run(request.run_id, context)
        return self.pb.BeginStageReply(stage_job_id=5)

    def DrainWorker(self, request, context):
        if request.worker_id not in [worker.id for worker in self.workers]:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no worker '{request.worker_id}'")
        return self.pb.DrainWorkerReply(leases=3)

    def Export(self, request, context):
        self._run(request.run_id, context)
        for piece in self.export:
            yield self.pb.ExportReply(data=piece)
        if "Export.end" in self.fail:
            context.abort(*self.fail["Export.end"])

    def Verify(self, _, __):
        return self.pb.VerifyReply(checks=self.checks)

    def Migrate(self, _, __):
        return self.pb.MigrateReply(applied=["0001_start.sql"], schema_version="1")

    def GetVersion(self, _, __):
        return self.pb.GetVersionReply(version="0.1.0", schema_version="1", postgres_version="15.8",
                                       instance="here")
