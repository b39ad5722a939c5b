"""The tables of objects that the API server and the parser accept or refuse: tests/data/crds."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from support.checkout import ROOT
from support.contract import API_VERSION

from fractal_api.errors import SpecError
from fractal_api.kinds import JOBS, KINDS, Kind
from fractal_api.manifests import parse

Object = dict[str, Any]

FOLDER: Final = ROOT / "tests" / "data" / "crds"
PICTURE: Final = JOBS.fixed
"""The parts of a job that define its picture."""

_KINDS: Final = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An object that is accepted, and the spec that it becomes."""

    id: str
    kind: Kind
    manifest: Object
    filled: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An object that is refused, and a part of what the API server says about it."""

    id: str
    kind: Kind
    manifest: Object
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a job that exists."""

    id: str
    before: Object
    after: Object
    paths: frozenset[str]

    @property
    def part(self) -> str:
        """The part of the spec that changes, the first one if there are more."""
        return next(part for part in (*PICTURE, "execution", "") if any(path.startswith(part) for path in self.paths))


def manifest(kind: Kind, spec: Object | None, name: str = "guest") -> Object:
    """An object of that kind; without a spec when that is None."""
    whole: Object = {"apiVersion": API_VERSION, "kind": kind.name, "metadata": {"name": name}}
    return whole if spec is None else {**whole, "spec": spec}


def accepted() -> list[Accepted]:
    """Each valid object, of every kind."""
    return [
        Accepted(id=name, kind=_kind(entry), manifest=_manifest(entry), filled=entry.get("filled", entry["spec"]))
        for name, entry in _table("valid").items()
    ]


def refused() -> list[Refused]:
    """Each invalid object, of every kind."""
    return [
        Refused(id=name, kind=_kind(entry), manifest=_manifest(entry), says=entry["says"])
        for name, entry in _table("invalid").items()
    ]


def changes(table: str) -> list[Change]:
    """Each change of the table `refused` or `allowed`."""
    whole = _table("changes")
    return [
        Change(
            id=name,
            before=manifest(JOBS, copy.deepcopy(whole["jobs"][entry["of"]])),
            after=manifest(JOBS, _changed(whole["jobs"][entry["of"]], entry["set"])),
            paths=frozenset(entry["set"]),
        )
        for name, entry in whole[table].items()
    ]


def objection(kind: Kind, whole: Mapping[str, Any]) -> str | None:
    """What the parser says against a manifest; None when it accepts it."""
    try:
        parse(kind.model, whole)
    except SpecError as error:
        return str(error)
    return None


def _table(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded


def _kind(entry: Object) -> Kind:
    return _KINDS[entry.get("kind", JOBS.name)]


def _manifest(entry: Object) -> Object:
    return manifest(_kind(entry), entry["spec"], entry.get("name", "guest"))


def _changed(spec: Object, values: Mapping[str, Any]) -> Object:
    """A copy of the spec with the values in their places; None takes a field away."""
    copied = copy.deepcopy(spec)
    for path, value in values.items():
        *parents, name = path.split(".")
        part = copied
        for parent in parents:
            part = part[parent]
        if value is None:
            del part[name]
        else:
            part[name] = value
    return copied
