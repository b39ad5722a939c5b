import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from fractal_kernel.pod.peer import Watch, build_sshd, probes
from fractal_kernel.pod.place import read_place


@contextmanager
def greeter(greeting: bytes) -> Iterator[int]:
    """A server that greets once, and no more; its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=greet)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def ask(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_pod_is_ready_once_its_sshd_has_answered_and_is_not_knocked_at_again() -> None:
    with greeter(b"SSH-2.0-OpenSSH\r\n") as port:
        watch = Watch(port)
        with probes(watch, 0) as door:
            assert ask(door, "/readyz") == 200
            assert ask(door, "/readyz") == 200


def test_a_pod_is_alive_but_not_ready_while_nothing_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with probes(Watch(port), 0) as door:
        assert ask(door, "/healthz") == 200
        assert ask(door, "/readyz") == 503
        assert ask(door, "/metrics") == 404


def test_something_else_on_the_port_is_no_sshd() -> None:
    with greeter(b"HTTP/1.0 400\r\n") as port:
        assert not Watch(port).ready()


def test_the_sshd_lets_in_who_has_the_worlds_key_and_forwards_nothing() -> None:
    place = read_place({"FRACTAL_POD": "mpi-node-1", "FRACTAL_NODES": "2", "FRACTAL_SLOTS": "1"})

    command = " ".join(build_sshd(place))

    assert "-p 2222" in command
    assert "HostKey=/etc/fractal/host" in command
    assert "AuthorizedKeysFile=/etc/fractal/authorized_keys" in command
    for option in ("PasswordAuthentication=no", "UsePAM=no", "AllowTcpForwarding=no", "PermitTunnel=no"):
        assert option in command


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [(["--help"], 0, "FRACTAL_POD"), (["x"], 2, "usage"), ([], 1, "fractal-pod: FRACTAL_POD must be")],
    ids=["help", "wrong usage", "no pod"],
)
def test_the_program_says_what_it_needs(arguments: list[str], code: int, told: str) -> None:
    command = [sys.executable, "-m", "fractal_kernel.pod", *arguments]
    ended = subprocess.run(command, env={"PYTHONPATH": "kernel:crds"}, capture_output=True, text=True, check=False)

    assert ended.returncode == code
    assert told in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
