"""What a person sees of our kinds with kubectl: names, columns, texts, scale."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cluster_harness import wait
from cluster_harness.cluster import Cluster
from cluster_harness.errors import CommandError
from cluster_harness.kubectl import Kubectl
from support.crd_server import Server, place
from support.crd_tables import Object, manifest

from fractal_api.kinds import JOBS, KINDS, NAMESPACES, Kind

_MERGE = "application/merge-patch+json"


@pytest.fixture
def kubectl(own_cluster: Cluster, server: Server) -> Kubectl:  # noqa: ARG001 - the CRDs must be there
    return Kubectl(own_cluster)


@pytest.fixture
def job(server: Server) -> Iterator[Object]:
    """A job half done, as the operator would have it."""
    whole = manifest(JOBS, {"fractal": {"zoom": "1e50"}, "execution": {"priority": 7}}, "half-done")
    server.delete(JOBS, whole)
    server.store(JOBS, whole)
    status = {
        "phase": "Running",
        "assignedTo": "ds-clmpi1",
        "attempts": 2,
        "progress": {"percent": 40, "tilesDone": 2, "tilesTotal": 5, "etaSeconds": 93},
        "conditions": [{"type": "Assigned", "status": "True", "message": "to ds-clmpi1"}],
    }
    yield _with_status(server, JOBS, whole, status)
    server.delete(JOBS, whole)


@pytest.fixture
def world(server: Server) -> Iterator[Object]:
    """A world half there."""
    whole = manifest(NAMESPACES, {}, "half-there")
    server.delete(NAMESPACES, whole)
    server.store(NAMESPACES, whole)
    status = {
        "nodes": 4,
        "readyNodes": 3,
        "slots": 6,
        "selector": "world=half-there",
        "currentJob": "art/seahorse",
        "conditions": [{"type": "Ready", "status": "False", "reason": "PodsStarting"}],
    }
    yield _with_status(server, NAMESPACES, whole, status)
    server.delete(NAMESPACES, whole)


def _with_status(server: Server, kind: Kind, whole: Object, status: Object) -> Object:
    answer = server.ask("PATCH", f"{place(kind, whole)}/status", {"status": status}, kind=_MERGE)
    assert answer.accepted, answer.says
    return answer.body


def table(printed: str) -> list[dict[str, str]]:
    """The rows of what `kubectl get` printed, by the names of their columns; columns are two spaces apart."""
    head, *rows = printed.splitlines()
    names = re.findall(r"\S+(?: \S+)*", head)
    starts = [head.index(name) for name in names]
    ends = [*starts[1:], None]
    return [
        {name: row[start:end].strip() for name, start, end in zip(names, starts, ends, strict=True)} for row in rows
    ]


def test_a_list_of_jobs_says_how_far_where_and_how_long(kubectl: Kubectl, job: Object) -> None:  # noqa: ARG001 - listed
    (row,) = [row for row in table(kubectl("get", "fj")) if row["NAME"] == "half-done"]
    assert re.fullmatch(r"\d+s", row.pop("AGE"))
    assert row == {
        "NAME": "half-done",
        "PHASE": "Running",
        "DONE%": "40",
        "ETA(S)": "93",
        "WORLD": "ds-clmpi1",
        "TOOK(S)": "",
    }


def test_a_wide_list_of_jobs_says_why_as_well(kubectl: Kubectl, job: Object) -> None:  # noqa: ARG001 - listed
    (row,) = [row for row in table(kubectl("get", "fj", "--output=wide")) if row["NAME"] == "half-done"]
    wide = {name: row[name] for name in ("PRIORITY", "ZOOM", "ATTEMPTS", "ASSIGNMENT", "FAILED FOR")}
    assert wide == {"PRIORITY": "7", "ZOOM": "1e50", "ATTEMPTS": "2", "ASSIGNMENT": "to ds-clmpi1", "FAILED FOR": ""}


def test_a_list_of_worlds_says_what_is_ready_and_what_runs(kubectl: Kubectl, world: Object) -> None:  # noqa: ARG001 - listed
    (row,) = [row for row in table(kubectl("get", "fns")) if row["NAME"] == "half-there"]
    assert re.fullmatch(r"\d+s", row.pop("AGE"))
    assert row == {
        "NAME": "half-there",
        "READY": "False",
        "REASON": "PodsStarting",
        "NODES": "4",
        "UP": "3",
        "SLOTS": "6",
        "JOB": "art/seahorse",
    }


def test_fractals_are_all_our_kinds(kubectl: Kubectl, job: Object, world: Object) -> None:  # noqa: ARG001 - listed
    listed = kubectl("get", "fractals", "--output=name").split()
    assert "fractaljob.clusteredfractals.dev/half-done" in listed
    assert "fractalnamespace.clusteredfractals.dev/half-there" in listed


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kubectl_knows_a_kind_by_all_its_names(kubectl: Kubectl, kind: Kind) -> None:
    for name in kind.names:
        kubectl("get", name)


def test_a_world_is_scaled_like_a_deployment(kubectl: Kubectl, server: Server, world: Object) -> None:
    scale = server.ask("GET", f"{place(NAMESPACES, world)}/scale").body
    assert scale["spec"] == {"replicas": 4}
    assert scale["status"] == {"replicas": 4, "selector": "world=half-there"}
    kubectl("scale", "fns/half-there", "--replicas=7", "--current-replicas=4")
    assert kubectl.get("fns/half-there")["spec"]["nodes"] == 7


def test_a_world_is_not_scaled_beyond_its_bounds(kubectl: Kubectl, world: Object) -> None:  # noqa: ARG001 - scaled
    with pytest.raises(CommandError, match=r"spec\.nodes must be a whole number from 0 to 1000"):
        kubectl("scale", "fns/half-there", "--replicas=1001")


def test_who_writes_the_status_can_t_write_the_spec(server: Server, job: Object) -> None:
    other = {**job, "spec": {"fractal": {"zoom": "2"}}, "status": {"phase": "Complete"}}
    answer = server.ask("PUT", f"{place(JOBS, job)}/status", other)
    assert answer.accepted, answer.says
    assert (answer.body["spec"], answer.body["status"]) == (job["spec"], {"phase": "Complete"})


def test_who_writes_the_spec_can_t_write_the_status(server: Server, job: Object) -> None:
    answer = server.replace(JOBS, {**job, "status": {"phase": "Complete"}})
    assert answer.accepted, answer.says
    assert answer.body["status"] == job["status"]


EXPLAINED = {
    "fj": "One picture of the Mandelbrot set or of a Julia set",
    "fj.spec": "Can't be changed later",
    "fj.spec.fractal": "Quote it: unquoted, YAML reads it as a number",
    "fj.spec.fractal.zoom": 'such as "1e50". Default: "0.4".',
    "fj.spec.image.width": "Must be a whole number from 1 to 65536. Default: 1024.",
    "fj.spec.color.colors": "the last leads to the first",
    "fj.status.progress": "Tiles that the store has acknowledged.",
    "fns.spec.allowedNamespaces.matchExpressions": "The label's key.",
    "fns.spec.template.resources.limits": "What each pod may use, by resource.",
    "fns.status": "MPI ranks that answer.",
}


@pytest.mark.parametrize(("field", "says"), EXPLAINED.items(), ids=EXPLAINED.keys())
def test_kubectl_explains_a_field(kubectl: Kubectl, field: str, says: str) -> None:
    printed: list[str] = []

    def told() -> bool:
        """The API server publishes a new schema a moment after it serves it."""
        try:
            printed[:] = [" ".join(kubectl("explain", field).split())]
        except CommandError:
            return False
        return True

    wait.until(told, what=f"a text about {field}", timeout_s=30)
    assert says in printed[0]


def test_a_mistyped_manifest_is_refused_before_anything_is_stored(kubectl: Kubectl) -> None:
    typo: Any = manifest(JOBS, {"fractal": {}, "image": {"widht": 5}}, "mistyped")
    with pytest.raises(CommandError, match=r'unknown field "spec\.image\.widht"'):
        kubectl("create", "--filename=-", given=json.dumps(typo))
    with pytest.raises(CommandError, match="not found"):
        kubectl("get", "fj/mistyped")
