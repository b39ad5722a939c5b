"""The operator's token opens what the operator needs and nothing else; people have the rights that they should have.

Everything is asked with a token as one of its pods has it, and as a dry run: that passes authorization and admission,
and stores nothing even where a wall has a hole.
"""

from typing import Any

import pytest
from cluster_harness.errors import CommandError
from cluster_harness.kubectl import Kubectl
from support.product import WORLD, Account, Product

from fractal_api import GROUP, VERSION
from fractal_operator.core import names

pytestmark = pytest.mark.cluster

HOME = f"--namespace={names.OPERATOR_NAMESPACE}"
DRY = "--dry-run=server"
RBAC = "cannot "
NO = "1: no"
CAN = ("auth", "can-i")
ADMISSION = "operator may only"
ESCALATION = "attempting to grant RBAC permissions not currently held"
ALL_RIGHTS = "--clusterrole=cluster-admin"
WORLD_ADMIN = f"--clusterrole={names.WORLD_ADMIN_ROLE}"
WORLD_READER = f"--clusterrole={names.WORLD_READER_ROLE}"
TO_ITSELF = f"--serviceaccount={names.OPERATOR_NAMESPACE}:{names.OPERATOR}"
GIVEN = ("create", "--filename=-", DRY)


def world_namespace(name: str = "trial", owner: str | None = "trial", **labels: str) -> dict[str, Any]:
    """A world's Namespace as the operator makes it, or one that differs."""
    reference = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "FractalNamespace",
        "name": owner,
        "uid": "00000000-0000-0000-0000-000000000000",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    told = {names.WORLD_LABEL: name, "pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": told | {key.replace("__", "/"): value for key, value in labels.items()},
            "ownerReferences": [reference] if owner else [],
        },
    }


def stateful_set() -> dict[str, Any]:
    """Some workload."""
    labels = {"app": "trial"}
    container = {"name": "main", "image": "example.invalid/trial"}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "trial"},
        "spec": {
            "serviceName": "trial",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def event_of(kind: str, api_version: str) -> dict[str, Any]:
    about = {"apiVersion": api_version, "kind": kind, "namespace": "default", "name": "trial"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "trial.1", "namespace": "default"},
        "involvedObject": about,
        "reason": "Trial",
        "type": "Normal",
    }


def patch(*what: str, change: str) -> tuple[str, ...]:
    return ("patch", *what, "--type=merge", f"--patch={change}", DRY)


