"""FractalNamespaces and what belongs to them, as the API server shows them."""

from typing import Any

from fractal_operator.builders.pod_template import SECRET_DIGEST
from fractal_operator.core.names import REVISION, WORLD_SET
from fractal_operator.core.world_order import Order, read_order
from fractal_operator.core.world_plan import Home, WorldPlan, WorldSecret
from fractal_operator.core.world_scene import PodSeen, SetSeen

UID = "11111111-2222-3333-4444-555555555555"
HOME = Home(
    namespace="clusteredfractals", image="docker.io/clusteredfractals/kernel:0.1.0", install="clusteredfractals"
)
SECRET = WorldSecret(name="mpi-node-0123456789ab", digest="feedfacefeedface", token="t0ken")  # noqa: S106 - nobody's

Object = dict[str, Any]


def world_object(name: str = "w1", *, uid: str = UID, **spec: Any) -> Object:  # noqa: ANN401 - any field
    """A FractalNamespace of two pods with one slot each, unless `spec` says otherwise."""
    return {
        "apiVersion": "clusteredfractals.dev/v1alpha1",
        "kind": "FractalNamespace",
        "metadata": {"name": name, "uid": uid, "generation": 1, "resourceVersion": "1"},
        "spec": {"nodes": 2, "slotsPerNode": 1, **spec},
    }


def world_order(name: str = "w1", **spec: Any) -> Order:  # noqa: ANN401 - any field
    return read_order(world_object(name, **spec), HOME)


def world_plan(name: str = "w1", **spec: Any) -> WorldPlan:  # noqa: ANN401 - any field
    plan = world_order(name, **spec).plan
    assert plan is not None
    return plan


def seen_pod(number: int, *, revision: str = "r1", ready: bool = True, **more: Any) -> PodSeen:  # noqa: ANN401 - any field
    given = {"ip": f"10.0.0.{number}", "trouble": "" if ready else "is not ready yet", **more}
    return PodSeen(name=f"{WORLD_SET}-{number}", uid=f"uid-{number}", revision=revision, ready=ready, **given)


def seen_set(*, revision: str = "r1", replicas: int = 2, **more: Any) -> SetSeen:  # noqa: ANN401 - any field
    return SetSeen(revision=revision, replicas=replicas, **more)


def pod_object(world: str, number: int, *, revision: str, ready: bool = True, ip: str = "", **more: Any) -> Object:  # noqa: ANN401 - any field
    """A pod that runs."""
    name = f"{WORLD_SET}-{number}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": world,
            "uid": more.get("uid", f"{name}-uid"),
            "resourceVersion": str(more.get("version", 1)),
            "labels": {"controller-revision-hash": f"{WORLD_SET}-{revision}"},
            "annotations": {REVISION: revision, SECRET_DIGEST: "x"},
        },
        "spec": {"nodeName": "node-1"},
        "status": {
            "podIP": ip or f"10.0.0.{number}",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"restartCount": more.get("restarts", 0), "state": {"running": {}}}],
        },
    }
