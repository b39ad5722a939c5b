"""The command that starts a world."""

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from fractal_kernel.world.launch import (
    Host,
    Launch,
    Mpirun,
    Remote,
    build_command,
    build_environment,
    find_mpirun,
    parse_version,
)

FOUR = Mpirun(path=Path("/usr/bin/mpirun"), major=4)
FIVE = Mpirun(path=Path("/opt/bin/mpirun"), major=5)
LOCAL = Launch(ranks=3, socket=Path("/run/agent.sock"), epoch=7)
PODS = Launch(
    ranks=4,
    socket=Path("/run/agent.sock"),
    epoch=7,
    scratch=Path("/dev/shm/world"),
    remote=Remote(
        hosts=(Host(name="a.w.ns.svc", slots=2), Host(name="b.w.ns.svc", slots=2)),
        ssh_args=("-p", "2222"),
        interface="eth0",
    ),
)


def settings(command: list[str], option: str = "--mca") -> dict[str, str]:
    return {command[at + 1]: command[at + 2] for at, word in enumerate(command) if word == option}


def exported(command: list[str]) -> Iterator[str]:
    return (value for option, value in pairwise(command) if option == "-x")


@pytest.mark.parametrize("mpirun", [FOUR, FIVE], ids=["4.1", "5"])
def test_the_ranks_are_this_python_and_know_socket_and_epoch(mpirun: Mpirun) -> None:
    command = build_command(mpirun, LOCAL, {})
    assert command[:3] == [str(mpirun.path), "-np", "3"]
    rank = [sys.executable, "-m", "fractal_kernel.world", "--socket", "/run/agent.sock", "--epoch", "7"]
    assert command[-len(rank) :] == rank


@pytest.mark.parametrize("mpirun", [FOUR, FIVE], ids=["4.1", "5"])
def test_a_local_world_uses_shared_memory_only_and_no_ssh(mpirun: Mpirun) -> None:
    command = build_command(mpirun, LOCAL, {})
    assert "tcp" not in settings(command)["btl"]
    assert not any("ssh" in word or word == "--host" for word in command)


def test_open_mpi_4_on_pods_keeps_names_pins_the_interface_and_notices_a_dead_peer() -> None:
    command = build_command(FOUR, PODS, {})
    assert command[command.index("--host") + 1] == "a.w.ns.svc:2,b.w.ns.svc:2"
    assert settings(command) == {
        "pml": "ob1",
        "pml_ob1_send_pipeline_depth": "32",
        "btl": "self,vader,tcp",
        "btl_vader_single_copy_mechanism": "none",
        "btl_vader_eager_limit": "32768",
        "orte_keep_fqdn_hostnames": "1",
        "oob_tcp_keepalive_time": "10",
        "oob_tcp_keepalive_intvl": "2",
        "oob_tcp_keepalive_probes": "3",
        "plm_rsh_agent": "ssh",
        "plm_rsh_args": "-p 2222",
        "btl_tcp_if_include": "eth0",
        "oob_tcp_if_include": "eth0",
        "orte_launch_agent": "find /dev/shm/world -mindepth 1 -delete ; orted",
        "orte_tmpdir_base": "/dev/shm/world",
        "btl_vader_backing_directory": "/dev/shm/world",
    }


def test_open_mpi_5_on_pods_says_the_same_in_its_own_names() -> None:
    command = build_command(FIVE, PODS, {})
    assert settings(command) == {
        "pml": "ob1",
        "pml_ob1_send_pipeline_depth": "32",
        "btl": "self,sm,tcp",
        "smsc": "^cma,knem,xpmem",
        "btl_sm_eager_limit": "32768",
        "btl_tcp_if_include": "eth0",
        "btl_sm_backing_directory": "/dev/shm/world",
    }
    assert settings(command, "--prtemca") == {
        "prte_keep_fqdn_hostnames": "1",
        "oob_tcp_keepalive_time": "10",
        "oob_tcp_keepalive_intvl": "2",
        "oob_tcp_keepalive_probes": "3",
        "plm_ssh_agent": "ssh",
        "plm_ssh_args": "-p 2222",
        "prte_if_include": "eth0",
        "prte_tmpdir_base": "/dev/shm/world",
    }


def test_our_own_settings_reach_the_ranks_and_others_do_not() -> None:
    environment = {"FRACTAL_LEDGER": "/l", "PYTHONPATH": "/p", "HOME": "/root", "REDIS_PASSWORD": "x"}
    names = set(exported(build_command(FOUR, LOCAL, environment)))
    assert {"FRACTAL_LEDGER", "PYTHONPATH", "OPENBLAS_NUM_THREADS=1"} <= names
    assert not {"HOME", "REDIS_PASSWORD"} & names


def test_mpirun_may_run_as_root_and_keeps_the_environment() -> None:
    assert build_environment({"HOME": "/root"}) == {
        "HOME": "/root",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }


@pytest.mark.parametrize(
    ("text", "major"),
    [
        pytest.param("mpirun (Open MPI) 4.1.4\n\nReport bugs to …", 4, id="4.1"),
        pytest.param("mpirun (Open MPI) 5.0.11\n", 5, id="5"),
        pytest.param("mpirun (Open MPI) 3.1.6\n", None, id="too old"),
        pytest.param("HYDRA build details:\n    Version: 4.0.2\n", None, id="MPICH"),
        pytest.param("", None, id="silence"),
    ],
)
def test_the_version_of_open_mpi_is_told_by_its_mpirun(text: str, major: int | None) -> None:
    assert parse_version(text) == major


def fake_mpirun(folder: Path, says: str) -> None:
    program = folder / "mpirun"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)


def test_the_mpirun_beside_this_python_comes_before_that_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, on_path = tmp_path / "venv", tmp_path / "bin"
    for folder, says in ((beside, "mpirun (Open MPI) 5.0.1"), (on_path, "mpirun (Open MPI) 4.1.4")):
        folder.mkdir()
        fake_mpirun(folder, says)
    environment = {"PATH": str(on_path)}
    monkeypatch.setattr(sys, "executable", str(beside / "python"))
    assert find_mpirun(environment) == Mpirun(path=beside / "mpirun", major=5)
    (beside / "mpirun").unlink()
    assert find_mpirun(environment) == Mpirun(path=on_path / "mpirun", major=4)


def test_an_mpirun_of_another_mpi_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_mpirun(tmp_path, "HYDRA build details:")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert find_mpirun({"PATH": str(tmp_path)}) is None
