from pathlib import Path

import pytest

from fractal_kernel.pod.master import plan_environment
from fractal_kernel.pod.place import NoPlace, Place, read_place

POD = {"FRACTAL_POD": "mpi-node-3", "FRACTAL_NODES": "4", "FRACTAL_SLOTS": "2"}


def test_a_pod_learns_its_place_from_its_name() -> None:
    place = read_place(POD)

    assert (place.world_set, place.ordinal, place.nodes, place.slots) == ("mpi-node", 3, 4, 2)
    assert place.service == "mpi-node"
    assert place.secrets == Path("/etc/fractal")


def test_hosts_are_named_so_that_any_clusters_dns_completes_them() -> None:
    assert read_place({**POD, "FRACTAL_NODES": "2"}).hosts == ("mpi-node-0.mpi-node", "mpi-node-1.mpi-node")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"FRACTAL_POD": "mpi-node"}, "FRACTAL_POD"),
        ({"FRACTAL_POD": "mpi-node-01"}, "FRACTAL_POD"),
        ({"FRACTAL_NODES": ""}, "FRACTAL_NODES"),
        ({"FRACTAL_NODES": "0"}, "FRACTAL_NODES"),
        ({"FRACTAL_SLOTS": "two"}, "FRACTAL_SLOTS"),
        ({"FRACTAL_SLOTS": "²"}, "FRACTAL_SLOTS"),
    ],
    ids=str,
)
def test_a_wrong_variable_is_named(wrong: dict[str, str], named: str) -> None:
    with pytest.raises(NoPlace, match=named):
        read_place(POD | wrong)


def test_the_hosts_name_does_where_no_variable_tells_the_pods() -> None:
    assert read_place({**POD, "FRACTAL_POD": "", "HOSTNAME": "mpi-node-1"}).ordinal == 1


def place(nodes: int) -> Place:
    return read_place({**POD, "FRACTAL_POD": "mpi-node-0", "FRACTAL_NODES": str(nodes)})


def test_the_agent_of_several_pods_is_told_of_all_of_them_itself_first() -> None:
    told = plan_environment(place(3), {}, "redis://store")

    assert told["FRACTAL_HOSTS"] == "mpi-node-0.mpi-node:2,mpi-node-1.mpi-node:2,mpi-node-2.mpi-node:2"
    assert told["FRACTAL_RANKS"] == "6"
    assert told["FRACTAL_INTERFACE"] == "eth0"
    assert "-i /etc/fractal/user" in told["FRACTAL_SSH_ARGS"]
    assert "StrictHostKeyChecking=yes" in told["FRACTAL_SSH_ARGS"]
    assert "UserKnownHostsFile=/etc/fractal/known_hosts" in told["FRACTAL_SSH_ARGS"]


def test_the_agent_of_one_pod_needs_no_ssh() -> None:
    told = plan_environment(place(1), {}, "redis://store")

    assert told["FRACTAL_RANKS"] == "2"
    assert not {"FRACTAL_HOSTS", "FRACTAL_SSH_ARGS", "FRACTAL_SCRATCH"} & told.keys()


def test_what_the_pod_was_given_wins() -> None:
    given = {"FRACTAL_INTERFACE": "net1", "FRACTAL_STORE": "", "HOME": "/tmp"}

    told = plan_environment(place(2), given, "redis://store")

    assert (told["FRACTAL_INTERFACE"], told["FRACTAL_STORE"], told["HOME"]) == ("net1", "redis://store", "/tmp")
