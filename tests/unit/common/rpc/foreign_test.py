"""common/rpc against grpcio, both ways round. Run it: ctest --preset dev -R rpc_foreign_test

The environment names what to test: QUARRY_BIN, the folder of rpc_foreign_server and rpc_foreign_client, and
QUARRY_PROTO, the folder of our .proto files.
"""
import importlib.util
import os
import subprocess
import sys
import threading

import grpc
import pytest

BIN = os.environ["QUARRY_BIN"]
PROTO = os.environ["QUARRY_PROTO"]
HERE = os.path.dirname(os.path.abspath(__file__))
WAIT = 30  # seconds; a call that takes as long hangs


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """The folder of health_pb2.py, generated from the .proto file we serve."""
    folder = tmp_path_factory.mktemp("generated")
    source = os.path.join(PROTO, "grpc", "health", "v1")
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{source}", f"--python_out={folder}", "health.proto"],
                   check=True)
    return folder


@pytest.fixture(scope="session")
def health(generated):
    spec = importlib.util.spec_from_file_location("health_pb2", generated / "health_pb2.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Server:
    """Our server, as a process."""

    def __init__(self):
        self.process = subprocess.Popen([os.path.join(BIN, "rpc_foreign_server")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.address = self.process.stdout.readline().strip()

    def set_health(self, service, serving):
        self.process.stdin.write(f"{service} {int(serving)}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "ok\n"

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(WAIT)


@pytest.fixture
def server():
    server = Server()
    yield server
    assert server.stop() == 0  # also: no sanitizer report


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.address) as channel:
        yield channel


def code_of(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


@pytest.mark.parametrize("size", [0, 1, 1000, 99999])
def test_unary_echoes(channel, size):
    assert channel.unary_unary("/test.T/Echo")(b"q" * size, timeout=WAIT) == b"q" * size


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_requests_are_read(channel, compression):
    assert channel.unary_unary("/test.T/Echo")(b"q" * 50000, timeout=WAIT, compression=compression) == b"q" * 50000


def test_status_with_message(channel):
    code, details = code_of(lambda: channel.unary_unary("/test.T/Fail")("m\u00fcll".encode(), timeout=WAIT))
    assert code == grpc.StatusCode.NOT_FOUND
    assert details == "no job 'm\u00fcll'; hint: list them"


def test_shared_status_carries_our_code(channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/test.T/Fail")(b"db", timeout=WAIT)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.UNAVAILABLE, "the database is away")
    assert ("qr-code", "-7") in caught.value.trailing_metadata()


def test_unknown_method(channel):
    code, _ = code_of(lambda: channel.unary_unary("/test.T/Nope")(b"", timeout=WAIT))
    assert code == grpc.StatusCode.UNIMPLEMENTED


def test_deadline(channel):
    code, _ = code_of(lambda: channel.unary_unary("/test.T/Hold")(b"", timeout=0.2))
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_metadata_both_ways(channel):
    reply, call = channel.unary_unary("/test.T/Meta").with_call(b"x-token", timeout=WAIT,
                                                                metadata=[("x-token", "s3cret"), ("x-raw-bin", b"\0")])
    assert reply == b"s3cret"
    assert ("x-server", "quarry") in call.initial_metadata()


def test_message_over_the_limit(channel):
    code, details = code_of(lambda: channel.unary_unary("/test.T/Echo")(b"q" * 100001, timeout=WAIT))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "100001" in details
    code, _ = code_of(lambda: channel.unary_unary("/test.T/Big")(b"100001", timeout=WAIT))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_compressed_message_over_the_limit(channel):
    """Small on the wire, too large when unpacked."""
    code, _ = code_of(lambda: channel.unary_unary("/test.T/Echo")(bytes(50000000), timeout=WAIT,
                                                                  compression=grpc.Compression.Gzip))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_missing_request(channel):
    code, details = code_of(lambda: channel.stream_unary("/test.T/Echo")(iter(()), timeout=WAIT))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "missing" in details


def test_server_stream(channel):
    call = channel.unary_stream("/test.T/Count")(b"3000", timeout=WAIT)
    assert [int(message) for message in call] == list(range(3000))
    assert call.code() == grpc.StatusCode.OK


def test_server_stream_cancelled_by_the_client(channel):
    call = channel.unary_stream("/test.T/Count")(b"100000000", timeout=WAIT)
    for _ in range(10):
        next(call)
    call.cancel()
    assert channel.unary_unary("/test.T/Echo")(b"alive", timeout=WAIT) == b"alive"


def test_bidi_and_half_close(channel):
    """The next message is sent when the echo of the one before is there: nothing waits for the half-close."""
    turn = threading.Semaphore(1)

    def requests():
        for number in range(200):
            assert turn.acquire(timeout=WAIT)
            yield str(number).encode()

    seen = []
    call = channel.stream_stream("/test.T/Bidi")(requests(), timeout=WAIT)
    for message in call:
        seen.append(int(message))
        turn.release()
    assert seen == list(range(200))
    assert (call.code(), call.details()) == (grpc.StatusCode.OK, "all echoed")


def test_many_streams_at_once(channel):
    calls = [channel.stream_stream("/test.T/Bidi")(iter([b"x"] * 100), timeout=WAIT) for _ in range(32)]
    assert [sum(1 for _ in call) for call in calls] == [100] * 32


def test_health(server, channel, health):
    serving, status = health.HealthCheckResponse, health.HealthCheckResponse.ServingStatus
    check = channel.unary_unary("/grpc.health.v1.Health/Check", health.HealthCheckRequest.SerializeToString,
                                serving.FromString)
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch", health.HealthCheckRequest.SerializeToString,
                                 serving.FromString)
    fleet = health.HealthCheckRequest(service="quarry.v1.Fleet")
    assert check(health.HealthCheckRequest(), timeout=WAIT).status == status.Value("NOT_SERVING")
    assert code_of(lambda: check(fleet, timeout=WAIT))[0] == grpc.StatusCode.NOT_FOUND
    call = watch(fleet, timeout=WAIT)
    assert next(call).status == status.Value("SERVICE_UNKNOWN")
    server.set_health("quarry.v1.Fleet", True)
    assert next(call).status == status.Value("SERVING")
    assert check(fleet, timeout=WAIT).status == status.Value("SERVING")
    server.set_health("quarry.v1.Fleet", False)
    assert next(call).status == status.Value("NOT_SERVING")
    call.cancel()


def test_fast_pings_are_tolerated(server):
    """A client that pings each second on an idle connection is not sent away (too_many_pings)."""
    options = [("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_timeout_ms", 20000),
               ("grpc.keepalive_permit_without_calls", 1), ("grpc.http2.max_pings_without_data", 0)]
    over = threading.Event()

    def requests():
        yield b"first"
        over.wait(4.5)
        yield b"second"

    with grpc.insecure_channel(server.address, options) as channel:
        assert list(channel.stream_stream("/test.T/Bidi")(requests(), timeout=WAIT)) == [b"first", b"second"]


def test_stop_ends_live_calls(server):
    over = threading.Event()

    def requests():
        yield b"x"
        over.wait(WAIT)  # no half-close while the server lives

    with grpc.insecure_channel(server.address) as channel:
        call = channel.stream_stream("/test.T/Bidi")(requests(), timeout=WAIT)
        assert next(call) == b"x"
        server.process.stdin.close()
        # The connection closes right behind the status; where that is faster at the peer, its own
        # text ("Socket closed") stands for ours. The code is UNAVAILABLE either way.
        assert code_of(lambda: next(call))[0] == grpc.StatusCode.UNAVAILABLE
        assert server.process.wait(WAIT) == 0
        over.set()


def test_our_client_against_grpcio(generated):
    with subprocess.Popen([sys.executable, os.path.join(HERE, "foreign_peer.py"), str(generated)], text=True,
                          stdout=subprocess.PIPE) as peer:
        try:
            address = peer.stdout.readline().strip()
            result = subprocess.run([os.path.join(BIN, "rpc_foreign_client")], timeout=100,
                                    env={**os.environ, "QUARRY_TEST_PEER": address})
        finally:
            peer.kill()
    assert result.returncode == 0
