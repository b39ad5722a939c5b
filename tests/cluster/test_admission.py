"""What the API server refuses, and what it writes down."""

import json
from pathlib import Path
from typing import Any

import pytest
from cluster_harness import samples, wait
from cluster_harness.api import Api
from cluster_harness.cluster import Cluster
from cluster_harness.errors import CommandError, RefusalError
from cluster_harness.kubectl import Kubectl
from cluster_harness.pki import kubeconfig


def pod(image: str, **security: object) -> dict[str, Any]:
    container = {"name": "main", "image": image, "args": ["idle"], "securityContext": security}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "guest"},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }


def node_api(cluster: Cluster, folder: Path) -> Api:
    """A client with the certificate of node-1; its own kubeconfig leads to an address that only the cluster has."""
    file = folder / "kubeconfig"
    file.write_text(kubeconfig(cluster.layout.pki, "node-1", f"https://127.0.0.1:{cluster.record.ports['api']}"))
    return Api(file)


def test_pod_security_refuses_what_its_level_forbids_and_admits_what_it_allows(kubectl: Kubectl, probe: str) -> None:
    kubectl("label", "namespace", kubectl.namespace, "pod-security.kubernetes.io/enforce=restricted")
    with pytest.raises(CommandError, match=r'violates PodSecurity "restricted:latest".*runAsNonRoot'):
        kubectl.apply(pod(probe))
    kubectl.apply(pod(probe, **samples.QUIET))
    kubectl.await_condition("condition=Ready", "pod/guest", timeout_s=30)


def test_a_validating_admission_policy_refuses_with_its_own_sentence(kubectl: Kubectl) -> None:
    name = f"no-secrets-{kubectl.namespace}"
    here = {"matchLabels": {"kubernetes.io/metadata.name": kubectl.namespace}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "object.metadata.name != 'forbidden'", "message": "not this name, please"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here}},
    }
    kubectl.apply(policy, binding)
    words = ""

    def refused() -> bool:
        nonlocal words
        try:
            kubectl("create", "configmap", "forbidden", "--dry-run=server")
        except CommandError as error:
            words = str(error)
            return True
        return False

    try:
        wait.until(refused, what="the policy's effect", timeout_s=20)
        assert "not this name, please" in words
        kubectl("create", "configmap", "allowed")
    finally:
        kubectl("delete", f"validatingadmissionpolicy/{name}", f"validatingadmissionpolicybinding/{name}")


def test_a_node_may_not_change_another_node(own_cluster: Cluster, tmp_path: Path) -> None:
    node = node_api(own_cluster, tmp_path)
    change = {"metadata": {"labels": {"tried": "yes"}}, "apiVersion": "v1", "kind": "Node"}
    node.apply("/api/v1/nodes/node-1", change)
    with pytest.raises(RefusalError, match="not allowed to modify node") as refusal:
        node.apply("/api/v1/nodes/node-2", change)
    assert refusal.value.status == 403


def test_a_node_may_not_read_a_secret_that_none_of_its_pods_uses(
    own_cluster: Cluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    kubectl("create", "secret", "generic", "private", "--from-literal=key=value")
    with pytest.raises(RefusalError, match="no relationship found") as refusal:
        node_api(own_cluster, tmp_path).get(f"/api/v1/namespaces/{kubectl.namespace}/secrets/private")
    assert refusal.value.status == 403


def test_an_account_without_roles_may_do_nothing(kubectl: Kubectl) -> None:
    with pytest.raises(CommandError, match="cannot list resource"):
        kubectl("get", "pods", f"--as=system:serviceaccount:{kubectl.namespace}:default")


def test_each_request_is_in_the_audit_log_with_who_made_it_and_without_its_body(
    own_cluster: Cluster, kubectl: Kubectl
) -> None:
    kubectl("create", "configmap", "noted", "--from-literal=key=the-body")
    found: list[dict[str, Any]] = []

    def written() -> bool:
        found[:] = [event for event in _events(own_cluster) if _is_about(event, kubectl.namespace, "noted")]
        return bool(found)

    wait.until(written, what="the audit event", timeout_s=10)
    assert [event["level"] for event in found] == ["Metadata"]
    assert found[0]["user"]["username"] == "admin"
    assert found[0]["verb"] == "create"
    assert "the-body" not in own_cluster.layout.audit_log.read_text()


def _events(cluster: Cluster) -> list[dict[str, Any]]:
    whole_lines = cluster.layout.audit_log.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole_lines.splitlines()]


def _is_about(event: dict[str, Any], namespace: str, name: str) -> bool:
    about = event.get("objectRef", {})
    return (about.get("namespace"), about.get("name")) == (namespace, name)
