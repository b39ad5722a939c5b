"""Objects with mistakes in them: what the API server and the parser must think alike of."""

import copy
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st
from support import crd_tables
from support.contract import spec_manifests

from fractal_api.constraints import DecimalRange
from fractal_api.fields import Place, Shape, fields_of, root
from fractal_api.kinds import JOBS, NAMESPACES, Kind

Object = dict[str, Any]

BOUNDS = (-300, -100, 0, 6, 100, 308, 16_000)


@st.composite
def decimal_texts(draw: st.DrawFn, powers: Sequence[int] = BOUNDS) -> str:
    """Decimal strings near powers of ten, by default the bounds of our fields, in any spelling; a few that are none."""
    power = draw(st.sampled_from(powers)) + draw(st.integers(-1, 1))
    digits = draw(st.sampled_from(["1", "10", "100", "9", "99", "101", "1000001", "0"]))
    point = draw(st.integers(0, len(digits)))
    zeros = draw(st.integers(0, 3))
    # with d digits before the point the first one counts 10^(d-1)
    exponent = power - (point - 1)
    before, after = "0" * zeros + digits[:point], digits[point:] + "0" * draw(st.integers(0, 3))
    if draw(st.booleans()):
        before, after, exponent = before or "0", "0" * zeros + after, exponent + zeros * (point == 0)
    dot = "." if after or draw(st.booleans()) else ""
    sign = draw(st.sampled_from(["", "", "+", "-"]))
    marker = draw(st.sampled_from(["e", "E", "e+"] if exponent >= 0 else ["e", "E"]))
    power_text = f"{marker}{exponent}" if exponent or draw(st.booleans()) else ""
    flaw = draw(st.sampled_from([""] * 12 + [" ", "x", "e", ".", "\n"]))
    return f"{sign}{before}{dot}{after}{power_text}{flaw}"


# Null is missing on purpose, and whole numbers written with a point: there the two differ, and a test lists how.
numbers = st.integers(-3, 300) | st.sampled_from([2**31 - 1, 2**31, 2**63, -(10**30), 1001, 4097, 65_537, 86_401])
broken_numbers = st.sampled_from([0.5, -0.25, 1e-7, 1e-6, 1e50, 1_000_000.5])
words = st.sampled_from(["auto", "Auto", "", "2Gi", "2GB", "#ff8800", "#ff88000", "batch", "system-x", "a b", "é"])
mappings = st.dictionaries(st.sampled_from(["re", "im", "amount", "cpu", "width", "matchLabels"]), decimal_texts())
color_lists = st.lists(st.sampled_from(["#000000", "#FFffff", "white", "#12345", 5]), max_size=4)
values = st.one_of(decimal_texts(), numbers, broken_numbers, st.booleans(), words, color_lists, mappings)


def likely(shape: Shape | None) -> st.SearchStrategy[Any]:
    """Values of the field's kind, within its bounds or not."""
    found = shape.alternatives[0] if shape else Shape(object)
    if found.constraint(DecimalRange):
        return decimal_texts()
    if isinstance(found.bare, type) and issubclass(found.bare, StrEnum):
        return st.sampled_from([str(word) for word in found.bare])
    return {int: numbers, float: numbers | broken_numbers, bool: st.booleans(), str: words}.get(found.bare, values)


def places(kind: Kind) -> list[Place]:
    """Every field of the kind's spec, and in each part one that doesn't exist."""
    return list(_places(root(kind.model).step("spec")))


def _places(part: Place) -> Iterator[Place]:
    for model in part.shape.models if part.shape else []:
        yield part.step("typo")
        for name in fields_of(model):
            yield part.step(name)
            yield from _places(part.step(name))


JOB_PLACES = places(JOBS)
WORLD_PLACES = places(NAMESPACES)
WORLDS = [case.manifest["spec"] for case in crd_tables.accepted() if case.kind is NAMESPACES]


@st.composite
def damaged_jobs(draw: st.DrawFn) -> Object:
    """A FractalJob with one to three fields changed, added or taken away."""
    return _damaged(draw, crd_tables.manifest(JOBS, draw(spec_manifests())), JOB_PLACES)


@st.composite
def damaged_worlds(draw: st.DrawFn) -> Object:
    """A FractalNamespace with one to three fields changed, added or taken away, under a proper or improper name."""
    name = draw(st.sampled_from(["w", "0", "ds-clmpi1", "a.b", "kube-x", "kubex", "a" * 63, "a" * 64]))
    return _damaged(draw, crd_tables.manifest(NAMESPACES, draw(st.sampled_from(WORLDS)), name), WORLD_PLACES)


def _damaged(draw: st.DrawFn, whole: Object, choice: list[Place]) -> Object:
    whole = copy.deepcopy(whole)
    for place in draw(st.lists(st.sampled_from(choice), min_size=1, max_size=3)):
        *parents, name = place.path.split(".")
        part: Any = whole
        for parent in parents:
            part = part.setdefault(parent, {}) if isinstance(part, dict) else None
        if not isinstance(part, dict):
            continue
        match draw(st.sampled_from(["gone", "likely", "likely", "likely", "anything"])):
            case "gone":
                part.pop(name, None)
            case "likely":
                part[name] = draw(likely(place.shape))
            case _:
                part[name] = draw(values)
    return whole
