"""The hosts themselves: as a pod is, closed to the outside, and gone without a trace."""

import os
import select
import subprocess
import sys
from pathlib import Path

from support.checkout import ROOT
from support.hosts import SSH_ARGS, SSH_PORT, Host, two_hosts


def said(host: Host, *command: str) -> str:
    """What a command says that user 1000 gives on the host."""
    process = host.start(command, output=subprocess.PIPE)
    output, _ = process.communicate(timeout=30)
    return bytes(output).decode()


def ssh(host: Host, to: Host, *command: str) -> str:
    return said(host, "ssh", "-p", str(SSH_PORT), *SSH_ARGS.split(), to.name, *command)


def test_a_command_runs_as_user_1000_without_any_right(hosts: tuple[Host, Host]) -> None:
    status = said(hosts[0], "cat", "/proc/self/status")
    fields = {name: value.split() for name, _, value in (line.partition(":") for line in status.splitlines())}
    assert fields["Uid"] == ["1000"] * 4
    assert fields["CapEff"] == fields["CapBnd"] == ["0" * 16]
    assert fields["NoNewPrivs"] == ["1"]


def test_hosts_reach_each_other_by_name_with_strict_keys(hosts: tuple[Host, Host]) -> None:
    first, second = hosts
    assert ssh(first, second, "uname", "-n").strip() == second.hostname
    assert ssh(second, first, "uname", "-n").strip() == first.hostname


def test_another_host_key_is_refused(hosts: tuple[Host, Host]) -> None:
    first, second = hosts
    other = "AAAAC3NzaC1lZDI1NTE5AAAAIGRpZmZlcmVudCBrZXkgb2YgdGhlIHNhbWUgbGVuZ3RoIQ"
    first.run("sh", "-c", f"echo '[mpi-node-*.mpi-node.test]:2222 ssh-ed25519 {other}' > /run/ssh/known_hosts")
    assert "Host key verification failed" in ssh(first, second, "uname", "-n")


def test_a_host_reaches_nothing_else(hosts: tuple[Host, Host]) -> None:
    assert "Network is unreachable" in said(hosts[0], "ssh", "-o", "ConnectTimeout=2", "192.0.2.1")


def test_a_host_can_run_this_python_with_the_kernel(hosts: tuple[Host, Host]) -> None:
    assert said(hosts[1], sys.executable, "-c", "import fractal_kernel; print('here')") == "here\n"


def mounts_and_namespaces() -> tuple[str, list[str]]:
    named = Path("/run/netns")
    return Path("/proc/self/mountinfo").read_text(), sorted(map(str, named.iterdir())) if named.exists() else []


def test_nothing_is_left_of_hosts_not_even_of_their_daemons(tmp_path: Path) -> None:
    before = mounts_and_namespaces()
    with two_hosts(tmp_path / "files") as hosts:
        daemon = hosts[0].start(["setsid", "sleep", "1000"])
        init = hosts[0].init
    assert daemon.wait(30) is not None
    assert not Path(f"/proc/{init}").exists()
    assert mounts_and_namespaces() == before


HOLD = """
import sys
from pathlib import Path
from support.hosts import two_hosts
with two_hosts(Path(sys.argv[1])) as hosts:
    print(*(host.init for host in hosts), flush=True)
    sys.stdin.read()
"""


def test_hosts_go_with_whoever_made_them(tmp_path: Path) -> None:
    paths = {"PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, "-c", HOLD, str(tmp_path / "files")]
    with subprocess.Popen(
        command, env=os.environ | paths, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        assert maker.stdout is not None
        inits = [os.pidfd_open(int(pid)) for pid in maker.stdout.readline().split()]
        maker.kill()
    assert len(inits) == 2
    for init in inits:
        assert select.select([init], [], [], 30)[0]
        os.close(init)
