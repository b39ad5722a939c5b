"""The FractalNamespace that a new installation begins with."""

from fractal_api import GROUP, VERSION
from fractal_operator.core import names
from fractal_operator.core.names import Object


def build_first_world(name: str, *, nodes: int, slots_per_node: int) -> Object:
    """A FractalNamespace of that size. It names no image: the operator's own choice goes with the operator."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "FractalNamespace",
        "metadata": {"name": name, "labels": {names.MANAGED_BY: names.MANAGER}},
        "spec": {"nodes": nodes, "slotsPerNode": slots_per_node},
    }
