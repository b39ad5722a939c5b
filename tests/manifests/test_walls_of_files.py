"""The NetworkPolicies of the installation's namespace; that they are enforced is shown on a cluster."""

from typing import Any

import pytest
from support.manifest_files import WORKLOADS, objects, the

from fractal_operator.core import names

PORTS = {names.OPERATOR: {8081}, names.GATEWAY: {8080, 9090}, "redis": {6379}}


def policies_of(workload: dict[str, Any]) -> list[dict[str, Any]]:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    return [each for each in objects("NetworkPolicy") if _selects(each["spec"]["podSelector"], labels)]


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))


def test_what_no_policy_opens_is_closed_both_ways() -> None:
    assert the("NetworkPolicy", "nobody")["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("workload", objects(*WORKLOADS), ids=lambda each: each["metadata"]["name"])
def test_a_workload_is_reached_at_its_ports_only(workload: dict[str, Any]) -> None:
    opened = {
        port["port"]
        for policy in policies_of(workload)
        for rule in policy["spec"].get("ingress", [])
        for port in rule["ports"]
    }
    assert opened == PORTS[workload["metadata"]["name"]]


def test_the_store_is_open_to_worlds_operator_gateway_and_invited_namespaces() -> None:
    (rule,) = the("NetworkPolicy", "redis")["spec"]["ingress"]
    pods, worlds, invited = rule["from"]
    assert pods["podSelector"]["matchExpressions"][0]["values"] == [names.OPERATOR, names.GATEWAY]
    assert worlds == {"namespaceSelector": {"matchExpressions": [{"key": names.WORLD_LABEL, "operator": "Exists"}]}}
    assert invited == {"namespaceSelector": {"matchLabels": {"clusteredfractals.dev/store-access": "true"}}}


def test_the_store_calls_nobody() -> None:
    redis = the("StatefulSet", "redis")
    assert [rule for policy in policies_of(redis) for rule in policy["spec"].get("egress", [])] == []


def test_the_operator_reaches_agents_and_only_in_worlds() -> None:
    (rule,) = the("NetworkPolicy", names.OPERATOR)["spec"]["egress"]
    assert [port["port"] for port in rule["ports"]] == [names.AGENT_PORT]
    (peer,) = rule["to"]
    assert peer == {"namespaceSelector": {"matchExpressions": [{"key": names.WORLD_LABEL, "operator": "Exists"}]}}
