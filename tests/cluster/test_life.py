"""Up and down, in good order and after a crash."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster_harness import cgroups, cluster, life, lock, network, power, samples
from cluster_harness.cluster import Cluster
from cluster_harness.command import run
from cluster_harness.errors import NotUpError
from cluster_harness.kubectl import Kubectl
from cluster_harness.layout import Layout
from cluster_harness.progress import Progress
from cluster_harness.sweep import remains

WARM_S = 30
PROGRAM = Path(__file__).parents[1] / "cluster.py"


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, PROGRAM, *words], capture_output=True, text=True, timeout=120, check=False)


def test_a_second_up_says_that_the_cluster_is_up(own_cluster: Cluster) -> None:
    again = call("up")
    assert again.returncode == 0
    assert "is up already" in again.stderr
    assert power.first_process(own_cluster.layout.control)


@pytest.mark.usefixtures("own_cluster")
def test_another_number_of_nodes_needs_a_down_first() -> None:
    other = call("up", "--nodes", "3")
    assert other.returncode == 1
    assert other.stderr == "cluster: a cluster of 2 nodes is up, not of 3: run `down` first\n"


def test_two_commands_at_once_do_not_mix(own_cluster: Cluster) -> None:
    with lock.held(own_cluster.layout.state, "up"):
        refused = call("down")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"cluster: `up` (process {os.getpid()}) is changing the cluster right now")


@pytest.mark.usefixtures("probe")
def test_down_leaves_nothing_running_and_up_is_warm_afterwards() -> None:
    life.down()
    assert remains() == []
    with pytest.raises(NotUpError, match="no cluster is up here"):
        cluster.find()
    started = time.monotonic()
    again = life.up(Layout(node_count=2), Progress(life.STAGES))
    assert all(again.ready().values())
    assert time.monotonic() - started < WARM_S


def test_up_works_after_a_reboot(kubectl: Kubectl, probe: str) -> None:
    kubectl.apply(samples.web_pod("before", probe, "node-1", {"app": "before"}))
    kubectl.await_condition("condition=Ready", "pod/before", timeout_s=30)
    # a reboot ends processes and everything that the kernel held, and leaves all files, this record among them
    cgroups.end()
    network.remove()
    cgroups.remove()
    again = life.up(Layout(node_count=2), Progress(life.STAGES))
    assert all(again.ready().values())
    assert Kubectl(again, "default").get("pods", "--all-namespaces")["items"] == []
    node = again.layout.nodes[0]
    ctr = ["ctr", "--address", str(node.containerd_socket), "--namespace", "k8s.io"]
    assert run([*ctr, "containers", "list", "--quiet"]) == "", "containers of the life before are forgotten"
    assert probe in run([*ctr, "images", "list", "--quiet"]), "images are kept"


def test_up_sweeps_away_what_a_crash_left(own_cluster: Cluster) -> None:
    # the control plane dies and the nodes live on, as when somebody kills the wrong processes
    os.kill(power.first_process(own_cluster.layout.control), signal.SIGKILL)
    again = life.up(Layout(node_count=2), Progress(life.STAGES))
    assert all(again.ready().values())
    assert len({power.first_process(machine) for machine in again.layout.machines}) == 3
