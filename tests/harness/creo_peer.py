"""The Creo service by Python's grpcio: another implementation of the protocol, and one that can misbehave in ways the
simulator cannot.

    with CadStack(["wheel.prt"]) as stack, Peer(lambda creo, request, peer: good(creo, request)) as peer:
        stack.start_coordinator()
        stack.start_bridge(creo=f"grpc://{peer.address}")
"""

import concurrent.futures
import threading

import grpc

from tests.harness.cad import pb


class Peer:
    """A server whose Extract yields what `answer(creo, request, peer)` does, messages or bytes. `over` is set when the
    test is; `cancelled` counts the calls that the caller ended before their answer was over."""

    def __init__(self, answer):
        creo, _, _, _ = pb()
        self.requests = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.cancelled = 0

        def extract(data, context):
            request = creo.ExtractRequest.FromString(data)
            self.requests.append(request)
            ended = []

            def gone():
                with self.lock:
                    self.cancelled += not ended
            context.add_callback(gone)
            for reply in answer(creo, request, self):
                if not context.is_active():
                    return
                yield reply if isinstance(reply, bytes) else reply.SerializeToString()
            ended.append(True)

        def info(_, context):
            return creo.Info(service="peer", creo_version="9.0 (python)").SerializeToString()

        handlers = {"Extract": grpc.unary_stream_rpc_method_handler(extract),
                    "GetInfo": grpc.unary_unary_rpc_method_handler(info)}
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("quarry.creo.v1.Creo", handlers),))
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.server.stop(0).wait(30)


def good(creo, request, model=None, end=True, lie=0):
    """A small answer in the protocol; with `end` False it stops in the middle."""
    model = model or request.model
    replies = [creo.ExtractReply(number=1, head=creo.ModelHead(
        model=model, revision=request.revision, type="part", creo_version="9.0 (python)",
        units=creo.Units(length="inch", mass="lbm")))]
    replies.append(creo.ExtractReply(number=2, parameters=creo.Parameters(items=[
        creo.Parameter(name="DESCRIPTION", type="string", value="by grpcio", designated=True)])))
    replies.append(creo.ExtractReply(number=3, mass=creo.MassProperties(
        volume=2, has_volume=True, mass=1, has_mass=True, bounding_box=[0, 0, 0, 1, 2, 3])))
    if end:
        size = sum(len(reply.SerializeToString()) for reply in replies)
        replies.append(creo.ExtractReply(number=4, end=creo.End(
            model=model, revision=request.revision, parts=len(replies) + lie, bytes=size)))
    return replies
