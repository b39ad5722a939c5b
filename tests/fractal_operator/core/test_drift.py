"""Somebody else's changes are noticed, and taken back; what the API server itself adds is not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from fractal_operator.core.drift import correction, essence
from fractal_operator.core.names import FIELD_MANAGER

Object = dict[str, Any]

WANTED: Object = {
    "kind": "StatefulSet",
    "metadata": {"name": "s", "labels": {"ours": "1"}, "ownerReferences": [{"uid": "u", "name": "w"}]},
    "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}},
}
LIVE: Object = {
    **copy.deepcopy(WANTED),
    "metadata": {
        **copy.deepcopy(WANTED["metadata"]),
        "resourceVersion": "7",
        "managedFields": [{"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}],
    },
    "status": {"replicas": 1},
}


def live(**spec: object) -> Object:
    return {**copy.deepcopy(LIVE), "spec": {**copy.deepcopy(LIVE["spec"]), **spec}}


def foreign(fields: Object, **more: object) -> Object:
    return {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields, **more}


def managed(obj: Object, *entries: Object) -> Object:
    obj["metadata"]["managedFields"] += entries
    return obj


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda obj: obj["spec"].update(replicas=1), True),
        (lambda obj: obj["spec"].update(paused=True), True),
        (lambda obj: obj["metadata"]["labels"].update(ours="2"), True),
        (lambda obj: obj["metadata"]["labels"].clear(), True),
        (lambda obj: obj["metadata"].update(ownerReferences=[]), True),
        (lambda obj: obj["metadata"]["labels"].update(theirs="1"), False),
        (lambda obj: obj["metadata"].update(resourceVersion="8"), False),
        (lambda obj: obj.update(status={"replicas": 2}), False),
    ],
    ids=["value", "new field", "label", "no label", "owner", "their label", "version", "status"],
)
def test_what_is_ours_to_say_is_compared(change: Callable[[Object], object], noticed: bool) -> None:
    changed = live()
    change(changed)

    assert (essence(changed, WANTED) != essence(LIVE, WANTED)) is noticed


def test_nothing_is_corrected_where_nobody_else_wrote() -> None:
    assert correction(WANTED, LIVE) is None


def test_a_field_that_somebody_added_is_taken_away() -> None:
    found = managed(live(paused=True), foreign({"f:spec": {"f:paused": {}}}))

    assert correction(WANTED, found) == {"spec": {"paused": None}}


def test_a_list_that_somebody_added_to_is_said_again_as_a_whole() -> None:
    fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"c"}': {"f:env": {}}}}}}}
    found = managed(live(), foreign(fields))

    patch = correction(WANTED, found)

    assert patch == {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}}


def test_several_writers_are_corrected_together() -> None:
    one = foreign({"f:spec": {"f:template": {"f:spec": {"f:hostNetwork": {}}}}})
    other = foreign({"f:spec": {"f:paused": {}}})
    found = live(paused=True)
    found["spec"]["template"]["spec"]["hostNetwork"] = True

    patch = correction(WANTED, managed(found, one, other))

    assert patch == {"spec": {"paused": None, "template": {"spec": {"hostNetwork": None}}}}


def test_the_controllers_status_is_nobodys_change() -> None:
    found = managed(live(), foreign({"f:status": {"f:replicas": {}}}, subresource="status"))

    assert correction(WANTED, found) is None


def test_a_namespaces_own_finalizers_stay() -> None:
    wanted = {"kind": "Namespace", "metadata": {"name": "w"}}
    found = managed(live(), foreign({"f:spec": {"f:finalizers": {}}}))

    assert correction(wanted, found) is None
