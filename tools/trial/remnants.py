"""What of an installation is still on a cluster, whoever should have taken it away."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cluster_harness.errors import CommandError
from cluster_harness.kubectl import Kubectl

from fractal_api import GROUP, VERSION
from fractal_operator.core import names
from trial import places

DEFINITIONS: Final = (f"fractaljobs.{GROUP}", f"fractalnamespaces.{GROUP}")
WORLDS: Final = f"/apis/{GROUP}/{VERSION}/fractalnamespaces"
RIGHTS: Final = (
    f"serviceaccount/{names.OPERATOR}",
    f"clusterrole/{names.OPERATOR}",
    f"clusterrolebinding/{names.OPERATOR}",
)
"""What the uninstall finalizer is on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remnants:
    """Names of what is still there."""

    definitions: Sequence[str]
    worlds: Sequence[str]
    """FractalNamespaces."""

    rights: Sequence[str]
    """Kind and name of those with our finalizer."""

    world_namespaces: Sequence[str]
    product_namespace: Sequence[str]

    def __bool__(self) -> bool:
        return any(self._lists())

    @property
    def held(self) -> bool:
        """Whether anything is there that only a finalizer of the operator's can be keeping."""
        return bool(self.worlds or self.rights)

    def sentence(self) -> str:
        """What there is, in a few words."""
        kinds = ("definition", "FractalNamespace", "", "namespace", "namespace")
        return ", ".join(
            f"{kind} {name}".strip() for kind, found in zip(kinds, self._lists(), strict=True) for name in found
        )

    def _lists(self) -> Iterator[Sequence[str]]:
        yield from (self.definitions, self.worlds, self.rights, self.world_namespaces, self.product_namespace)


def look(kubectl: Kubectl) -> Remnants:
    """What is there now; `kubectl` is one of the product's namespace."""
    return Remnants(
        definitions=_present(kubectl, "customresourcedefinition", DEFINITIONS),
        worlds=[found["metadata"]["name"] for found in _worlds(kubectl)],
        rights=[right for right in RIGHTS if _has_finalizer(kubectl, right)],
        world_namespaces=[found["metadata"]["name"] for found in _world_namespaces(kubectl)],
        product_namespace=_present(kubectl, "namespace", (places.NAMESPACE,)),
    )


def _present(kubectl: Kubectl, kind: str, wanted: Sequence[str]) -> list[str]:
    printed = kubectl("get", kind, *wanted, "--ignore-not-found", "--output=name")
    return [line.partition("/")[2] for line in printed.split()]


def _worlds(kubectl: Kubectl) -> Sequence[Mapping[str, Any]]:
    try:
        found: Sequence[Mapping[str, Any]] = json.loads(kubectl("get", f"--raw={WORLDS}"))["items"]
    except CommandError as error:
        if "could not find the requested resource" in str(error) or "NotFound" in str(error):
            return ()  # the kind is gone, and so are all of it
        raise
    return found


def _has_finalizer(kubectl: Kubectl, right: str) -> bool:
    printed = kubectl("get", right, "--ignore-not-found", "--output=json")
    return bool(printed) and names.UNINSTALL_FINALIZER in json.loads(printed)["metadata"].get("finalizers", ())


def _world_namespaces(kubectl: Kubectl) -> Iterator[Mapping[str, Any]]:
    """Those that a FractalNamespace owns: a label alone proves nothing."""
    for found in kubectl.get("namespaces", f"--selector={names.WORLD_LABEL}")["items"]:
        owners = found["metadata"].get("ownerReferences", ())
        if any(owner["kind"] == "FractalNamespace" and owner["apiVersion"].startswith(f"{GROUP}/") for owner in owners):
            yield found
