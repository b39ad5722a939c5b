"""Our kinds, as Kubernetes knows them: their names, what a list of them shows, and the rules that each keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

from fractal_api.job_rules import JOB_RULES
from fractal_api.jobs import FractalJob
from fractal_api.namespaces import NAMESPACE_RULES, FractalNamespace
from fractal_api.rules import Rule

CATEGORY: Final = "fractals"
"""`kubectl get fractals` lists all our kinds."""


class Scope(StrEnum):
    """Where objects of a kind live."""

    NAMESPACED = "Namespaced"
    CLUSTER = "Cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of `kubectl get`; a wide one is shown with `-o wide`."""

    name: str
    path: str
    type: str = "string"
    description: str
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where /scale finds the wanted number, the number that there is, and the selector of what is counted."""

    wanted: str
    actual: str
    selector: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind. `rules` stand at `rules_at` ("" is the root); `fixed` are parts of the spec that never change."""

    model: type[BaseModel]
    plural: str
    short_name: str
    scope: Scope
    rules: Sequence[Rule[Any]]
    rules_at: str
    fixed: tuple[str, ...] = ()
    columns: tuple[Column, ...]
    scale: Scale | None = None

    @property
    def name(self) -> str:
        """The kind as a manifest writes it."""
        return self.model.__name__

    @property
    def singular(self) -> str:
        """The kind as kubectl writes it."""
        return self.name.lower()

    @property
    def names(self) -> tuple[str, ...]:
        """What kubectl knows the kind by."""
        return self.singular, self.plural, self.short_name


def _condition(condition: str, member: str) -> str:
    return f'.status.conditions[?(@.type=="{condition}")].{member}'


_AGE: Final = Column(name="Age", path=".metadata.creationTimestamp", type="date", description="Since its creation.")

JOBS: Final = Kind(
    model=FractalJob,
    plural="fractaljobs",
    short_name="fj",
    scope=Scope.NAMESPACED,
    rules=JOB_RULES,
    rules_at="spec",
    fixed=("fractal", "image", "color"),
    columns=(
        Column(name="Phase", path=".status.phase", description="The state in one word."),
        Column(name="Done%", path=".status.progress.percent", type="integer", description="Share of the work done."),
        Column(
            name="ETA(s)",
            path=".status.progress.etaSeconds",
            type="integer",
            description="Estimated seconds until the picture is complete.",
        ),
        Column(name="World", path=".status.assignedTo", description="The FractalNamespace that renders it."),
        Column(
            name="Took(s)", path=".status.result.seconds", type="number", description="Seconds that the picture took."
        ),
        _AGE,
        Column(
            name="Priority",
            path=".spec.execution.priority",
            type="integer",
            description="Jobs of higher priority are assigned first.",
            wide=True,
        ),
        Column(name="Zoom", path=".spec.fractal.zoom", description="One over the height of the view.", wide=True),
        Column(
            name="Attempts",
            path=".status.attempts",
            type="integer",
            description="How often it was assigned.",
            wide=True,
        ),
        Column(
            name="Assignment",
            path=_condition("Assigned", "message"),
            description="What the condition Assigned says: where it runs, or why it waits.",
            wide=True,
        ),
        Column(
            name="Failed for",
            path=_condition("Failed", "message"),
            description="What the condition Failed says.",
            wide=True,
        ),
    ),
)

NAMESPACES: Final = Kind(
    model=FractalNamespace,
    plural="fractalnamespaces",
    short_name="fns",
    scope=Scope.CLUSTER,
    rules=NAMESPACE_RULES,
    rules_at="",
    columns=(
        Column(name="Ready", path=_condition("Ready", "status"), description="Whether the world takes runs."),
        Column(name="Reason", path=_condition("Ready", "reason"), description="Why it does or doesn't."),
        Column(name="Nodes", path=".spec.nodes", type="integer", description="Pods that are wanted."),
        Column(name="Up", path=".status.readyNodes", type="integer", description="Pods that are ready."),
        Column(name="Slots", path=".status.slots", type="integer", description="MPI ranks that answer."),
        Column(name="Job", path=".status.currentJob", description="The FractalJob that runs here."),
        _AGE,
        Column(name="Image", path=".spec.image", description="Image of the pods.", wide=True),
        Column(
            name="Message",
            path=_condition("Ready", "message"),
            description="What the condition Ready says.",
            wide=True,
        ),
    ),
    scale=Scale(wanted=".spec.nodes", actual=".status.nodes", selector=".status.selector"),
)

KINDS: Final = (JOBS, NAMESPACES)
