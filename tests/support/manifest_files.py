"""The objects of manifests/, read as files: what can be said of them without any program of Kubernetes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from support.checkout import ROOT

Object = dict[str, Any]

MANIFESTS: Final = ROOT / "manifests"
BASE: Final = MANIFESTS / "base"
WORKLOADS: Final = ("Deployment", "StatefulSet")


def kustomization(folder: Path = BASE) -> Object:
    """A folder's kustomization.yaml."""
    content: Object = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return content


def objects(*kinds: str) -> list[Object]:
    """The objects of the base, as far as they are of one of the kinds; without kinds, all of them."""
    read = (each for name in kustomization()["resources"] for each in _documents(BASE / name))
    return [each for each in read if not kinds or each["kind"] in kinds]


def the(kind: str, name: str) -> Object:
    """The one object of that kind and name."""
    (found,) = [each for each in objects(kind) if each["metadata"]["name"] == name]
    return found


def containers(workload: Object) -> Iterator[Object]:
    """Every container of a workload's pods."""
    spec = workload["spec"]["template"]["spec"]
    yield from spec.get("initContainers", [])
    yield from spec["containers"]


def literals(name: str) -> dict[str, str]:
    """What a generated ConfigMap of the base holds."""
    (found,) = [each for each in kustomization()["configMapGenerator"] if each["name"] == name]
    return dict(line.split("=", 1) for line in found["literals"])


def _documents(file: Path) -> Iterator[Object]:
    yield from yaml.safe_load_all(file.read_text(encoding="utf-8"))