REFUSED: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "list all secrets": (("get", "secrets", "--all-namespaces"), None, RBAC),
    "read a secret of kube-system": (("get", "secret", "trial", "--namespace=kube-system"), None, RBAC),
    "list the secrets of its own namespace": (("get", "secrets", HOME), None, RBAC),
    "watch a world's secrets": ((*CAN, "watch", "secrets", f"--namespace={WORLD}"), None, NO),
    "create a pod elsewhere": (("run", "trial", "--image=trial", "--namespace=default", DRY), None, RBAC),
    "create a pod in a world": (("run", "trial", "--image=trial", f"--namespace={WORLD}", DRY), None, RBAC),
    "create a StatefulSet elsewhere": ((*GIVEN, "--namespace=default"), stateful_set(), RBAC),
    "enter a world's pod": (("exec", names.MASTER, f"--namespace={WORLD}", "--", "true"), None, RBAC),
    "read another namespace's logs": ((*CAN, "get", "pods", "--subresource=log", "--namespace=kube-system"), None, NO),
    "make a token": (("create", "token", names.GATEWAY, HOME), None, RBAC),
    "bind itself in kube-system": (
        ("create", "rolebinding", "trial", WORLD_ADMIN, TO_ITSELF, "--namespace=kube-system", DRY),
        None,
        ADMISSION,
    ),
    "bind itself at home": (("create", "rolebinding", "trial", WORLD_ADMIN, TO_ITSELF, HOME, DRY), None, ADMISSION),
    "bind all rights to itself in a world": (
        ("create", "rolebinding", "trial", ALL_RIGHTS, TO_ITSELF, f"--namespace={WORLD}", DRY),
        None,
        ESCALATION,
    ),
    "bind a stranger in a world": (
        (
            "create",
            "rolebinding",
            "trial",
            WORLD_ADMIN,
            "--serviceaccount=default:default",
            f"--namespace={WORLD}",
            DRY,
        ),
        None,
        ADMISSION,
    ),
    "let everybody read a world": (
        ("create", "rolebinding", "trial", WORLD_READER, "--group=system:authenticated", f"--namespace={WORLD}", DRY),
        None,
        ADMISSION,
    ),
    "bind itself in the whole cluster": (
        ("create", "clusterrolebinding", "trial", WORLD_ADMIN, TO_ITSELF, DRY),
        None,
        RBAC,
    ),
    "put its label on kube-system": (
        ("label", "namespace", "kube-system", f"{names.WORLD_LABEL}=kube-system", DRY),
        None,
        ADMISSION,
    ),
    "delete a namespace that isn't a world's": (
        ("delete", "namespace", names.OPERATOR_NAMESPACE, DRY),
        None,
        ADMISSION,
    ),
    "make a namespace without our label": (("create", "namespace", "trial", DRY), None, ADMISSION),
    "make a namespace that nobody owns": (GIVEN, world_namespace(owner=None), ADMISSION),
    "make a namespace of another world's": (GIVEN, world_namespace(owner="other"), ADMISSION),
    "make a namespace for privileged pods": (
        GIVEN,
        world_namespace(**{"pod-security.kubernetes.io__enforce": "privileged"}),
        ADMISSION,
    ),
    "let a world's pods do what they like": (
        ("label", "namespace", WORLD, "pod-security.kubernetes.io/enforce=privileged", "--overwrite", DRY),
        None,
        ADMISSION,
    ),
    "give itself another rule": (
        patch("clusterrole", names.OPERATOR, change='{"rules":[]}'),
        None,
        ADMISSION,
    ),
    "bind its role to somebody else": (
        patch("clusterrolebinding", names.OPERATOR, change='{"subjects":[]}'),
        None,
        ADMISSION,
    ),
    "add its rules to what every editor may do": (
        patch(
            "clusterrole",
            names.OPERATOR,
            change='{"metadata":{"labels":{"rbac.authorization.k8s.io/aggregate-to-edit":"true"}}}',
        ),
        None,
        ADMISSION,
    ),
    "annotate its binding": (
        patch("clusterrolebinding", names.OPERATOR, change='{"metadata":{"annotations":{"trial":"x"}}}'),
        None,
        ADMISSION,
    ),
    "keep its role for ever": (
        patch("clusterrole", names.OPERATOR, change='{"metadata":{"finalizers":["example.com/trial"]}}'),
        None,
        ADMISSION,
    ),
    "pull its images with another secret": (
        patch("serviceaccount", names.OPERATOR, HOME, change='{"imagePullSecrets":[{"name":"trial"}]}'),
        None,
        ADMISSION,
    ),
    "give its account a secret": (
        patch("serviceaccount", names.OPERATOR, HOME, change='{"secrets":[{"name":"trial"}]}'),
        None,
        ADMISSION,
    ),
    "change another role": (patch("clusterrole", "view", change='{"rules":[]}'), None, RBAC),
    "make another Lease at home": (
        (*GIVEN, HOME),
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "trial"}},
        ADMISSION,
    ),
    "make another Secret at home": (("create", "secret", "generic", "trial", HOME, DRY), None, ADMISSION),
    "tell events of other kinds": ((*GIVEN, "--namespace=default"), event_of("Pod", "v1"), ADMISSION),
    "lift its own confinement": (("delete", "validatingadmissionpolicybinding", names.OPERATOR, DRY), None, RBAC),
    "delete a world": (("delete", "fractalnamespace", WORLD, DRY), None, RBAC),
    "create a job": ((*CAN, "create", "fractaljobs", "--namespace=default"), None, NO),
}

GRANTED: dict[str, tuple[tuple[str, ...], Any]] = {
    "make a world's namespace": (GIVEN, world_namespace()),
    "apply a world's namespace": (("apply", "--server-side", "--filename=-", DRY), world_namespace()),
    "put a world's label back": (
        ("label", "namespace", WORLD, f"{names.WORLD_LABEL}={WORLD}", "--overwrite", DRY),
        None,
    ),
    "fill a world's namespace": (
        ("create", "secret", "generic", "trial", f"--namespace={WORLD}", DRY),
        None,
    ),
    "read a world's logs": (("logs", names.MASTER, f"--namespace={WORLD}", "--tail=1"), None),
    "tell of a job": ((*GIVEN, "--namespace=default"), event_of("FractalJob", f"{GROUP}/{VERSION}")),
    "let go of its role": (patch("clusterrole", names.OPERATOR, change='{"metadata":{"finalizers":[]}}'), None),
    "let go of its binding": (
        patch("clusterrolebinding", names.OPERATOR, change='{"metadata":{"finalizers":[]}}'),
        None,
    ),
    "let go of its account": (
        patch("serviceaccount", names.OPERATOR, HOME, change='{"metadata":{"finalizers":[]}}'),
        None,
    ),
}


