"""Machines of the tests' own: namespaces that stand for the pods of a world, joined by a cable without any uplink.

Each host has its own network, processes, host name, /tmp, /dev/shm, /run and users, and an sshd on port 2222 that runs
as user 1000 without any capability: what a pod under Pod Security `restricted` has. All that a host is hangs on its
process 1: when that is killed, or whoever made the host, the kernel takes everything else away.

Only root may make namespaces. Needs util-linux, iproute2, openssh-server and openssh-client.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from support.agent_process import until
from support.checkout import ROOT

USER: Final = 1000
SSH_PORT: Final = 2222
DOMAIN: Final = "mpi-node.test"
SECRETS: Final = Path("/run/ssh")
"""Where a host has its keys, as a pod has them on a Secret volume: root's, readable by the user's group."""

SSH_ARGS: Final = (
    f"-i {SECRETS}/user -o UserKnownHostsFile={SECRETS}/known_hosts -o StrictHostKeyChecking=yes -o BatchMode=yes "
    "-o LogLevel=ERROR"
)

_NAMESPACES: Final = ("--mount", "--net", "--pid", "--uts", "--ipc")
_PATH: Final = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_NETWORK: Final = "10.79.0"
_NOBODY: Final = "02:00:00:00:00:99"
"""A hardware address that no host has: what is sent there is dropped at the other end of the cable."""

_CLONE_NEWNET: Final = 0x40000000  # linux/sched.h
_DEADLINE_S: Final = 30.0


class Host:
    """A machine; `number` counts from 0 and gives it name and address. Use `two_hosts`."""

    def __init__(self, number: int) -> None:
        self.hostname = f"mpi-node-{number}"
        self.name = f"{self.hostname}.{DOMAIN}"
        self.address = f"{_NETWORK}.{number + 1}"
        # It goes when whoever made it dies, even by SIGKILL; process 1 ignores SIGCHLD, so that the kernel buries
        # orphans without it.
        self._holder = subprocess.Popen(
            [_program("setpriv"), "--pdeathsig=KILL", _program("unshare"), *_NAMESPACES, "--mount-proc", "--fork",
             "--kill-child", "env", "--ignore-signal=CHLD", "sleep", "infinity"],
            cwd="/",
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.init = self._wait_for_init()
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def root(self) -> Path:
        """The host's file system, seen from here."""
        return Path(f"/proc/{self.init}/root")

    def run(self, *command: str | Path) -> None:
        """Run a command as the host's root."""
        subprocess.run([*self._enter(), *map(str, command)], check=True, env={"PATH": _PATH})

    def start(
        self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None, output: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command as user 1000; both its outputs go to `output`."""
        drop = [_program("setpriv"), f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--bounding-set=-all",
                "--inh-caps=-all", "--no-new-privs"]  # fmt: skip
        process = subprocess.Popen(
            [*self._enter(), *drop, *map(str, command)],
            env={"PATH": _PATH, "HOME": "/tmp", **(environment or {})},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
        )
        self._started.append(process)
        return process

    def connect(self, port: int) -> socket.socket:
        """A connection to 127.0.0.1 on the host; OSError when nobody listens there."""
        found: list[socket.socket | OSError] = []

        def connect() -> None:
            # A thread may enter another network, and what it opens there stays there.
            with Path(f"/proc/{self.init}/ns/net").open("rb") as network:
                ctypes.CDLL(None).setns(network.fileno(), _CLONE_NEWNET)
            try:
                found.append(socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE_S))
            except OSError as error:
                found.append(error)

        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
        if isinstance(found[0], OSError):
            raise found[0]
        return found[0]

    def processes(self, words: str) -> list[int]:
        """The host's processes whose command line has these words, by their number here."""
        mine = Path(f"/proc/{self.init}/ns/pid").readlink()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes() if entry.name.isdecimal() else b""
                if line and (entry / "ns/pid").readlink() == mine and words in line.replace(b"\0", b" ").decode():
                    found.append(int(entry.name))
        return sorted(found)

    def own_processes(self) -> set[int]:
        """Process 1 and the sshd that listens."""
        return {self.init, *self.processes("sshd -D")}

    def start_sshd(self) -> None:
        """Start the sshd that other hosts reach ranks by; on return it listens."""
        options = {
            "HostKey": SECRETS / "host",
            "AuthorizedKeysFile": SECRETS / "authorized_keys",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PidFile": "none",
            "LogLevel": "ERROR",
        }
        flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        command = [_program("sshd"), "-D", "-e", "-f", "/dev/null", "-p", str(SSH_PORT), *flags]
        self.start(command, output=subprocess.DEVNULL)
        until(self._listens, f"the sshd of {self.hostname} listens", _DEADLINE_S)

    def stop_sshd(self) -> None:
        """End it; its open sessions live on."""
        kill(*self.processes("sshd -D"))

    def cable(self, *, plugged: bool) -> None:
        """Pull the host's network cable, or plug it in again."""
        self.run("ip", "link", "set", "eth0", "up" if plugged else "down")

    def deafen(self, peer: "Host", *, deaf: bool) -> None:
        """Let every packet between this host and its peer vanish without an error, or let them through again."""
        for here, there in ((self, peer), (peer, self)):
            entry = [there.address, "lladdr", _NOBODY, "dev", "eth0", "nud", "permanent"]
            here.run("ip", "neighbour", *(["replace", *entry] if deaf else ["delete", *entry[:1], *entry[3:5]]))

    def close(self) -> None:
        """End the host and all that is on it."""
        os.kill(self.init, signal.SIGKILL)
        self._holder.communicate()  # whose last words are that its child was killed
        for process in self._started:
            process.wait(_DEADLINE_S)

    def _listens(self) -> bool:
        try:
            self.connect(SSH_PORT).close()
        except ConnectionRefusedError:
            return False
        return True

    def _enter(self) -> list[str]:
        return [_program("nsenter"), f"--target={self.init}", *_NAMESPACES, "--"]

    def _wait_for_init(self) -> int:
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        deadline = time.monotonic() + _DEADLINE_S
        while time.monotonic() < deadline and self._holder.poll() is None:
            for child in children.read_text().split():
                if Path(f"/proc/{child}/comm").read_text() == "sleep\n":
                    return int(child)
            time.sleep(0.01)
        self._holder.kill()
        _, words = self._holder.communicate()
        raise AssertionError(f"no namespaces could be made, which takes root with CAP_SYS_ADMIN: {words}")


def kill(*processes: int) -> None:
    """Kill processes; one that has ended since it was seen is no error, such as an sshd that served one call."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@contextlib.contextmanager
def two_hosts(folder: Path) -> Iterator[tuple[Host, Host]]:
    """Two hosts that know and reach each other and nothing else; their sshds run. `folder` is for their keys."""
    hosts = Host(0), Host(1)
    try:
        files = make_files(folder, hosts)
        for host in hosts:
            host.run("hostname", host.hostname)
            _furnish(host, files)
        _join(*hosts)
        for host in hosts:
            host.start_sshd()
        yield hosts
    finally:
        for host in hosts:
            host.close()


def make_files(folder: Path, hosts: Sequence[Host]) -> Path:
    """Keys and tables of names and users, each as a file; the folder that holds them."""
    folder.mkdir()
    for key in ("host", "user"):
        command = [_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(folder / key)]
        subprocess.run(command, check=True)
    (folder / "authorized_keys").write_text((folder / "user.pub").read_text())
    (folder / "known_hosts").write_text(f"[mpi-node-*.{DOMAIN}]:{SSH_PORT} {(folder / 'host.pub').read_text()}")
    names = [f"{host.address} {host.name} {host.hostname}\n" for host in hosts]
    (folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(names))
    (folder / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\nfractal:x:{USER}:{USER}::/tmp:/bin/sh\n")
    for file in folder.iterdir():
        os.chown(file, 0, USER)
        file.chmod(0o644 if file.name in {"hosts", "passwd"} else 0o440)
    return folder


def _furnish(host: Host, files: Path) -> None:
    """Give a host its own memory file systems, its files, and what it needs of ours at the same paths."""
    host.run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    host.run("cp", "-rp", files, SECRETS)
    host.run("chmod", "755", SECRETS)
    for table in ("hosts", "passwd"):
        host.run("mount", "--bind", SECRETS / table, Path("/etc") / table)
    for folder, mode in _covers(_needed()).items():
        _cover(host, folder, mode)
    host.run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm")


def _needed() -> list[Path]:
    """The folders that ranks run from, the outermost only."""
    folders = sorted({ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()})
    return [path for path in folders if not any(other in path.parents for other in folders)]


def _covers(needed: Sequence[Path]) -> dict[Path, str]:
    """The folders to be replaced on a host by a memory file system with that mode.

    /tmp, as a pod has its own; and what lets nobody but its owner through to something needed, such as a /root that
    holds a Python.
    """
    covers = {Path("/tmp"): "1777"}
    for path in needed:
        closed = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001]
        covers |= dict.fromkeys(closed[:1], "755")
    return covers


def _cover(host: Host, folder: Path, mode: str) -> None:
    """Cover a folder with a memory file system, and put back what is needed below it."""
    kept = {path: Path(f"/run/kept-{number}") for number, path in enumerate(_needed()) if folder in path.parents}
    for path, aside in kept.items():
        host.run("mkdir", aside)
        host.run("mount", "--rbind", path, aside)
    host.run("mount", "-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", folder)
    for path, aside in kept.items():
        host.run("mkdir", "-p", path)
        host.run("mount", "--move", aside, path)
        host.run("rmdir", aside)


def _join(left: Host, right: Host) -> None:
    """A cable between two hosts."""
    # Among our processes rather than the host's, where the other host has no number.
    enter = [_program("nsenter"), f"--target={left.init}", "--net", "--"]
    cable = ["link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", str(right.init)]
    subprocess.run([*enter, _program("ip"), *cable], check=True)
    for host in (left, right):
        host.run("ip", "address", "add", f"{host.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            host.run("ip", "link", "set", device, "up")


def _program(name: str) -> str:
    path = shutil.which(name, path=_PATH)
    packages = "util-linux iproute2 openssh-server openssh-client"
    assert path is not None, f"{name} is needed by the tests on two hosts: apt-get install {packages}"
    return path
