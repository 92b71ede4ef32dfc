"""The CAD bridge and its Creo services for end-to-end tests.

    with CadStack(models=["wheel.prt.1"]) as stack:
        stack.start_coordinator()
        stack.start_sim("--fail-rate", "0.3")
        stack.start_bridge()
"""

import json
import pathlib
import sys
import tempfile

import grpc

from tests.harness.quarry import ROOT, Stack


def pb():
    """The generated modules of quarry.creo.v1 and quarry.sim.v1, made once a process."""
    if not hasattr(pb, "made"):
        import grpc_tools.protoc
        pb.folder = tempfile.TemporaryDirectory(prefix="quarry-pb-")
        made = pb.folder.name
        protos = [str(ROOT / "proto" / name) for name in ("quarry/creo/v1/creo.proto", "quarry/sim/v1/sim.proto")]
        code = grpc_tools.protoc.main(["", f"-I{ROOT / 'proto'}", f"--python_out={made}",
                                       f"--grpc_python_out={made}", *protos])
        assert code == 0, "protoc failed"
        sys.path.insert(0, made)
        from quarry.creo.v1 import creo_pb2, creo_pb2_grpc
        from quarry.sim.v1 import sim_pb2, sim_pb2_grpc
        pb.made = (creo_pb2, creo_pb2_grpc, sim_pb2, sim_pb2_grpc)
    return pb.made


def export_of(model, **more):
    """A small export as docs/cad-export.schema.json wants it."""
    return {"name": model, "parameters": [{"name": "FROM", "value": "export", "type": "string"}], **more}


class CadStack(Stack):
    """A stack whose root `cad` has files that are named like Creo models; `exports` as many JSON exports."""

    def __init__(self, models, exports=()):
        self.files = pathlib.Path(tempfile.mkdtemp(prefix="quarry-cad-"))
        self.files.chmod(0o755)
        super().__init__(roots={"cad": self.files / "models"})
        self.models = self.files / "models"
        self.exports = self.files / "exports"
        for folder in (self.models, self.exports):
            folder.mkdir()
        for name in models:
            path = self.models / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"#UGC:2 not really a Creo file\n" + name.encode())
        for name in exports:
            self.export(name)
        self.sim = None

    def close(self):
        import shutil
        super().close()
        shutil.rmtree(self.files, ignore_errors=True)

    def export(self, model, **more):
        (self.exports / f"{model}.json").write_text(json.dumps(export_of(model, **more)))

    def start_sim(self, *extra):
        """The simulator; started again it keeps its address."""
        listen = self.sim.grpc if self.sim else "127.0.0.1:0"
        self.sim = self.start("sim", "quarry-creo-sim", "--listen", listen, *extra)
        return self.sim

    def set_faults(self, **faults):
        """Replaces the faults of the running simulator; none: it is healed."""
        _, _, sim, stubs = pb()
        with grpc.insecure_channel(self.sim.grpc) as channel:
            return stubs.ControlStub(channel).SetFaults(sim.Faults(**faults), timeout=30)

    def start_bridge(self, name="bridge", *extra, creo=None, exports=True, ready=True):
        """A bridge with a spool of its own; `creo` is an address, by default the simulator's."""
        creo = creo or (f"grpc://{self.sim.grpc}" if self.sim else None)
        flags = (["--creo", creo] if creo else []) + (["--json-dir", self.exports] if exports else [])
        return self.start(name, "quarry-cadbridge", "--coordinator", self.coordinator.grpc, "--id", name,
                          "--spool", self.folder / f"spool-{name}", *self._root_flags(), *flags, *extra,
                          ready=ready)

    def ways(self):
        """{way: completed models} of all runs."""
        return dict(self.sql("SELECT coalesce(extraction_mode, '-'), count(*) FROM cad_models "
                             "WHERE status = 'completed' GROUP BY 1"))