@pytest.fixture
def operator(installed: Product) -> Account:
    return installed.with_token_of(names.OPERATOR)


@pytest.mark.parametrize("attempt", REFUSED)
def test_the_operators_token_is_refused_to(operator: Account, attempt: str) -> None:
    arguments, given, words = REFUSED[attempt]
    assert words in operator.refusal(*arguments, given=given)


@pytest.mark.parametrize("attempt", GRANTED)
def test_the_operators_token_is_enough_to(operator: Account, attempt: str) -> None:
    arguments, given = GRANTED[attempt]
    assert operator.refusal(*arguments, given=given) == ""


def test_nobody_else_is_confined(installed: Product) -> None:
    """An administrator may do what the operator's confinement refuses to the operator."""
    installed.home("create", "namespace", "trial", DRY)
    installed.home("label", "namespace", "kube-system", f"{names.WORLD_LABEL}=kube-system", DRY)


@pytest.mark.parametrize("account", ["default", "fractal-operator"])
def test_accounts_of_a_world_have_no_rights(installed: Product, account: str) -> None:
    refused = installed.as_account(account, WORLD).refusal("get", "pods", f"--namespace={WORLD}")
    assert RBAC in refused


def test_the_gateway_reads_a_worlds_logs_and_nobody_elses(installed: Product) -> None:
    gateway = installed.with_token_of(names.GATEWAY)
    gateway("logs", names.MASTER, f"--namespace={WORLD}", "--tail=1")
    assert RBAC in gateway.refusal("get", "pods", "--namespace=kube-system")
    assert RBAC in gateway.refusal("get", "secrets", f"--namespace={WORLD}")
    assert RBAC in gateway.refusal("get", "secrets", HOME)
    assert RBAC in gateway.refusal("delete", "pod", names.MASTER, f"--namespace={WORLD}", DRY)


def may(kubectl: Kubectl, user: str, verb: str, what: str, *where: str) -> bool:
    resource, _, part = what.partition("/")
    try:
        return kubectl(*CAN, verb, resource, f"--subresource={part}", f"--as={user}", *where).strip() == "yes"
    except CommandError:
        return False


@pytest.mark.parametrize(
    ("role", "changes"), [("view", False), ("edit", True), ("admin", True)], ids=["view", "edit", "admin"]
)
def test_kubernetes_own_roles_are_enough_for_jobs(
    installed: Product, kubectl: Kubectl, role: str, changes: bool
) -> None:
    del installed
    kubectl("create", "rolebinding", "trial", f"--clusterrole={role}", "--user=ann")
    for verb in ("get", "list", "watch"):
        assert may(kubectl, "ann", verb, "fractaljobs")
    for verb in ("create", "patch", "delete"):
        assert may(kubectl, "ann", verb, "fractaljobs") is changes
    assert not may(kubectl, "ann", "patch", "fractaljobs/status")
    assert not may(kubectl, "ann", "get", "fractaljobs", "--namespace=default")
    assert not may(kubectl, "ann", "patch", "fractalnamespaces")


def test_worlds_are_a_platform_admins(installed: Product, kubectl: Kubectl) -> None:
    binding = f"trial-{kubectl.namespace}"
    installed.home("create", "clusterrolebinding", binding, "--clusterrole=fractal-platform-admin", "--user=pat")
    try:
        for verb in ("get", "create", "patch", "delete"):
            assert may(kubectl, "pat", verb, "fractalnamespaces")
        assert may(kubectl, "pat", "patch", "fractalnamespaces/scale")
        assert not may(kubectl, "pat", "patch", "fractalnamespaces/status")
        assert not may(kubectl, "pat", "get", "secrets", HOME)
    finally:
        installed.home("delete", "clusterrolebinding", binding)
