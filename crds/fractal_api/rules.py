"""Rules between fields: tables that the parser and the CRD's generator both read.

A rule stands where it sees everything that it speaks of, since a rule inside an optional part doesn't see that part
missing. Its `cel` is the same rule for the API server, which has filled in the defaults of single fields by then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

_Model = TypeVar("_Model", bound=BaseModel)

BROKEN = "rules"
"""The type of the pydantic error that broken rules give; its context has them under `breaches`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[_Model]):
    """One rule: the field at fault, what it must be or have, the rule in CEL, and a look at a model.

    `cel` is None where CEL can't say it. `breach` gives what the model says instead, or None when it keeps the rule.
    """

    field: str
    must: str
    cel: str | None
    breach: Callable[[_Model], str | None]

    @property
    def message(self) -> str:
        """The rule as a sentence, for the API server."""
        return f"{self.field} must {self.must}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A broken rule: the field at fault, what it must be, and what was given."""

    field: str
    must: str
    given: str

    @property
    def rest(self) -> str:
        """The sentence about it, but for the field's name at its beginning."""
        return f"must {self.must}, but got {self.given}"


def breaches(rules: Sequence[Rule[_Model]], model: _Model) -> list[Breach]:
    """The rules that a model breaks, in the table's order."""
    found = ((rule, rule.breach(model)) for rule in rules)
    return [Breach(field=rule.field, must=rule.must, given=given) for rule, given in found if given is not None]


def keep(rules: Sequence[Rule[_Model]], model: _Model) -> _Model:
    """The model, when it keeps the rules; otherwise an error for pydantic to collect."""
    if broken := breaches(rules, model):
        sentences = "; ".join(f"{breach.field} {breach.rest}" for breach in broken)
        raise PydanticCustomError(BROKEN, "{sentences}", {"sentences": sentences, "breaches": broken})
    return model
