"""Who may do what in a world's namespace: the operator fills it, the gateway reads its logs."""

from collections.abc import Sequence

from fractal_operator.core.names import GATEWAY, OPERATOR, WORLD_ADMIN_ROLE, WORLD_READER_ROLE, Object
from fractal_operator.core.world_plan import WorldPlan


def build_role_bindings(plan: WorldPlan) -> Sequence[Object]:
    """The operator's RoleBinding, then the gateway's."""
    return (_bind(plan, OPERATOR, WORLD_ADMIN_ROLE), _bind(plan, GATEWAY, WORLD_READER_ROLE))


def _bind(plan: WorldPlan, account: str, role: str) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": plan.metadata(account),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": plan.home.namespace}],
    }
