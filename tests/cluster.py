"""A real Kubernetes on this machine, for the tests and for trying things out.

Run it with --help; `cluster_harness` tells how it is made.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence

from cluster_harness import binary, cluster, faults, images, life, lock, packages, power, project
from cluster_harness.choice import current_cluster, current_kubeconfig
from cluster_harness.errors import ClusterError
from cluster_harness.layout import DEFAULT_NODES, Layout
from cluster_harness.progress import Progress

Command = Callable[[argparse.Namespace], None]


def say(text: str) -> None:
    """One line to standard output."""
    sys.stdout.write(f"{text}\n")


def up(asked: argparse.Namespace) -> None:
    """Bring a cluster up."""
    if current := current_kubeconfig():
        say(f"FRACTAL_CLUSTER=current: the cluster of {current} is used, and nothing is started")
        return
    life.up(Layout(node_count=asked.nodes), Progress(life.STAGES))


def build(_: argparse.Namespace) -> None:
    """Build Kubernetes, and then the images, ahead of `up` and the tests; what can't be built is for those to say."""
    if current_kubeconfig():
        return
    if shutil.which("go"):
        binary.build(binary.find(), lambda _: None)
    if not packages.missing(project.BUILDERS):
        project.build_all()


def down(_: argparse.Namespace) -> None:
    """Take the cluster down."""
    _own("down")
    life.down()


def status(_: argparse.Namespace) -> None:
    """Say what is up."""
    _own("status")
    found = cluster.find()
    ready = found.ready()
    for machine in found.layout.machines:
        stopped = power.held(machine)
        notes = ["on" if power.is_on(machine) else "switched off", f"stopped: {', '.join(stopped)}" if stopped else ""]
        if machine.name in ready:
            notes.append("Ready" if ready[machine.name] else "not Ready")
        say(f"{machine.name:10} {machine.address:12} {'; '.join(note for note in notes if note)}".rstrip())
    say(f"kubeconfig {found.kubeconfig}")
    say(f"gateway    {found.gateway}")
    say(f"audit log  {found.layout.audit_log}")


def load(asked: argparse.Namespace) -> None:
    """Carry images to the nodes."""
    _own("load")
    found = cluster.find()
    with lock.held(found.layout.state, "load"):
        images.load(found.layout, asked.image)


def kubeconfig(_: argparse.Namespace) -> None:
    """Print the path of the kubeconfig."""
    say(str(current_kubeconfig() or cluster.find().kubeconfig))


def kubectl(asked: argparse.Namespace) -> None:
    """Become kubectl."""
    command = (current_cluster() or cluster.find()).kubectl(*asked.arguments)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted: kubectl takes this process's place


def power_off(asked: argparse.Namespace) -> None:
    """Switch a node off."""
    faults.power_off(_own_cluster(), asked.node)


def partition(asked: argparse.Namespace) -> None:
    """Cut a node off."""
    faults.partition(_own_cluster(), asked.node)


def kill_kubelet(asked: argparse.Namespace) -> None:
    """Kill a node's kubelet."""
    faults.stop_service(_own_cluster(), asked.node, "kubelet")


def stop(asked: argparse.Namespace) -> None:
    """Stop any service of any machine."""
    faults.stop_service(_own_cluster(), asked.machine, asked.service)


def repair(asked: argparse.Namespace) -> None:
    """Make a machine whole."""
    faults.repair(_own_cluster(), asked.machine)


def _own(verb: str) -> None:
    if current := current_kubeconfig():
        raise ClusterError(f"`{verb}` is for the harness's own cluster, and FRACTAL_CLUSTER=current means {current}")


def _own_cluster() -> cluster.Cluster:
    _own("fault")
    return cluster.find()


def parser() -> argparse.ArgumentParser:
    """What the command line may be."""
    top = argparse.ArgumentParser(prog="cluster.py", description="A real Kubernetes on this machine.")
    verbs = top.add_subparsers(required=True, metavar="COMMAND")
    upping = _add(verbs, "up", up, "bring a cluster up (12 minutes the first time, then half a minute at most)")
    upping.add_argument(
        "--nodes", type=int, default=DEFAULT_NODES, help=f"nodes that run pods (default {DEFAULT_NODES})"
    )
    _add(verbs, "build", build, "build Kubernetes, if that was not done, so that `up` is quick")
    _add(verbs, "down", down, "take it down; nothing of it goes on running")
    _add(verbs, "status", status, "say which machines are up, and where to reach them")
    loading = _add(verbs, "load", load, "carry images from buildah's store, or archives, to every node")
    loading.add_argument("image", nargs="+", help="an image's name, or a file made by docker save or buildah push")
    _add(verbs, "kubeconfig", kubeconfig, "print the path of its kubeconfig")
    asking = _add(verbs, "kubectl", kubectl, "run kubectl against it")
    asking.add_argument("arguments", nargs=argparse.REMAINDER)
    _add_faults(
        verbs.add_parser("fault", help="break a machine, or repair it").add_subparsers(required=True, metavar="FAULT")
    )
    return top


def _add_faults(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, command, text in (
        ("power-off", power_off, "pull a node's plug"),
        ("partition", partition, "pull a node's network cable"),
        ("kill-kubelet", kill_kubelet, "kill a node's kubelet and keep it from starting"),
    ):
        _add(kinds, name, command, text).add_argument("node")
    stopping = _add(kinds, "stop", stop, "kill any service of any machine, such as `control etcd`")
    stopping.add_argument("machine")
    stopping.add_argument("service")
    _add(kinds, "repair", repair, "undo every fault of a machine").add_argument("machine")


def _add(
    to: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, command: Command, text: str
) -> argparse.ArgumentParser:
    added = to.add_parser(name, help=text, description=text)
    added.set_defaults(command=command)
    return added


def main(words: Sequence[str]) -> int:
    """Run one command; 1 with one sentence on standard error when it can't be done."""
    asked = parser().parse_args(words)
    try:
        asked.command(asked)
    except ClusterError as error:
        sys.stderr.write(f"cluster: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
