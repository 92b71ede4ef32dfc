"""A grpcio server for our client (foreign_client.c): service test.P on raw bytes, and a health service.

Run by foreign_test.py: foreign_peer.py FOLDER, where FOLDER holds the generated health_pb2.py.
Prints its address, serves until killed or told to Die.
"""
import os
import sys
import time
from concurrent import futures

import grpc

sys.path.insert(0, sys.argv[1])
import health_pb2  # noqa: E402


def echo(request, context):
    return request


def fail(request, context):
    context.abort(grpc.StatusCode[request.decode()], "failed as asked: m\u00fcll")


def slow(request, context):
    while context.is_active():
        time.sleep(0.01)
    return b""


def raise_error(request, context):
    raise ValueError("planted")


def meta(request, context):
    pairs = {key: value for key, value in context.invocation_metadata()}
    return pairs[request.decode()].encode()


def die(request, context):
    os._exit(1)


def count(request, context):
    end, _, start = request.decode().partition(":")
    for number in range(int(start or 0), int(end)):
        yield str(number).encode()


def bidi(requests, context):
    context.send_initial_metadata((("x-server", "python"),))
    echoed = 0
    for request in requests:
        yield request
        echoed += 1
    context.set_details(f"{echoed} echoed")


def sink(requests, context):
    """Says nothing, not even its head, until it has read everything."""
    return str(sum(len(request) for request in requests)).encode()


def check(request, context):
    assert request.service == "test.P"
    return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


def watch(request, context):
    assert request.service == "test.P"
    for name in ("SERVICE_UNKNOWN", "NOT_SERVING", "SERVING"):
        yield health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.ServingStatus.Value(name))


def main():
    unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    request, response = health_pb2.HealthCheckRequest.FromString, health_pb2.HealthCheckResponse.SerializeToString
    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", 2000000)])
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler("test.P", {
            "Echo": unary(echo), "Fail": unary(fail), "Slow": unary(slow), "Raise": unary(raise_error),
            "Meta": unary(meta), "Die": unary(die), "Count": stream(count),
            "Sink": grpc.stream_unary_rpc_method_handler(sink),
            "Bidi": grpc.stream_stream_rpc_method_handler(bidi)}),
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {
            "Check": unary(check, request, response), "Watch": stream(watch, request, response)})))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


main()
