"""The gateway on real sockets: what breaks off, and how it ends."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support.gateway_server import serving
from support.gateway_stage import INSTALL, Stage
from support.redis_server import RedisServer

from fractal_api.storage import CHUNK_BYTES
from fractal_operator.gateway.listeners import PortTaken, bind

IMAGE = "/v1/namespaces/art/jobs/seahorse/image"
LARGE = os.urandom(CHUNK_BYTES) * 9 + b"end"


@pytest.fixture
def port(stage: Stage, redis_server: RedisServer, tmp_path: Path) -> Iterator[int]:
    with serving(str(stage.cluster.kubeconfig(tmp_path)), redis_server) as port:
        yield port


def test_a_picture_that_breaks_off_is_shorter_than_announced(port: int, stage: Stage) -> None:
    record = stage.complete_job("seahorse", LARGE)
    stage.store.set(stage.keys("seahorse").chunk(1, record.chunks - 1), b"End", keepttl=True)  # another SHA-256
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        connection.request("GET", IMAGE)
        answer = connection.getresponse()
        assert answer.status == 200
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()
    assert len(broken.value.partial) < len(LARGE)
    assert LARGE.startswith(broken.value.partial)


def test_a_caller_that_leaves_early_does_no_harm(port: int, stage: Stage) -> None:
    stage.complete_job("seahorse", LARGE)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(f"GET {IMAGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            caller.recv(1000)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        connection.request("GET", IMAGE)
        assert connection.getresponse().read() == LARGE


def test_a_port_that_is_taken_is_named() -> None:
    with closing(bind("127.0.0.1", 0)) as taken:
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"can't listen on port {number}: address already in use"):
            bind("127.0.0.1", number)


# ---- the program


def free_ports(count: int) -> list[int]:
    sockets = [bind("127.0.0.1", 0) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def environment(stage: Stage, redis_server: RedisServer, tmp_path: Path) -> dict[str, str]:
    public, local, metrics = map(str, free_ports(3))
    return {
        **os.environ,
        "KUBECONFIG": str(stage.cluster.kubeconfig(tmp_path)),
        "FRACTAL_STORE": redis_server.url,
        "FRACTAL_INSTALL": INSTALL,
        "FRACTAL_GATEWAY_PORT": public,
        "FRACTAL_GATEWAY_LOCAL_PORT": local,
        "FRACTAL_GATEWAY_METRICS_PORT": metrics,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


@contextmanager
def started(environment: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    """The program, which is gone in the end."""
    program = "import sys; from fractal_operator.gateway.process import main; sys.exit(main())"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def ask(port: str, path: str) -> Iterator[http.client.HTTPResponse]:
    with closing(http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)) as connection:
        connection.request("GET", path)
        yield connection.getresponse()


def await_up(port: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with ask(port, "/healthz"):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the gateway didn't come up")


def test_the_program_serves_three_ports_and_ends_at_sigterm(environment: dict[str, str], stage: Stage) -> None:
    stage.complete_job("seahorse", LARGE)
    with started(environment) as process:
        await_up(environment["FRACTAL_GATEWAY_METRICS_PORT"])
        with ask(environment["FRACTAL_GATEWAY_PORT"], IMAGE) as public:
            assert public.status == 401
        with ask(environment["FRACTAL_GATEWAY_LOCAL_PORT"], IMAGE) as local:
            assert local.read() == LARGE
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"FRACTAL_GATEWAY_PORT": "many"}, "FRACTAL_GATEWAY_PORT"),
        ({"KUBECONFIG": "/nowhere"}, "No Kubernetes cluster is configured"),
    ],
)
def test_a_program_that_cannot_start_says_why_in_a_sentence(
    environment: dict[str, str], change: dict[str, str], words: str
) -> None:
    with started({**environment, **change}) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert words in said.splitlines()[-1]
    assert "Traceback" not in said
