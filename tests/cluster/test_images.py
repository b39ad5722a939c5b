"""The images hold what runs and nothing else, and run in pods that may do nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_harness import builder, images, project, samples, wait
from cluster_harness.cluster import Cluster
from cluster_harness.command import run
from cluster_harness.kubectl import Kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]  # the first to run builds the images
BUILD_TOOLS = ("cc", "gcc", "c++", "ld", "as", "make", "pip", "pip3")


@pytest.fixture(scope="session")
def kernel() -> str:
    return project.build("kernel")


@pytest.fixture(scope="session")
def redis() -> str:
    return builder.build_redis()


@pytest.fixture(scope="session")
def kernel_root(kernel: str) -> Iterator[Path]:
    """The kernel image's root folder."""
    container = run(["buildah", "from", "--pull-never", kernel]).strip()
    try:
        yield Path(run(["buildah", "mount", container]).strip())
    finally:
        run(["buildah", "rm", container])


def configured(image: str) -> dict[str, Any]:
    inspected: dict[str, Any] = json.loads(run(["buildah", "inspect", "--type", "image", image]))
    return inspected["OCIv1"]["config"]  # type: ignore[no-any-return] # the image format's own shape


def pod(name: str, image: str, *command: str, memory: str = "256Mi") -> dict[str, Any]:
    """A pod under Pod Security `restricted`, with a read-only root; only /tmp and /data can be written."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        **({"command": list(command)} if command else {}),
        "securityContext": {key: value for key, value in samples.QUIET.items() if key != "runAsUser"},
        "resources": {"limits": {"memory": memory}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "data", "mountPath": "/data"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}, {"name": "data", "emptyDir": {}}],
        },
    }


@pytest.fixture
def restricted(own_cluster: Cluster, kubectl: Kubectl, kernel: str, redis: str) -> Kubectl:
    images.load(own_cluster.layout, [kernel, redis])
    kubectl("label", "namespace", kubectl.namespace, "pod-security.kubernetes.io/enforce=restricted")
    return kubectl


def ended(kubectl: Kubectl, name: str) -> str:
    """The log of a pod that ends well."""
    wait.until(
        lambda: kubectl.get("pod", name)["status"].get("phase") in {"Succeeded", "Failed"},
        what=f"the end of {name}",
        timeout_s=60,
        pause_s=0.2,
    )
    log = kubectl("logs", name)
    assert kubectl.get("pod", name)["status"]["phase"] == "Succeeded", log
    return log


def test_the_kernel_image_is_small(kernel: str) -> None:
    (found,) = json.loads(run(["buildah", "images", "--json", kernel]))
    number, unit = found["size"].split()
    assert unit == "MB"
    assert float(number) <= 450


@pytest.mark.parametrize("tool", BUILD_TOOLS)
def test_what_runs_has_no_build_tool(kernel_root: Path, tool: str) -> None:
    places = [kernel_root / folder / tool for folder in ("usr/bin", "usr/local/bin", "opt/fractal/bin")]
    assert not [place for place in places if place.exists()]


def test_what_runs_has_nothing_of_the_building_hosts_configuration(kernel_root: Path) -> None:
    assert not (kernel_root / "etc/pip.conf").exists()
    assert not list((kernel_root / "mnt").iterdir())
    assert not list((kernel_root / "root").glob(".*pip*"))
    # the base's own two and nothing else: a host's proxies and mirrors would be further files
    assert {file.name for file in (kernel_root / "etc/apt/apt.conf.d").iterdir()} <= {"01autoremove", "70debconf"}
    assert not list((kernel_root / "etc/apt/sources.list.d").iterdir())
    assert not list((kernel_root / "etc/apt/auth.conf.d").iterdir())


def test_what_runs_has_no_keys_and_no_package_lists(kernel_root: Path) -> None:
    assert not list((kernel_root / "etc/ssh").glob("ssh_host_*"))
    assert not [file for file in (kernel_root / "var/lib/apt/lists").rglob("*") if file.is_file()]


def test_the_environment_of_the_image_names_nothing_of_the_build(kernel: str) -> None:
    config = configured(kernel)
    assert config["User"] == "1000:1000"
    assert {entry.partition("=")[0] for entry in config["Env"]} == {"PATH", "HOME", "PYTHONUNBUFFERED"}
    assert config["Entrypoint"] == ["tini", "--"]


def test_the_program_runs_where_nothing_may_be_written(restricted: Kubectl, kernel: str) -> None:
    restricted.apply(pod("info", kernel, "fractal", "kernel-info"))
    assert "0.1.0" in ended(restricted, "info")


def test_ranks_start_where_nothing_may_be_written(restricted: Kubectl, kernel: str) -> None:
    # one rank speaks for all: mpirun may mix the lines of several
    hello = (
        "from mpi4py import MPI; world = MPI.COMM_WORLD; "
        "told = world.gather(f'rank {world.rank} of {world.size}'); print(*(told or []), sep=chr(10), flush=True)"
    )
    mpirun = "mpirun --oversubscribe --bind-to none --mca btl_vader_single_copy_mechanism none -n 3"
    restricted.apply(pod("ranks", kernel, "sh", "-c", f'{mpirun} python -c "{hello}" </dev/null'))
    lines = [line for line in ended(restricted, "ranks").splitlines() if line.startswith("rank")]
    assert sorted(lines) == ["rank 0 of 3", "rank 1 of 3", "rank 2 of 3"]


def test_the_redis_image_serves_and_writes_to_its_folder(restricted: Kubectl, redis: str) -> None:
    restricted.apply(pod("redis", redis))
    restricted.await_condition("condition=Ready", "pod/redis", timeout_s=30)
    wait.until(lambda: restricted.reaches("redis", "redis-cli", "ping"), what="Redis to answer", timeout_s=20)
    restricted.exec("redis", "redis-cli", "set", "key", "value")
    assert restricted.exec("redis", "redis-cli", "save").strip() == "OK"
