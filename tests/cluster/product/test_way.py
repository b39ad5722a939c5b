"""The way of a job: from `kubectl apply` to the picture that this machine renders by itself."""

import hashlib
from pathlib import Path
from typing import Final

import pytest
from cluster_harness.kubectl import Kubectl
from support.product import Product
from support.product_jobs import EXAMPLES, OPERATOR_USER, Jobs, example, fetch_picture, log_lines, writes_of
from support.product_leader import leader_pod
from support.terminal import fractal
from trial.pixels import pixels_sha256

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

MOST_WRITES: Final = 8
ALL_EXAMPLES: Final = sorted(file.stem for file in EXAMPLES.glob("*.yaml"))
EXAMPLES_S: Final = 60.0


@pytest.fixture
def jobs(installed: Product, kubectl: Kubectl) -> Jobs:
    del installed  # it must be there
    return Jobs(kubectl)


def rendered_here(source: Path, folder: Path) -> str:
    """The sum of the pixels that `fractal render` draws on this machine."""
    picture = folder / f"{source.stem}.png"
    done = fractal("render", source, "--output", picture, "--threads=2", cwd=folder)  # ranks would start an MPI
    assert done.returncode == 0, done.stderr
    return pixels_sha256(picture)


def test_a_job_becomes_the_picture_that_this_machine_renders(installed: Product, jobs: Jobs, tmp_path: Path) -> None:
    jobs.kubectl("apply", "--server-side", f"--filename={EXAMPLES / 'seahorse.yaml'}")
    status = jobs.complete("seahorse")
    file = fetch_picture(installed, jobs.kubectl.namespace, "seahorse", tmp_path)

    assert status["result"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert status["result"]["bytes"] == file.stat().st_size
    assert pixels_sha256(file) == status["result"]["pixelsSha256"]
    assert rendered_here(EXAMPLES / "seahorse.yaml", tmp_path) == status["result"]["pixelsSha256"]
    assert status["attempts"] == 1


def test_its_milestones_are_told_once_each(jobs: Jobs) -> None:
    jobs.kubectl.apply(example())
    jobs.complete("seahorse")
    assert jobs.events("seahorse") == {"Assigned": 1, "Started": 1, "Completed": 1}


def test_a_job_takes_few_writes_at_the_api_server(installed: Product, jobs: Jobs) -> None:
    jobs.kubectl.apply(example(samples=16))
    world = jobs.complete("seahorse")["assignedTo"]
    assert jobs.events("seahorse")["Completed"] == 1
    writes = writes_of(installed.cluster, jobs.kubectl.namespace, world)
    print(f"\nwrites of a job: {len(writes)} (bound {MOST_WRITES})")
    assert any(OPERATOR_USER in write for write in writes)
    assert len(writes) <= MOST_WRITES, writes


def test_every_example_is_the_same_picture_on_the_cluster(jobs: Jobs, tmp_path: Path) -> None:
    jobs.kubectl("apply", "--server-side", f"--filename={EXAMPLES}")
    here = {name: rendered_here(EXAMPLES / f"{name}.yaml", tmp_path) for name in ALL_EXAMPLES}
    there = {name: jobs.complete(name, 3 * EXAMPLES_S)["result"]["pixelsSha256"] for name in ALL_EXAMPLES}
    assert there == here


def test_the_log_says_of_which_job_and_world_it_speaks(installed: Product, jobs: Jobs) -> None:
    jobs.kubectl.apply(example())
    world = jobs.complete("seahorse")["assignedTo"]
    job = f"{jobs.kubectl.namespace}/seahorse"
    lines = [line for line in log_lines(installed.home, leader_pod(installed)) if line.get("job") == job]
    assert lines, "the leader says nothing of the job"
    assert any(line.get("world") == world for line in lines), lines
    assert all(line.keys() >= {"time", "level", "message"} for line in lines), lines[0]


def test_what_the_kernel_cannot_render_yet_is_told_at_the_job_and_not_tried_again(jobs: Jobs) -> None:
    """A zoom that the API server can't refuse: that it is too deep depends on the kernel of the day."""
    job = example(as_name="too-deep")
    job["spec"]["fractal"]["zoom"] = "1e50"
    jobs.kubectl.apply(job)
    failed = jobs.await_condition("too-deep", "Failed", 15)
    (why,) = [each for each in failed["status"]["conditions"] if each["type"] == "Failed"]
    assert why["reason"] == "DepthNotSupported"
    assert "zoom" in why["message"]
    assert failed["status"]["attempts"] <= 1
    assert jobs.events("too-deep")["Failed"] == 1
