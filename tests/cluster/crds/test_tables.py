"""The real API server against the tables: what it accepts and fills in, what it refuses, and in which words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support import crd_tables
from support.checkout import ROOT
from support.crd_server import Server
from support.crd_tables import PICTURE, Accepted, Change, Object, Refused

from fractal_api.kinds import JOBS

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def by_id(case: Accepted | Refused | Change) -> str:
    return case.id


@pytest.mark.parametrize("case", crd_tables.accepted(), ids=by_id)
def test_a_valid_object_is_accepted_and_its_defaults_are_filled_in(case: Accepted, server: Server) -> None:
    answer = server.create(case.kind, case.manifest)
    assert answer.accepted, answer.says
    assert answer.body["spec"] == case.filled


@pytest.mark.parametrize("case", crd_tables.refused(), ids=by_id)
def test_an_invalid_object_is_refused_with_a_sentence(case: Refused, server: Server) -> None:
    answer = server.create(case.kind, case.manifest)
    assert not answer.accepted
    assert case.says in answer.says
    assert "evaluating rule" not in answer.says, "a rule failed itself"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_every_example_is_accepted(example: Path, server: Server) -> None:
    for manifest in yaml.safe_load_all(example.read_text(encoding="utf-8")):
        answer = server.create(JOBS, manifest)
        assert answer.accepted, answer.says


@pytest.fixture
def stored(case: Change, server: Server) -> Iterator[Object]:
    """The job before its change, in the API server."""
    server.delete(JOBS, case.before)
    found = server.store(JOBS, case.before)
    yield found
    server.delete(JOBS, case.before)


def changed(case: Change, stored: Object) -> Object:
    """The job after its change, as a client would send it that read it before."""
    return {**case.after, "metadata": stored["metadata"]}


@pytest.mark.parametrize("case", crd_tables.changes("refused"), ids=by_id)
def test_what_defines_the_picture_can_t_change(case: Change, stored: Object, server: Server) -> None:
    answer = server.replace(JOBS, changed(case, stored))
    assert not answer.accepted
    assert f"spec.{case.part} can't be changed, added or removed later" in answer.says
    assert "make a new FractalJob" in answer.says


@pytest.mark.parametrize("case", crd_tables.changes("refused"), ids=by_id)
def test_nothing_but_the_change_was_wrong(case: Change, server: Server) -> None:
    answer = server.create(JOBS, case.after)
    assert answer.accepted, answer.says


@pytest.mark.parametrize("case", crd_tables.changes("allowed"), ids=by_id)
def test_how_a_job_is_run_may_change(case: Change, stored: Object, server: Server) -> None:
    answer = server.replace(JOBS, changed(case, stored))
    assert answer.accepted, answer.says
    assert {part: answer.body["spec"].get(part) for part in PICTURE} == {
        part: stored["spec"].get(part) for part in PICTURE
    }
