"""Machines that can't carry the cluster are told so, in one sentence, with what to use instead."""

from dataclasses import replace
from pathlib import Path

import pytest
from cluster_harness.machine import BUILD_BYTES, CONTROLLERS, Facts, hierarchies, objection

FIT = Facts(
    user_id=0,
    distribution="debian",
    controllers=CONTROLLERS,
    go_version=(1, 25, 3),
    go_needed=(1, 25, 0),
    binary_built=False,
    programs_missing=("etcd",),
    free_bytes=BUILD_BYTES,
)


def test_a_fit_machine_meets_no_objection() -> None:
    assert objection(FIT) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"user_id": 1000}, "needs root", id="no root"),
        pytest.param({"distribution": "fedora"}, "is not Debian, so etcd can't be installed", id="not Debian"),
        pytest.param({"controllers": frozenset()}, "it probably runs cgroup v2", id="cgroup v2"),
        pytest.param({"controllers": CONTROLLERS - {"pids"}}, "no v1 hierarchy for pids", id="a controller missing"),
        pytest.param({"go_version": (1, 19, 8)}, "needs Go 1.25.0 or newer, and this one is 1.19.8", id="old Go"),
        pytest.param({"go_version": None}, "there is no `go` on PATH", id="no Go"),
        pytest.param({"free_bytes": 1 << 30}, "needs 6 GiB of free disk, and 1.0 are left", id="full disk"),
    ],
)
def test_an_unfit_machine_is_told_why_and_what_else_there_is(change: dict[str, object], words: str) -> None:
    sentence = objection(replace(FIT, **change))  # type: ignore[arg-type] # the table's values are of many types
    assert sentence is not None
    assert words in sentence
    assert sentence.endswith("FRACTAL_CLUSTER=current KUBECONFIG=FILE")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"go_version": None, "free_bytes": 0}, id="Go and space, once it is built"),
        pytest.param({"distribution": "arch", "programs_missing": ()}, id="Debian, when all programs are there"),
    ],
)
def test_what_is_not_needed_is_not_asked_for(change: dict[str, object]) -> None:
    assert objection(replace(FIT, binary_built=True, **change)) is None  # type: ignore[arg-type] # as above


def test_hierarchies_are_read_from_the_mounts() -> None:
    mounts = (
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
        "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
        "cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
    )
    both = Path("/sys/fs/cgroup/cpu,cpuacct")
    assert hierarchies(mounts) == {"cpu": both, "cpuacct": both, "systemd": Path("/sys/fs/cgroup/systemd")}
