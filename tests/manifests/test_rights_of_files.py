"""The rights in manifests/: no more than was thought over, and with the names that the operator's code has."""

from typing import Any

import pytest
from support.manifest_files import objects, the

from fractal_api import GROUP
from fractal_operator.core import names

OPERATOR = f"system:serviceaccount:{names.OPERATOR_NAMESPACE}:{names.OPERATOR}"
CONFINEMENT = the("ValidatingAdmissionPolicy", names.OPERATOR)
ROLES = [role["metadata"]["name"] for role in objects("ClusterRole")]
Rule = dict[str, Any]


def rules(role: str) -> list[Rule]:
    found: list[Rule] = the("ClusterRole", role)["rules"]
    return found


def verbs(role: str, resource: str) -> set[str]:
    """What the role allows with any object of the resource."""
    return {
        verb
        for rule in rules(role)
        if resource in rule["resources"] and "resourceNames" not in rule
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("role", ROLES)
def test_no_role_has_a_wildcard(role: str) -> None:
    for rule in rules(role):
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        assert not {"escalate", "impersonate"} & set(rule["verbs"])


def test_secrets_are_read_nowhere_but_in_worlds_and_by_name_at_home() -> None:
    reading = [role for role in ROLES if verbs(role, "secrets")]
    assert reading == [names.WORLD_ADMIN_ROLE]
    (at_home,) = [
        rule
        for rule in the("Role", names.OPERATOR)["rules"]
        if "secrets" in rule["resources"] and "get" in rule["verbs"]
    ]
    assert at_home["resourceNames"] == [names.STORE_SECRET, names.GATEWAY_STORE_SECRET]
    assert verbs(names.WORLD_ADMIN_ROLE, "secrets") == {"get", "create", "delete"}


def test_the_operator_may_bind_two_roles_and_no_other() -> None:
    (bind,) = [rule for rule in rules(names.OPERATOR) if "bind" in rule["verbs"]]
    assert bind["resources"] == ["clusterroles"]
    assert bind["resourceNames"] == [names.WORLD_ADMIN_ROLE, names.WORLD_READER_ROLE]


@pytest.mark.parametrize("resource", ["pods", "services", "statefulsets", "networkpolicies"])
def test_outside_of_worlds_the_operator_only_looks_at_what_a_world_consists_of(resource: str) -> None:
    assert verbs(names.OPERATOR, resource) == {"list", "watch"}


@pytest.mark.parametrize("resource", ["pods", "pods/log"])
def test_the_gateway_only_reads_in_a_world(resource: str) -> None:
    assert verbs(names.WORLD_READER_ROLE, resource) <= {"get", "list"}


@pytest.mark.parametrize("kind", ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"])
def test_the_rights_stay_until_the_operator_lets_go(kind: str) -> None:
    assert the(kind, names.OPERATOR)["metadata"]["finalizers"] == [names.UNINSTALL_FINALIZER]
    others = [each for each in objects(kind) if each["metadata"]["name"] != names.OPERATOR]
    assert not [each for each in others if "finalizers" in each["metadata"]]


def test_people_get_their_rights_by_kubernetes_own_roles() -> None:
    assert the("ClusterRole", "fractal-view")["metadata"]["labels"] == {
        "rbac.authorization.k8s.io/aggregate-to-view": "true"
    }
    assert the("ClusterRole", "fractal-edit")["metadata"]["labels"] == {
        "rbac.authorization.k8s.io/aggregate-to-edit": "true"
    }
    assert "labels" not in the("ClusterRole", "fractal-platform-admin")["metadata"]
    assert verbs("fractal-edit", "fractalnamespaces") == set()
    assert verbs("fractal-edit", "fractaljobs") == {"create", "update", "patch", "delete", "deletecollection"}
    assert "patch" in verbs("fractal-platform-admin", "fractalnamespaces/scale")


def test_nobody_but_the_operator_writes_a_status() -> None:
    writing = {"update", "patch"}
    for kind in ("fractaljobs/status", "fractalnamespaces/status"):
        assert [role for role in ROLES if verbs(role, kind) & writing] == [names.OPERATOR]


def test_the_confinement_is_in_force_and_concerns_the_operator_alone() -> None:
    (condition,) = CONFINEMENT["spec"]["matchConditions"]
    assert condition["expression"] == f"request.userInfo.username == '{OPERATOR}'"
    assert CONFINEMENT["spec"]["failurePolicy"] == "Fail"
    (rule,) = CONFINEMENT["spec"]["matchConstraints"]["resourceRules"]
    assert (rule["apiGroups"], rule["resources"], rule["operations"]) == (["*"], ["*/*"], ["*"])
    binding = the("ValidatingAdmissionPolicyBinding", names.OPERATOR)
    assert binding["spec"] == {"policyName": names.OPERATOR, "validationActions": ["Deny"]}


def test_the_confinement_knows_the_names_of_the_code() -> None:
    said = str(CONFINEMENT["spec"]["variables"]) + str(CONFINEMENT["spec"]["validations"])
    for name in (
        names.WORLD_LABEL,
        names.OPERATOR_NAMESPACE,
        names.OPERATOR,
        names.GATEWAY,
        names.STORE_SECRET,
        names.GATEWAY_STORE_SECRET,
        names.WORLD_ADMIN_ROLE,
        names.WORLD_READER_ROLE,
        GROUP,
    ):
        assert name in said


def test_each_refusal_is_a_sentence() -> None:
    for validation in CONFINEMENT["spec"]["validations"]:
        assert validation["message"].endswith(".")
        assert "operator may only" in validation["message"]
        assert validation["reason"] == "Forbidden"
