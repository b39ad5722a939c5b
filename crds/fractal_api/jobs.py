"""FractalJob: one picture, asked for and reported on."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, model_validator

from fractal_api.conditions import Condition
from fractal_api.constraints import Part, StatusPart
from fractal_api.job_rules import JOB_RULES
from fractal_api.metadata import LabelSelector, ObjectMeta
from fractal_api.picture import ColorPart, FractalPart, ImagePart, Palette, Sampling
from fractal_api.rules import Rule, keep

LEGACY_ITERATIONS: Final = 128
"""maxIterations of a Legacy picture that doesn't say it."""

_MAX_SECONDS: Final = 2**31 - 1


class ExecutionPart(Part):
    """How a job is run; nothing here changes its picture."""

    priority: int = Field(default=0, ge=-100, le=100, description="Jobs of higher priority are assigned first.")
    backoff_limit: int = Field(
        default=3,
        ge=0,
        le=100,
        alias="backoffLimit",
        description="Failures after which the job is given up. Interruptions, such as a drained node, don't count.",
    )
    active_deadline_seconds: Annotated[int, Field(ge=1, le=_MAX_SECONDS)] | None = Field(
        default=None,
        alias="activeDeadlineSeconds",
        description="Seconds after the first start at which an unfinished job fails. No deadline when absent.",
    )
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=_MAX_SECONDS)] | None = Field(
        default=None,
        alias="ttlSecondsAfterFinished",
        description="Seconds after its end at which the job and its picture are removed; never when absent. "
        "The picture itself lives seven days after it was last read.",
    )
    suspend: bool = Field(
        default=False,
        description="Whether the job is held back. Tiles that are already stored are kept, and not rendered again.",
    )
    world_selector: LabelSelector | None = Field(
        default=None,
        alias="worldSelector",
        description="Labels of the FractalNamespaces that may render the job. Any of them when absent.",
    )


class FractalJobSpec(Part):
    """What picture is asked for, and how it is to be run."""

    fractal: FractalPart = Field(description="The view: which set, where, and how deep. Can't be changed later.")
    image: ImagePart = Field(
        default_factory=ImagePart, description="The pixels of the picture. Can't be changed later."
    )
    color: ColorPart = Field(default_factory=ColorPart, description="The colours. Can't be changed later.")
    execution: ExecutionPart = Field(
        default_factory=ExecutionPart, description="How the job is run; nothing here changes the picture."
    )

    @property
    def legacy(self) -> bool:
        """Whether this is a picture of the earlier system."""
        return self.image.sampling is Sampling.LEGACY

    @property
    def max_iterations(self) -> int | None:
        """The iterations of the picture; None when the coarse pass is to decide."""
        match self.fractal.max_iterations:
            case int() as number:
                return number
            case None if self.legacy:
                return LEGACY_ITERATIONS
            case _:
                return None

    @property
    def palette(self) -> Palette | None:
        """The palette of the picture, by name; None when it has colours of its own or a legacy mode."""
        if self.color.colors is not None or self.color.legacy_mode is not None:
            return None
        return self.color.palette or Palette.EMBER

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> "FractalJobSpec":
        return keep(JOB_RULES, self)


class JobPhase(StrEnum):
    """The state of a job in one word, for people; programs read the conditions."""

    PENDING = "Pending"
    SUSPENDED = "Suspended"
    ASSIGNED = "Assigned"
    RUNNING = "Running"
    COMPLETE = "Complete"
    FAILED = "Failed"


class Progress(StatusPart):
    """How far the current attempt is."""

    percent: int = Field(ge=0, le=100, description="Share of the work that is done, by estimated iterations.")
    tiles_done: int = Field(ge=0, alias="tilesDone", description="Tiles that the store has acknowledged.")
    tiles_total: int = Field(ge=0, alias="tilesTotal", description="Tiles of the picture.")
    eta_seconds: int | None = Field(
        default=None, ge=0, alias="etaSeconds", description="Estimated seconds until the picture is complete."
    )


class JobResult(StatusPart):
    """The finished picture."""

    sha256: str = Field(description="SHA-256 of the image file, in hexadecimal digits.")
    pixels_sha256: str = Field(
        alias="pixelsSha256",
        description="SHA-256 of the raw RGB pixels, top row first: equal wherever the picture is rendered.",
    )
    bytes: int = Field(ge=1, description="Size of the image file.")
    width: int = Field(ge=1, description="Pixels in a row.")
    height: int = Field(ge=1, description="Rows of pixels.")
    seconds: float = Field(ge=0, description="Duration of the rendering.")
    max_iterations: int | None = Field(
        default=None, ge=1, alias="maxIterations", description="The iterations used, also where the spec says auto."
    )


class FractalJobStatus(StatusPart):
    """What became of a job."""

    observed_generation: int | None = Field(
        default=None, alias="observedGeneration", description="The generation of the spec that this status is about."
    )
    conditions: tuple[Condition, ...] = Field(
        default=(), description="What is true of the job: Accepted, Suspended, Assigned, Running, Complete, Failed, …"
    )
    phase: JobPhase | None = Field(default=None, description="The state in one word, for people.")
    assigned_to: str | None = Field(
        default=None, alias="assignedTo", description="The FractalNamespace that renders the job."
    )
    attempts: int = Field(default=0, ge=0, description="How often the job was assigned.")
    failures: int = Field(default=0, ge=0, description="Attempts that failed; they count against backoffLimit.")
    interruptions: int = Field(default=0, ge=0, description="Attempts that were interrupted; they don't count.")
    failed_on: str | None = Field(
        default=None,
        alias="failedOn",
        description="The FractalNamespace on which an attempt failed last; the job rather goes to another.",
    )
    progress: Progress | None = Field(default=None, description="How far the current attempt is.")
    start_time: AwareDatetime | None = Field(default=None, alias="startTime", description="First start of rendering.")
    completion_time: AwareDatetime | None = Field(
        default=None, alias="completionTime", description="When the job completed or failed."
    )
    result: JobResult | None = Field(default=None, description="The finished picture.")


def _nameless(job: "FractalJob") -> str | None:
    return None if job.metadata.name or job.metadata.generate_name else "an object without a name"


OBJECT_RULES: "Final[tuple[Rule[FractalJob], ...]]" = (
    # Kubernetes itself sees to this one, and before any CEL.
    Rule(field="metadata.name", must="be a DNS name such as seahorse", cel=None, breach=_nameless),
)


class FractalJob(Part):
    """One picture of the Mandelbrot set or of a Julia set, rendered on a warm MPI world."""

    api_version: Literal["clusteredfractals.dev/v1alpha1"] = Field(
        alias="apiVersion", description="The version of this schema."
    )
    kind: Literal["FractalJob"] = Field(description="The kind of the object.")
    metadata: ObjectMeta = Field(description="Name, labels and annotations, as of every Kubernetes object.")
    spec: FractalJobSpec = Field(description="What picture is asked for, and how it is to be run.")
    status: FractalJobStatus | None = Field(
        default=None, description="What became of the job; written by the operator."
    )

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> "FractalJob":
        return keep(OBJECT_RULES, self)
