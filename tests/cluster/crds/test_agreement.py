"""The API server and the parser think alike of any object, but for the differences listed here."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from support.crd_damage import damaged_jobs, damaged_worlds, decimal_texts
from support.crd_server import Server
from support.crd_tables import manifest, objection

from fractal_api.kinds import JOBS, NAMESPACES, Kind

# The server keeps nothing of what one example did: each is a dry run.
searched = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

DIFFERENCES = {
    "a-null-where-there-is-a-default": {"fractal": {"zoom": None}},
    "a-null-for-a-number": {"fractal": {}, "image": {"width": None}},
    "a-null-for-a-word": {"fractal": {}, "image": {"sampling": None}},
    "a-null-in-a-mapping": {"fractal": {}, "execution": {"worldSelector": {"matchLabels": {"tier": None}}}},
    "whole-samples-with-a-point": {"fractal": {}, "image": {"samples": 4.0}},
}
"""Specs that the API server accepts and the parser refuses: the server drops what is null, and stores 4 for 4.0."""


def agree(server: Server, kind: Kind, whole: dict[str, Any]) -> None:
    answer, words = server.create(kind, whole), objection(kind, whole)
    assert answer.accepted == (words is None), f"the API server: {answer.says or 'accepted'}; the parser: {words}"


@given(whole=damaged_jobs())
@searched
def test_both_think_alike_of_a_damaged_job(server: Server, whole: dict[str, Any]) -> None:
    agree(server, JOBS, whole)


@given(whole=damaged_worlds())
@searched
def test_both_think_alike_of_a_damaged_world(server: Server, whole: dict[str, Any]) -> None:
    agree(server, NAMESPACES, whole)


@given(text=decimal_texts(powers=(-300, 16_000)))
@searched
def test_both_compare_a_zoom_with_its_bounds_to_the_digit(server: Server, text: str) -> None:
    agree(server, JOBS, manifest(JOBS, {"fractal": {"zoom": text}}))


@given(text=decimal_texts(powers=(0, 308)))
@searched
def test_both_compare_a_coordinate_with_its_bounds(server: Server, text: str) -> None:
    agree(server, JOBS, manifest(JOBS, {"fractal": {"center": {"re": text, "im": "0"}}}))


@given(text=decimal_texts(powers=(0, 6)))
@searched
def test_both_compare_an_angle_with_its_bounds(server: Server, text: str) -> None:
    agree(server, JOBS, manifest(JOBS, {"fractal": {"rotation": text}}))


@given(text=decimal_texts(powers=(-100, 100)))
@searched
def test_both_compare_a_stretch_with_its_bounds(server: Server, text: str) -> None:
    agree(server, JOBS, manifest(JOBS, {"fractal": {"stretch": {"amount": text}}}))


@given(text=decimal_texts(powers=(-300, 308)))
@searched
def test_both_compare_the_zoom_of_a_legacy_picture_with_a_double(server: Server, text: str) -> None:
    legacy = {"fractal": {"zoom": text}, "image": {"sampling": "Legacy"}, "color": {"legacyMode": 0}}
    agree(server, JOBS, manifest(JOBS, legacy))


@pytest.mark.parametrize("text", [f"{'9' * 16_384}", f"0.{'0' * 15_999}1e15999", f"-{'1' * 16_384}"], ids=len)
def test_both_read_the_longest_texts(server: Server, text: str) -> None:
    agree(server, JOBS, manifest(JOBS, {"fractal": {"zoom": text}}))


@pytest.mark.parametrize("spec", DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_where_they_differ_the_server_stores_what_the_parser_accepts(server: Server, spec: dict[str, Any]) -> None:
    whole = manifest(JOBS, spec)
    answer = server.create(JOBS, whole)
    assert answer.accepted, answer.says
    assert objection(JOBS, whole) is not None
    assert objection(JOBS, {**whole, "spec": answer.body["spec"]}) is None
