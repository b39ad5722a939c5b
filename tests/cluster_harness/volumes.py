"""PersistentVolumes for claims: which folder to make, and what to tell the API server. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
PROVISIONER = "clusteredfractals.dev/host-path"
STORAGE_CLASS = "host-path"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
CHOSEN_BY_CLASS = "volume.kubernetes.io/storage-provisioner"
CHOSEN_NODE = "volume.kubernetes.io/selected-node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A folder on one node, to be made for one claim."""

    name: str
    path: str
    manifest: dict[str, Any]


def storage_class() -> dict[str, Any]:
    """The default class: a folder on the node where the first pod that wants it comes to lie."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def wanted(claim: Object, root: str) -> Volume | None:
    """The volume that the claim waits for us to make, or None."""
    metadata = claim["metadata"]
    notes = metadata.get("annotations") or {}
    node = notes.get(CHOSEN_NODE)
    if notes.get(CHOSEN_BY_CLASS) != PROVISIONER or not node or claim["spec"].get("volumeName"):
        return None
    name = f"pvc-{metadata['uid']}"
    path = f"{root}/{name}"
    manifest = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": claim["spec"].get("storageClassName", STORAGE_CLASS),
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            "hostPath": {"path": path, "type": "Directory"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [_only(node)]}},
        },
    }
    return Volume(name=name, path=path, manifest=manifest)


def given_back(volume: Object) -> bool:
    """Whether this is a volume of ours whose claim is gone."""
    ours = (volume["metadata"].get("annotations") or {}).get(PROVISIONED_BY) == PROVISIONER
    return ours and volume.get("status", {}).get("phase") == "Released"


def _only(node: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
