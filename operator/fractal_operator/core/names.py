"""Names that more than one room needs: of objects, labels, annotations and ports."""

from typing import Any, Final

from fractal_api import GROUP

Object = dict[str, Any]
"""A Kubernetes object, as JSON has it."""

OPERATOR_NAMESPACE: Final = "clusteredfractals"
"""Where operator, gateway and Redis live, unless they are told otherwise."""

OPERATOR: Final = "fractal-operator"
"""The operator's Deployment, ServiceAccount, Lease and user agent."""

GATEWAY: Final = "fractal-gateway"
"""The gateway's Deployment, ServiceAccount and user agent."""

FIELD_MANAGER: Final = OPERATOR
"""Who owns what server-side apply wrote."""

INSTALL: Final = "clusteredfractals"
"""The installation's name in the keys of a result store, unless it is told otherwise."""

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "clusteredfractals"
WORLD_LABEL: Final = f"{GROUP}/world"
"""On everything that belongs to a world: its name. The admission policy confines the operator to namespaces with it."""

SERVER_GROUP_LABEL: Final = "app.kubernetes.io/name"
REVISION: Final = f"{GROUP}/revision"
"""An annotation of StatefulSets and pods: the hash of the template that they were made from."""

UNINSTALL_FINALIZER: Final = f"{GROUP}/uninstall"
"""Keeps the operator's rights until it has let go of its FractalNamespaces."""

WORLD_FINALIZER: Final = f"{GROUP}/operator"
"""kopf's finalizer on FractalNamespaces: the operator has to see them go."""

KEPT_BY_KOPF: Final = f"operator.{GROUP}"
"""The prefix of the annotations in which kopf keeps what its handlers did."""

FIRST_WORLD_MADE: Final = f"{GROUP}/first-world"
"""An annotation of the Lease: the first FractalNamespace was made, and is not made again."""

ARRIVAL: Final = f"{GROUP}/arrival"
"""An annotation of FractalJobs: when they arrived, finer than the second of their creationTimestamp (RFC 3339)."""

LIFT_QUARANTINE: Final = f"{GROUP}/lift-quarantine"
"""An annotation by which a person ends the quarantine of a FractalNamespace; the operator takes it away when it has."""

RETRY_OF: Final = f"{GROUP}/retry-of"
"""A label of FractalJobs: the name of the job that this one tries again."""

WORLD_SET: Final = "mpi-node"
"""A world's StatefulSet and headless Service; its pods are mpi-node-0, mpi-node-1, …"""

MASTER: Final = f"{WORLD_SET}-0"
"""The pod with agent and rank 0."""

AGENT_PORT: Final = 8000
SSH_PORT: Final = 2222

STORE_SECRET: Final = "fractal-store"  # noqa: S105 - the name of a Secret
"""The Redis users with their passwords, in the operator's namespace."""

GATEWAY_STORE_SECRET: Final = "fractal-store-gateway"  # noqa: S105 - the name of a Secret
"""The gateway's password alone, in the operator's namespace."""

WORLD_ADMIN_ROLE: Final = "fractal-world-admin"
"""The ClusterRole that the operator binds to itself in the namespaces that it made."""

WORLD_READER_ROLE: Final = "fractal-world-reader"
"""The ClusterRole that lets the gateway read the logs of a world's pods."""
