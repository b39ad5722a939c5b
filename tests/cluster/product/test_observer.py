"""What is heard of a run: by lines, which may be lies, lost or cut; and by asking, which has the last word."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from cluster_harness import faults, wait
from support.product import Product
from support.product_jobs import log_lines
from support.product_lab import Client, Lab, measure
from support.product_leader import leader_pod, operator_pods, settled

from fractal_operator.core import names
from fractal_operator.core.errands import SILENT_S

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

HEARD_S: Final = 1.0
ASKED_S: Final = SILENT_S + 2.0
RESTART_S: Final = 60.0
ROTATED_S: Final = 40.0
ROTATES_AT: Final = 10 * 2**20
Object = dict[str, Any]

_SAY: Final = """
import sys
with open("/proc/1/fd/1", "w") as log:
    for line in sys.stdin:
        log.write(line)
"""
_SAY_MUCH: Final = """
import sys
with open("/proc/1/fd/1", "w") as log:
    for number in range(int(sys.argv[1]) // 1000):
        log.write(f"{number:08} " + "x" * 990 + chr(10))
"""


def say(lab: Lab, world: str, *lines: str) -> None:
    """Have the world's agent say what it didn't."""
    given = "".join(f"{line}\n" for line in lines)
    lab.inside(world)("exec", "--stdin", names.MASTER, "--", "python3", "-c", _SAY, given=given)


def status_line(**event: object) -> str:
    return f"[STATUS] {json.dumps({'v': 1, **event})}"


def lies(run: str, epoch: int) -> list[str]:
    """Garbage, and lines that could have been the agent's."""
    digest = "0" * 64
    ended = {"sha256": digest, "pixelsSha256": digest, "bytes": 1, "width": 1, "height": 1, "seconds": 1.0}
    return [
        "[STATUS] {",
        "[STATUS] []",
        "[STATUS] " + "{" * 5000,
        "[ERROR] \\x00\\xff \u202e",
        "x" * 100_000,
        status_line(run=run, event="no-such-event"),
        status_line(run=run, event="progress", percent="many", tilesDone=-1, tilesTotal=None),
        status_line(run=run, event="progress", percent=3, tilesDone=1, tilesTotal=96, etaSeconds=1e300),
        status_line(run="somebody-elses-1", event="progress", percent=99, tilesDone=47, tilesTotal=96),
        status_line(run=run, event="started", epoch=1, tilesDone=0, tilesTotal=96),
        status_line(run=run, event="interrupted", message="a lie"),
        status_line(run=run, event="failed", reason="InvalidSpec", message="a lie"),
        status_line(run=run, event="cancelled"),
        status_line(run=run, event="completed", maxIterations=1, **ended),
        status_line(event="ready", epoch=epoch - 1, ranks=1, hosts=1),
        status_line(event="lost", epoch=1, cause="WorldDied", message="a lie"),
        status_line(event="heartbeat", epoch=2**62, ranks=1, busy=0, iterations=2**62),
    ]


def test_garbage_and_lies_in_the_log_change_nothing(installed: Product, lab: Lab, client: Client) -> None:
    world = lab.world("a")
    uid = client.submit("slandered", world)
    client.until("slandered", "Running")
    leader, already = leader_pod(installed), time.time()
    said = lies(f"{uid}-1", 10)
    for _ in range(3):
        say(lab, world, *said)
    status = client.complete("slandered")
    assert (status["attempts"], status["failures"], status["interruptions"]) == (1, 0, 0)
    assert client.undisturbed(world) == status["result"]["sha256"]
    since = f"--since={time.time() - already + 1:.0f}s"
    troubled = [line for line in log_lines(installed.home, leader, since) if line["level"] in {"error", "critical"}]
    assert troubled == []


def test_lines_are_heard_after_a_rotation_of_the_log(installed: Product, lab: Lab, client: Client) -> None:
    world = lab.world("a")
    pod = lab.inside(world).get("pod", names.MASTER)
    logs = installed.cluster.layout.node(pod["spec"]["nodeName"]).folder / "log" / "pods"
    (folder,) = logs.glob(f"{world}_{names.MASTER}_{pod['metadata']['uid']}/*")
    before = rotated(folder)
    lab.inside(world).exec(names.MASTER, "python3", "-c", _SAY_MUCH, str(int(1.3 * ROTATES_AT)))
    wait.until(lambda: rotated(folder) > before, what="a rotation of the log", timeout_s=3 * ROTATED_S, pause_s=0.2)

    client.submit("after", world, samples=16)
    status = client.complete("after")
    late_s = seconds_between(ended_at(lab, world), status["completionTime"])
    print(
        f"\nComplete {late_s:.2f} s after the agent said so (bound {HEARD_S:g} s; by asking it would be {SILENT_S:g} s)"
    )
    assert late_s < 3 * HEARD_S


def rotated(folder: Path) -> int:
    return len([file for file in folder.iterdir() if file.name != "0.log"])


def ended_at(lab: Lab, world: str) -> str:
    """When the agent said that the last run is complete."""
    lines = lab.inside(world)("logs", names.MASTER, "--timestamps", "--tail=200").splitlines()
    return next(line.split()[0] for line in reversed(lines) if '"completed"' in line)


def seconds_between(earlier: str, later: str) -> float:
    first, second = (datetime.fromisoformat(each) for each in (earlier, later))
    return (second - first).total_seconds()


def test_a_run_that_is_not_heard_any_more_is_asked_after(installed: Product, lab: Lab, client: Client) -> None:
    """Without its kubelet a node's pods run on, but nobody can read their logs."""
    store_node = installed.home.get("pod", "redis-0")["spec"]["nodeName"]  # the store is read through its kubelet
    node = next(each.name for each in installed.cluster.layout.nodes if each.name != store_node)
    world = lab.world("silent", template={"nodeSelector": {"kubernetes.io/hostname": node}})
    uid = client.submit("silent", world)
    client.until_tiles("silent")
    faults.stop_service(installed.cluster, node, "kubelet")
    try:
        wait.until(
            lambda: any(key.endswith(":result") for key in lab.keys(uid)), what="the picture", timeout_s=90, pause_s=0.1
        )
        measure("Complete after the picture was stored", lambda: done(client, "silent"), bound_s=ASKED_S)
    finally:
        faults.repair(installed.cluster, node)
    status = client.status("silent")
    assert (status["attempts"], status["failures"]) == (1, 0)
    lab.product.await_warm(world)


def done(client: Client, name: str) -> bool:
    return client.condition(name, "Complete").get("status") == "True"


def test_a_run_that_ends_while_no_operator_is_there_is_found_complete(
    installed: Product, lab: Lab, client: Client
) -> None:
    world = lab.world("a")
    uid = client.submit("alone", world)
    gone = client.submit("unwanted", world, samples=1)
    client.until_tiles("alone")
    installed.home("scale", f"deployment/{names.OPERATOR}", "--replicas=0")
    try:
        wait.until(lambda: not operator_pods(installed), what="the end of all operators", timeout_s=60)
        client.kubectl("delete", "fractaljob", "unwanted")
        wait.until(
            lambda: any(key.endswith(":result") for key in lab.keys(uid)), what="the picture", timeout_s=90, pause_s=0.1
        )
    finally:
        installed.home("scale", f"deployment/{names.OPERATOR}", "--replicas=2")
    measure("Complete with new operators", lambda: done(client, "alone"), bound_s=RESTART_S / 3)
    status = client.status("alone")
    assert (status["attempts"], status["failures"], status["interruptions"]) == (1, 0, 0)
    assert not [run for run in lab.runs(world) if run.startswith(gone)]
    settled(installed)


@pytest.mark.soak
def test_an_agent_that_stands_still_is_started_again_and_its_run_goes_on(lab: Lab, client: Client) -> None:
    """SIGSTOP: it answers neither the operator nor its liveness probe."""
    world = lab.world("a")
    lab.forget_ledger(world)
    client.submit("frozen", world)
    client.until_tiles("frozen")
    script = (
        "import os, subprocess; os.kill(int(subprocess.check_output(['pgrep', '-f', 'fractal_kernel.agent$'])), 19)"
    )
    lab.inside(world).exec(names.MASTER, "python3", "-c", script)
    began = time.monotonic()
    status = client.complete("frozen", 3 * RESTART_S)
    print(f"\ncomplete {time.monotonic() - began:.1f} s later")
    assert lab.ledger(world).rendered_after_acknowledged() == []
    assert status["failures"] == 0
    assert status["interruptions"] == 1
