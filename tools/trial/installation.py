"""The product, put on a cluster: its images, its manifests, and what must then become ready."""

from collections.abc import Collection, Mapping
from typing import Final

from cluster_harness import builder, images, lock, project
from cluster_harness.cluster import Cluster
from cluster_harness.kubectl import Kubectl
from cluster_harness.progress import Progress

from trial import places, waits
from trial.readiness import Object
from trial.target import Target

APPLY_S: Final = 120.0
REDIS: Final = "redis"


def stages(*, own: bool) -> int:
    """How many stages `install` announces."""
    return (len(project.names()) + 2 if own else 0) + 1 + len(waits.INSTALLATION)


def install(target: Target, progress: Progress) -> None:
    """Install the product, or bring an installation up to date; return once all of it is ready."""
    built = _carried(target.own, progress) if target.own else ()
    progress.stage(f"kubectl apply -k {places.MANIFESTS.name}/")
    target.product("apply", f"--kustomize={places.MANIFESTS}", timeout_s=APPLY_S)
    _renew(target.product, built)
    for wait in waits.INSTALLATION:
        progress.stage(f"waiting for {wait.title}")
        waits.until_ready(target.product, wait, progress)


def _carried(own: Cluster, progress: Progress) -> Collection[str]:
    """The images' names, once they are built and on every node."""
    built: list[str] = []
    for name in project.names():
        progress.stage(f"image {name}")
        with progress.ticking("buildah"):
            built.append(project.build(name))
    progress.stage("image redis, a stand-in for the official one")
    with progress.ticking("buildah"):
        built.append(builder.build_redis())
    progress.stage("images onto the nodes")
    with lock.held(own.layout.state, "load"):
        for image in built:
            with progress.ticking(image):
                images.load(own.layout, [image])
    return built


def _renew(product: Kubectl, images_built: Collection[str]) -> None:
    """Start again what runs an older build of an image: tags don't tell one build from the next."""
    built = {image: images.identity(image) for image in images_built}
    stale = [pod for pod in product.get("pods", "--all-namespaces")["items"] if is_stale(pod, built)]
    for name in sorted({_group(pod) for pod in stale if _home(pod) == places.NAMESPACE}):
        kind = "statefulset" if name == REDIS else "deployment"
        product("rollout", "restart", f"{kind}/{name}")
    for pod in stale:
        if _home(pod) != places.NAMESPACE:  # a world's; its run goes on from its tiles
            product("delete", "pod", pod["metadata"]["name"], f"--namespace={_home(pod)}", "--wait=false")


def is_stale(pod: Object, built: Mapping[str, str]) -> bool:
    """Whether a container of the pod runs another build of an image than the one that is there now."""
    return any(
        status["imageID"] and not status["imageID"].endswith(built.get(status["image"], ""))
        for status in pod["status"].get("containerStatuses", ())
    )


def _home(pod: Object) -> str:
    return str(pod["metadata"]["namespace"])


def _group(pod: Object) -> str:
    return str(pod["metadata"]["labels"]["app.kubernetes.io/name"])
