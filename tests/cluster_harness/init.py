"""The first process of a machine: mounts, starts its services, starts them again when they end, reaps orphans.

It is process 1 of a PID namespace of its own: when it is killed, all that the machine runs ends, and its mounts
go with its mount namespace. That is the machine's power switch.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from cluster_harness.service import Boot, Service

RESTART_S = 1.0
SOCKET_POLL_S = 0.05
WOKEN_BY = (signal.SIGCHLD, signal.SIGHUP)  # SIGHUP: look again at which services are held


class Init:
    """Keeps the services of one machine running."""

    def __init__(self, boot: Boot, environment: Mapping[str, str]) -> None:
        self._boot, self._environment = boot, dict(environment)
        self._running: dict[int, str] = {}
        self._due = {service.name: 0.0 for service in boot.services}

    def mount(self) -> None:
        """Make the machine's own view of the file system."""
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        # containerd, runc and CNI keep state in /run by hard-coded names; as on a real machine it is gone
        # with the power
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "run", "/run"], check=True)
        for source, target in self._boot.binds:
            subprocess.run(["mount", "--bind", source, target], check=True)

    def prepare(self) -> None:
        """Run what must end before the services start."""
        if self._boot.before:
            with self._log("before").open("ab") as log:
                subprocess.run(self._boot.before, stdout=log, stderr=log, check=True)

    def run(self) -> None:
        """Serve until killed."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WOKEN_BY)  # blocked, they reach even process 1
        while True:
            for service in self._boot.services:
                if self._startable(service):
                    self._start(service)
            signal.sigtimedwait(WOKEN_BY, self._patience())
            self._reap()

    def _held(self, service: Service) -> bool:
        return (Path(self._boot.held) / service.name).exists()

    def _wanted(self, service: Service) -> bool:
        return service.name not in self._running.values() and not self._held(service)

    def _startable(self, service: Service) -> bool:
        return (
            self._wanted(service)
            and time.monotonic() >= self._due[service.name]
            and (not service.after or _accepts(service.after))
        )

    def _patience(self) -> float:
        waiting = any(self._wanted(service) for service in self._boot.services)
        return SOCKET_POLL_S if waiting else 3600.0

    def _start(self, service: Service) -> None:
        log = (os.POSIX_SPAWN_OPEN, 1, str(self._log(service.name)), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        pid = os.posix_spawnp(
            service.command[0],
            service.command,
            self._environment,
            file_actions=[log, (os.POSIX_SPAWN_DUP2, 1, 2)],
            setpgroup=0,
            setsigmask=[],
            setsigdef=[signal.SIGPIPE],
        )
        self._running[pid] = service.name

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if name := self._running.pop(pid, None):
                self._due[name] = time.monotonic() + RESTART_S

    def _log(self, name: str) -> Path:
        return Path(self._boot.logs) / f"{name}.log"


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def main(path: str) -> None:
    """Be process 1 of the machine that the file describes."""
    init = Init(Boot.read(Path(path)), os.environ)
    init.mount()
    init.prepare()
    init.run()


if __name__ == "__main__":
    main(sys.argv[1])
