"""The parser against the tables that the API server is tested with: it accepts and refuses the same objects."""

import pytest
from support import crd_tables
from support.crd_tables import Accepted, Change, Refused

from fractal_api.fields import field_shape, fields_of
from fractal_api.jobs import FractalJobSpec
from fractal_api.kinds import JOBS, NAMESPACES
from fractal_api.manifests import parse

ACCEPTED = crd_tables.accepted()
REFUSED = crd_tables.refused()
CHANGES = crd_tables.changes("refused")


def by_id(case: Accepted | Refused | Change) -> str:
    return case.id


def test_the_tables_are_as_long_as_they_should_be() -> None:
    assert len(ACCEPTED) >= 20
    assert len(REFUSED) >= 50
    assert {case.kind for case in ACCEPTED} == {case.kind for case in REFUSED} == {JOBS, NAMESPACES}


@pytest.mark.parametrize("case", ACCEPTED, ids=by_id)
def test_the_parser_accepts_what_the_api_server_accepts(case: Accepted) -> None:
    assert crd_tables.objection(case.kind, case.manifest) is None


@pytest.mark.parametrize("case", ACCEPTED, ids=by_id)
def test_defaults_that_are_filled_in_change_nothing_for_the_parser(case: Accepted) -> None:
    stored = {**case.manifest, "spec": case.filled}
    assert parse(case.kind.model, case.manifest) == parse(case.kind.model, stored)


@pytest.mark.parametrize("case", REFUSED, ids=by_id)
def test_the_parser_refuses_what_the_api_server_refuses(case: Refused) -> None:
    assert crd_tables.objection(case.kind, case.manifest) is not None


@pytest.mark.parametrize("case", [*CHANGES, *crd_tables.changes("allowed")], ids=by_id)
def test_a_changed_job_is_a_valid_one_both_before_and_after(case: Change) -> None:
    assert crd_tables.objection(JOBS, case.before) is None
    assert crd_tables.objection(JOBS, case.after) is None


def test_every_field_that_defines_the_picture_is_changed_somewhere() -> None:
    paths = {
        f"{part}.{name}"
        for part in JOBS.fixed
        for name in fields_of(field_shape(fields_of(FractalJobSpec)[part]).models[0])
    }
    changed = {".".join(path.split(".")[:2]) for case in CHANGES for path in case.paths}
    assert paths - changed == set()
