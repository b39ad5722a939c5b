"""Where the API server keeps things: paths of collections; an object's path is its collection's, and its name."""

from typing import Final

from fractal_api import GROUP, VERSION

_OURS: Final = f"/apis/{GROUP}/{VERSION}"
_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"

NAMESPACES: Final = "/api/v1/namespaces"
WORLDS: Final = f"{_OURS}/fractalnamespaces"
ALL_JOBS: Final = f"{_OURS}/fractaljobs"
DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CLUSTER_ROLES: Final = f"{_RBAC}/clusterroles"
CLUSTER_ROLE_BINDINGS: Final = f"{_RBAC}/clusterrolebindings"
TOKEN_REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - a path
ACCESS_REVIEWS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


def jobs(namespace: str) -> str:
    """FractalJobs of a namespace."""
    return f"{_OURS}/namespaces/{namespace}/fractaljobs"


def events(namespace: str) -> str:
    """Kubernetes Events of a namespace."""
    return f"{NAMESPACES}/{namespace}/events"


def pods(namespace: str) -> str:
    """Pods of a namespace."""
    return f"{NAMESPACES}/{namespace}/pods"


def secrets(namespace: str) -> str:
    """Secrets of a namespace."""
    return f"{NAMESPACES}/{namespace}/secrets"


def services(namespace: str) -> str:
    """Services of a namespace."""
    return f"{NAMESPACES}/{namespace}/services"


def service_accounts(namespace: str) -> str:
    """ServiceAccounts of a namespace."""
    return f"{NAMESPACES}/{namespace}/serviceaccounts"


def stateful_sets(namespace: str) -> str:
    """StatefulSets of a namespace."""
    return f"/apis/apps/v1/namespaces/{namespace}/statefulsets"


def network_policies(namespace: str) -> str:
    """NetworkPolicies of a namespace."""
    return f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"


def role_bindings(namespace: str) -> str:
    """RoleBindings of a namespace."""
    return f"{_RBAC}/namespaces/{namespace}/rolebindings"


def leases(namespace: str) -> str:
    """Leases of a namespace."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
