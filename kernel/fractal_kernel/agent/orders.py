"""What is asked of an agent, and how it refuses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from fractal_api.canonical import canonical_spec, picture_key
from fractal_api.errors import FractalError, PermanentError, TemporaryError
from fractal_kernel.agent import stimuli as s
from fractal_kernel.agent.patience import OutOfPatience
from fractal_kernel.agent.phases import FINAL, Phase
from fractal_kernel.definition import Definition, define
from fractal_kernel.image.provenance import texts
from fractal_kernel.store.interface import RunKey

if TYPE_CHECKING:
    from fractal_api.jobs import FractalJobSpec
    from fractal_kernel.store.interface import StoredRun

MAX_ITERATIONS: Final = "maxIterations"
"""The fact, in the store, that says what `auto` came to."""


class Taken(TemporaryError):  # noqa: N818 - it names the state of the agent
    """Both places are taken; `runs` has them."""

    def __init__(self, runs: tuple[str, ...]) -> None:
        super().__init__(f"this agent has no place for another run: {' and '.join(runs)} {_are(runs)} on")
        self.runs = runs


class OtherPicture(PermanentError):  # noqa: N818 - it names what was asked for
    """An id that was used for one picture is put for another."""

    def __init__(self, run: str) -> None:
        super().__init__(f"run {run} is known here with another picture; an id stands for one picture for ever")


class Ending(TemporaryError):  # noqa: N818 - it names the state of the agent
    """The agent is about to end, and takes nothing."""

    def __init__(self) -> None:
        super().__init__("this agent is about to end; put the run to its successor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A run that is wanted: its key in the store, its picture's key, and the picture as numbers."""

    key: RunKey
    digest: str
    definition: Definition
    texts: Mapping[str, str]

    @property
    def tiles(self) -> int:
        """The number of its tiles."""
        return len(self.definition.frame.grid)

    @classmethod
    def of(cls, key: RunKey, spec: "FractalJobSpec") -> Self:
        """The order for a spec; DepthNotSupported when the kernel can't resolve it."""
        return cls(key=key, digest=picture_key(spec), definition=define(spec), texts=texts(canonical_spec(spec)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an attempt ended, as a fact in the store: what makes an id final also after the agent's death."""

    phase: Phase
    reason: str
    message: str

    def fact(self, attempt: int) -> dict[str, str]:
        """The fact to note."""
        words = {"phase": self.phase, "reason": self.reason, "message": self.message}
        return {_fact_name(attempt): json.dumps(words, separators=(",", ":"))}

    @classmethod
    def find(cls, stored: "StoredRun", attempt: int) -> Self | None:
        """How the attempt ended, if it did; what can't be read counts as not ended."""
        try:
            words = json.loads(stored.facts[_fact_name(attempt)])
            ended = cls(phase=Phase(words["phase"]), reason=str(words["reason"]), message=str(words["message"]))
        except (KeyError, TypeError, ValueError):
            return None
        return ended if ended.phase in FINAL else None


def loss_reason(error: FractalError) -> str:
    """The word for programs that says what the store did to a run."""
    cause = error.cause if isinstance(error, OutOfPatience) else error
    return type(cause).__name__


def how_it_stands(order: Order, stored: "StoredRun") -> s.Put | s.Recall:
    """What the store says of a run that is put here for the first time."""
    run, digest, tiles = order.key.id, order.digest, order.tiles
    if stored.result is not None:
        return s.Recall(run=run, digest=digest, tiles=tiles, phase=Phase.COMPLETE, result=stored.result)
    if ended := Ended.find(stored, order.key.attempt):
        return s.Recall(
            run=run, digest=digest, tiles=tiles, phase=ended.phase, reason=ended.reason, message=ended.message
        )
    return s.Put(
        run=run,
        digest=digest,
        tiles=tiles,
        stored=frozenset(tile for tile in stored.acknowledged if tile < tiles),
        max_iterations=_known_iterations(order, stored),
    )


def _known_iterations(order: Order, stored: "StoredRun") -> int | None:
    """What was asked for, or what `auto` came to, if an earlier world found out."""
    if order.definition.max_iterations is not None:
        return order.definition.max_iterations
    text = stored.facts.get(MAX_ITERATIONS, "")
    return int(text) if text.isdecimal() else None


def _fact_name(attempt: int) -> str:
    return f"ended-{attempt}"


def _are(runs: tuple[str, ...]) -> str:
    return "are" if len(runs) > 1 else "is"
