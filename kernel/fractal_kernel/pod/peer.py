"""Every other pod: an sshd, by which mpirun starts ranks here, and the answers that kubelet's probes want.

All pods come from one template, hence probes ask all of them the same over HTTP; asking by commands would cost a new
process every two seconds in each pod. The sshd runs as nobody special and lets in who holds the world's key alone.
"""

import contextlib
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Final

from fractal_kernel.pod.place import Place

SSH_PORT: Final = 2222
PROBE_PORT: Final = 8000
"""The agent's port, as the probes of the one template have it."""

_KNOCK_S: Final = 1.0
_ASK_S: Final = 5.0

_OPTIONS: Final[tuple[str, ...]] = (
    "UsePAM=no",
    "PidFile=none",
    "StrictModes=no",  # the keys lie on a volume of root's
    "PasswordAuthentication=no",
    "KbdInteractiveAuthentication=no",
    "AuthenticationMethods=publickey",
    "AllowTcpForwarding=no",
    "AllowAgentForwarding=no",
    "AllowStreamLocalForwarding=no",
    "X11Forwarding=no",
    "PermitTunnel=no",
    "PermitUserRC=no",
    "PermitTTY=no",
    "PrintMotd=no",
    "UseDNS=no",
    "MaxStartups=100",
    "ClientAliveInterval=15",  # a lost first pod is noticed, and its ranks here end
    "ClientAliveCountMax=3",
    "LogLevel=ERROR",
)


def build_sshd(place: Place, port: int = SSH_PORT) -> list[str]:
    """The command of an sshd that stays in the foreground."""
    files = (f"HostKey={place.secrets / 'host'}", f"AuthorizedKeysFile={place.secrets / 'authorized_keys'}")
    flags = [part for option in (*files, *_OPTIONS) for part in ("-o", option)]
    return ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", str(port), *flags]


class Watch:
    """Whether the sshd lives, and has once answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answered = False

    def ready(self) -> bool:
        """Whether the sshd answers. Once it did it is only asked for its life: each knock is a process of its own."""
        if not self._answered:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), _KNOCK_S) as door:
                door.settimeout(_KNOCK_S)
                self._answered = door.recv(4) == b"SSH-"
        return self._answered


def serve(place: Place, *, ssh_port: int = SSH_PORT, probe_port: int = PROBE_PORT) -> int:
    """Run the sshd and answer probes until it ends or this process is told to end; the exit code."""
    process = subprocess.Popen(build_sshd(place, ssh_port), stdin=subprocess.DEVNULL)
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()
        process.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with probes(Watch(ssh_port), probe_port):
        code = process.wait()
    return 0 if stopped.is_set() else code or 1


@contextlib.contextmanager
def probes(watch: Watch, port: int) -> Iterator[int]:
    """Answer probes on the port as long as this lasts; yields the port, for whoever asked for any by 0."""

    class Answers(BaseHTTPRequestHandler):
        timeout = _ASK_S

        def do_GET(self) -> None:
            self.send_response(_status(self.path, watch))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing: a probe comes every two seconds."""

    server = ThreadingHTTPServer(("", port), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _status(path: str, watch: Watch) -> HTTPStatus:
    match path:
        case "/healthz":
            return HTTPStatus.OK
        case "/readyz":
            return HTTPStatus.OK if watch.ready() else HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.NOT_FOUND
