"""The product, put on a cluster: its images, its manifests, and what must then become ready."""

from typing import Final

from cluster_harness import builder, images, lock, project
from cluster_harness.cluster import Cluster
from cluster_harness.kubectl import Kubectl
from cluster_harness.progress import Progress

from trial import places, waits
from trial.target import Target

APPLY_S: Final = 120.0
IMAGE: Final = "clusteredfractals.dev/image-of-"
"""Annotations of the operator's Deployment: which build of an image runs, since a tag doesn't tell two apart."""

REDIS: Final = "redis"


def stages(*, own: bool) -> int:
    """How many stages `install` announces."""
    return (len(project.names()) + 2 if own else 0) + 1 + len(waits.INSTALLATION)


def install(target: Target, progress: Progress) -> None:
    """Install the product, or bring an installation up to date; return once all of it is ready."""
    built = _carried(target.own, progress) if target.own else {}
    progress.stage(f"kubectl apply -k {places.MANIFESTS.name}/")
    target.product("apply", f"--kustomize={places.MANIFESTS}", timeout_s=APPLY_S)
    _renew(target.product, built)
    for wait in waits.INSTALLATION:
        progress.stage(f"waiting for {wait.title}")
        waits.until_ready(target.product, wait, progress)


def _carried(own: Cluster, progress: Progress) -> dict[str, str]:
    """The images' names and identities, once they are built and on every node."""
    names: dict[str, str] = {}
    for name in project.names():
        progress.stage(f"image {name}")
        names[name] = project.build(name)
    progress.stage("image redis, a stand-in for the official one")
    names[REDIS] = builder.build_redis()
    progress.stage("images onto the nodes")
    with lock.held(own.layout.state, "load"):
        for image in names.values():
            progress.detail(image)
            images.load(own.layout, [image])
    return {name: images.identity(image) for name, image in names.items()}


def _renew(product: Kubectl, built: dict[str, str]) -> None:
    """Start again what runs an older build of its image."""
    deployment = product.get("deployment", waits.OPERATOR)
    annotations = deployment["metadata"].get("annotations", {})
    known = {name: annotations.get(f"{IMAGE}{name}") for name in built}
    for name, identity in built.items():
        if known[name] not in {None, identity}:
            _restart(product, name)
    if changed := [f"{IMAGE}{name}={identity}" for name, identity in built.items() if known[name] != identity]:
        product("annotate", "--overwrite", f"deployment/{waits.OPERATOR}", *changed)


def _restart(product: Kubectl, name: str) -> None:
    match name:
        case "operator":
            product("rollout", "restart", f"deployment/{waits.OPERATOR}", f"deployment/{waits.GATEWAY}")
        case "kernel":
            worlds = product("get", "fractalnamespaces", "--output=name").split()
            for world in worlds:  # runs go on from their tiles
                product("delete", "pods", "--all", f"--namespace={world.partition('/')[2]}", "--wait=false")
        case "redis":
            product("rollout", "restart", "statefulset/redis")
