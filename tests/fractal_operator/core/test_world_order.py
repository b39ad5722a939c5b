"""What a FractalNamespace asks for, and whose a namespace is."""

import pytest
from support.operator_worlds import HOME, UID, world_object, world_plan

from fractal_api.conditions import NamespaceReason
from fractal_operator.core.claim import judge
from fractal_operator.core.world_order import read_order


def test_an_order_is_what_the_spec_says() -> None:
    order = read_order(world_object(nodes=3, image="mine:1", drain=True), HOME)

    assert order.plan is not None
    assert (order.plan.nodes, order.plan.slots, order.plan.image) == (3, 1, "mine:1")
    assert order.spec.drain
    assert order.leaving_at is None


def test_the_operators_image_is_for_worlds_that_name_none() -> None:
    assert world_plan().image == HOME.image


def test_a_spec_that_makes_no_sense_is_a_refusal_with_the_fields_name() -> None:
    order = read_order(world_object(nodes=-1), HOME)

    assert order.plan is None
    assert order.refusal is not None
    assert order.refusal.reason is NamespaceReason.INVALID_SPEC
    assert "spec.nodes" in order.refusal.message


def test_a_world_with_a_foreign_status_is_read_all_the_same() -> None:
    assert read_order({**world_object(), "status": {"conditions": 7}}, HOME).plan is not None


def test_a_deletion_counts_from_when_it_was_asked_for() -> None:
    leaving = world_object()
    leaving["metadata"]["deletionTimestamp"] = "1970-01-01T00:01:00Z"

    assert read_order(leaving, HOME).leaving_at == 60


@pytest.mark.parametrize("value", ["now", ""])
def test_the_end_of_a_quarantine_is_asked_for_by_an_annotation_of_any_value(value: str) -> None:
    lifting = world_object()
    lifting["metadata"]["annotations"] = {"clusteredfractals.dev/lift-quarantine": value}

    assert read_order(lifting, HOME).lifts_quarantine
    assert not read_order(world_object(), HOME).lifts_quarantine


def owner(uid: str, kind: str = "FractalNamespace") -> dict[str, object]:
    return {"apiVersion": "clusteredfractals.dev/v1alpha1", "kind": kind, "name": "w1", "uid": uid}


LABELS = {"clusteredfractals.dev/world": "w1"}
GOING = {"deletionTimestamp": "2026-11-27T07:00:00Z"}


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"ownerReferences": [owner(UID)]}, None),
        ({"ownerReferences": [owner(UID)], **GOING}, NamespaceReason.NAMESPACE_TERMINATING),
        ({"ownerReferences": [owner("another")], **GOING}, NamespaceReason.NAMESPACE_TERMINATING),
        ({"ownerReferences": [owner("another")]}, NamespaceReason.NAMESPACE_CONFLICT),
        ({"labels": LABELS}, NamespaceReason.NAMESPACE_CONFLICT),
        (GOING, NamespaceReason.NAMESPACE_CONFLICT),
        ({}, NamespaceReason.NAMESPACE_CONFLICT),
    ],
    ids=["own", "own, going", "a predecessor's", "another's", "a label only", "foreign, going", "foreign"],
)
def test_a_namespace_is_a_worlds_own_by_its_owners_uid_alone(
    metadata: dict[str, object], reason: NamespaceReason | None
) -> None:
    refusal = judge({"metadata": {"name": "w1", **metadata}}, world_plan())

    assert (refusal.reason if refusal else None) == reason


def test_nobody_is_advised_to_delete_a_namespace_that_may_be_the_operators_own() -> None:
    refusal = judge({"metadata": {"name": "w1"}}, world_plan())

    assert refusal is not None
    assert "delete" not in refusal.message
    assert "make a FractalNamespace of another name" in refusal.message
