"""`python tests/cluster.py` says what it can, and fails with one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "cluster.py"


def call(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAM, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_help_names_every_command() -> None:
    lines = call("--help").stdout.splitlines()
    for verb in ("up", "build", "down", "status", "load", "kubeconfig", "kubectl", "fault"):
        assert any(line.split()[:1] == [verb] for line in lines)


def test_help_of_faults_names_every_fault() -> None:
    lines = call("fault", "--help").stdout.splitlines()
    for fault in ("power-off", "partition", "kill-kubelet", "stop", "repair"):
        assert any(line.split()[:1] == [fault] for line in lines)


@pytest.mark.parametrize("verb", [["down"], ["load", "image"], ["fault", "power-off", "node-1"], ["status"]])
def test_a_cluster_of_somebody_else_is_not_touched(verb: list[str], tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("{}")
    refused = call(*verb, FRACTAL_CLUSTER="current", KUBECONFIG=str(file))
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "is for the harness's own cluster" in refused.stderr


def test_the_current_cluster_needs_no_up(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("{}")
    answer = call("up", FRACTAL_CLUSTER="current", KUBECONFIG=str(file))
    assert answer.returncode == 0
    assert answer.stdout == f"FRACTAL_CLUSTER=current: the cluster of {file} is used, and nothing is started\n"
    assert call("kubeconfig", FRACTAL_CLUSTER="current", KUBECONFIG=str(file)).stdout == f"{file}\n"
