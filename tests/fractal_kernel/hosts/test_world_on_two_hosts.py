"""A world on two hosts, as in the pods: the same picture to the byte, whatever happens to the second host."""

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from support.agent_process import until
from support.checkout import ROOT
from support.held_ledger import HeldLedger
from support.hosted_agent import HostedAgent, hosted_agent, ranks_on
from support.hosts import Host, kill
from support.joined_ledger import JoinedLedger

from fractal_api import GROUP, VERSION

SPEC: Final[dict[str, Any]] = {
    "fractal": {
        "type": "Mandelbrot",
        "center": {"re": "-0.7436", "im": "0.1318"},
        "zoom": "60",
        "maxIterations": 20_000,
    },
    "image": {"width": 480, "height": 360, "samples": 25, "blockSize": 16},
}
TILES: Final = 30 * 23
NOTICED_S: Final = 30
SLACK: Final = 3
"""Deadlines are this many times what is promised: a busy machine may need longer."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The picture as one process on this machine renders it."""
    folder = tmp_path_factory.mktemp("reference")
    manifest = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "FractalJob", "metadata": {"name": "x"}, "spec": SPEC}
    (folder / "job.yaml").write_text(json.dumps(manifest))
    code = "import sys; from fractal_kernel.cli.program import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "render", str(folder / "job.yaml"), "-o", str(folder / "x.png")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return (folder / "x.png").read_bytes()


@pytest.fixture
def moment() -> int:
    """A number of acknowledged tiles, between 2 and 20 percent: so the ledger holds the run while most are to come."""
    seed = os.environ.get("FRACTAL_SEED", secrets.token_hex(4))
    print(f"FRACTAL_SEED={seed}")
    return random.Random(seed).randrange(TILES * 2 // 100, TILES * 20 // 100)  # noqa: S311 - reproducible


def assert_complete(agent: HostedAgent, held: HeldLedger, reference: bytes) -> None:
    """The run has ended well, with the picture, and nothing acknowledged was rendered again."""
    held.release()
    ended = agent.wait_for_end("u-1")
    assert ended["phase"] == "Complete", ended
    assert agent.image("u") == reference
    until(lambda: JoinedLedger(held.ledger).acknowledged() == set(range(TILES)), "every tile is in the ledger")
    assert JoinedLedger(held.ledger).rendered_after_acknowledged() == []


def assert_clean_end(agent: HostedAgent) -> None:
    """The agent ends in order, and nothing of any of its worlds is left on either host."""
    agent.stop()
    until(lambda: agent.leftovers() == [], "both hosts are clean", 30)


def test_two_hosts_render_the_same_file_and_leave_nothing(
    agent: HostedAgent, held: HeldLedger, reference: bytes
) -> None:
    assert agent.wait_until_ready()["hosts"] == ["mpi-node-0", "mpi-node-1"]
    assert [len(ranks_on(host)) for host in agent.hosts] == [1, 2]
    agent.put("u-1", SPEC)
    assert_complete(agent, held, reference)
    assert agent.view("u-1")["worldsLost"] == 0
    assert_clean_end(agent)


def kill_rank(hosts: tuple[Host, Host]) -> None:
    os.kill(ranks_on(hosts[1])[0], signal.SIGKILL)


def kill_ssh(hosts: tuple[Host, Host]) -> None:
    os.kill(hosts[0].processes("ssh -x")[0], signal.SIGKILL)


def kill_session(hosts: tuple[Host, Host]) -> None:
    kill(*set(hosts[1].processes("sshd:")) - hosts[1].own_processes())


def kill_daemon(hosts: tuple[Host, Host]) -> None:
    kill(*hosts[1].processes("orted"))


@pytest.mark.parametrize("fault", [kill_rank, kill_ssh, kill_session, kill_daemon])
def test_what_is_killed_on_the_way_to_the_second_host_costs_time_only(
    agent: HostedAgent, held: HeldLedger, reference: bytes, fault: Callable[[tuple[Host, Host]], None]
) -> None:
    agent.wait_until_ready()
    agent.put("u-1", SPEC)
    held.wait()
    fault(agent.hosts)
    assert_complete(agent, held, reference)
    assert agent.view("u-1")["worldsLost"] <= 1
    assert_clean_end(agent)


def pull_cable(hosts: tuple[Host, Host], *, cut: bool) -> None:
    hosts[1].cable(plugged=not cut)


def lose_packets(hosts: tuple[Host, Host], *, cut: bool) -> None:
    hosts[1].deafen(hosts[0], deaf=cut)


class Partition(Protocol):
    def __call__(self, hosts: tuple[Host, Host], *, cut: bool) -> None: ...


@pytest.mark.parametrize("partition", [lose_packets, pytest.param(pull_cable, marks=pytest.mark.soak)])
def test_a_cut_off_host_is_noticed_in_time_and_the_run_goes_on_when_it_is_back(
    agent: HostedAgent, held: HeldLedger, reference: bytes, partition: Partition
) -> None:
    epoch = agent.wait_until_ready()["epoch"]
    agent.put("u-1", SPEC)
    held.wait()
    partition(agent.hosts, cut=True)
    held.release()
    start = time.monotonic()
    until(lambda: agent.world()["epoch"] != epoch, "the loss of the host is noticed", SLACK * NOTICED_S)
    print(f"noticed after {time.monotonic() - start:.1f} s: {agent.world()['message']}")
    told = "mpi-node-1.mpi-node.test:2222 can't be reached"
    until(lambda: told in agent.world()["message"], "the agent says why")
    partition(agent.hosts, cut=False)
    assert_complete(agent, held, reference)
    assert_clean_end(agent)


def test_the_agent_waits_for_a_host_and_says_for_which(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    hosts[1].stop_sshd()
    with hosted_agent(hosts, tmp_path / "output") as agent:
        until(lambda: bool(agent.world()["waiting"]), "the agent waits")
        assert agent.world()["waiting"] == {
            "peers": "0 of 1 peers are ready: mpi-node-1.mpi-node.test:2222 refuses connections"
        }
        hosts[1].start_sshd()
        assert agent.wait_until_ready()["ranks"] == 3
