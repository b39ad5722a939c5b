"""FractalNamespace: one warm MPI world, in a Kubernetes namespace of the same name."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, model_validator

from fractal_api.conditions import Condition
from fractal_api.constraints import DNS_LABEL, Part, StatusPart, Words
from fractal_api.metadata import LabelSelector, ObjectMeta
from fractal_api.quoting import shown
from fractal_api.rules import Rule, keep

_QUANTITY: Final = r"^[0-9]+([.][0-9]+)?([eE][0-9]{1,2}|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"

Quantity = Annotated[
    str, Field(max_length=32, pattern=_QUANTITY), Words(allowed='a quantity in quotes such as "500m" or "2Gi"')
]
"""An amount of a resource, as Kubernetes writes it."""

ClassName = Annotated[
    str,
    Field(max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
    Words(allowed="the name of a PriorityClass, though none that begins with system-"),
]


class Resources(Part):
    """What a pod asks for, and what it may use."""

    requests: dict[str, Quantity] = Field(
        default_factory=dict, max_length=32, description="What each pod is guaranteed, by resource."
    )
    limits: dict[str, Quantity] = Field(
        default_factory=dict, max_length=32, description="What each pod may use, by resource."
    )


class LocalReference(Part):
    """An object in the same Kubernetes namespace."""

    name: str = Field(min_length=1, max_length=253, description="The name of the object.")


class WorldTemplate(Part):
    """What the pods of a world look like, beyond what the operator decides."""

    labels: dict[str, str] = Field(default_factory=dict, description="Labels of the pods.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations of the pods.")
    resources: Resources | None = Field(default=None, description="CPU and memory of each pod.")
    node_selector: dict[str, str] = Field(
        default_factory=dict, alias="nodeSelector", description="Labels that a node must have to get pods."
    )
    tolerations: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] = Field(
        default=(), description="Taints that the pods tolerate, as in a pod's spec."
    )
    affinity: dict[str, Any] | None = Field(
        default=None, description="Where the pods would rather run, as in a pod's spec."
    )
    priority_class_name: ClassName | None = Field(
        default=None,
        alias="priorityClassName",
        description="The PriorityClass of the pods; the classes system-* are not for worlds.",
    )
    image_pull_secrets: Annotated[tuple[LocalReference, ...], Field(strict=False)] = Field(
        default=(), alias="imagePullSecrets", description="Secrets for pulling the image."
    )


class FractalNamespaceSpec(Part):
    """The world that is wanted."""

    nodes: int = Field(default=4, ge=0, le=1000, description="Pods of the world; 0 lets it rest.")
    slots_per_node: int = Field(default=2, ge=1, le=256, alias="slotsPerNode", description="MPI ranks in each pod.")
    image: (
        Annotated[str, Field(max_length=1024, pattern=r"^[!-~]+$"), Words(allowed="the name of a container image")]
        | None
    ) = Field(default=None, description="Image of the pods. The operator's own choice when absent.")
    template: WorldTemplate | None = Field(
        default=None, description="What the pods look like, beyond what the operator decides."
    )
    drain: bool = Field(default=False, description="Whether the world finishes its run and then takes no other.")
    drain_timeout_seconds: int = Field(
        default=300,
        ge=0,
        le=86_400,
        alias="drainTimeoutSeconds",
        description="Seconds that a run may still take when the world is drained or deleted; then it is interrupted.",
    )
    start_deadline_seconds: int = Field(
        default=120,
        ge=1,
        le=86_400,
        alias="startDeadlineSeconds",
        description="Seconds in which the world must be ready. Then its pods are removed, and it is tried again later.",
    )
    allowed_namespaces: LabelSelector | None = Field(
        default=None,
        alias="allowedNamespaces",
        description="Labels of the Kubernetes namespaces whose FractalJobs may run here. All of them when absent.",
    )


class FractalNamespaceStatus(StatusPart):
    """What became of a world."""

    observed_generation: int | None = Field(
        default=None, alias="observedGeneration", description="The generation of the spec that this status is about."
    )
    conditions: tuple[Condition, ...] = Field(
        default=(), description="What is true of the world: Ready, Progressing, Draining, Degraded."
    )
    nodes: int = Field(default=0, ge=0, description="Pods that exist.")
    ready_nodes: int = Field(default=0, ge=0, alias="readyNodes", description="Pods that are ready.")
    slots: int = Field(default=0, ge=0, description="MPI ranks that answer.")
    selector: str | None = Field(default=None, description="The label selector of the pods, for /scale.")
    quarantined_until: AwareDatetime | None = Field(
        default=None,
        alias="quarantinedUntil",
        description="Until when the world gets no job, since too many failed on it; kubectl annotate fns/NAME"
        " clusteredfractals.dev/lift-quarantine=now ends that.",
    )
    current_job: str | None = Field(
        default=None, alias="currentJob", description="The FractalJob that runs here, as namespace/name."
    )


def _name(world: "FractalNamespace") -> str | None:
    name = world.metadata.name
    if name is None:
        return "an object without a name"
    proper = re.fullmatch(DNS_LABEL, name) and len(name) <= 63 and not name.startswith("kube-")
    return None if proper else shown(name)


def _priority_class(world: "FractalNamespace") -> str | None:
    name = world.spec.template and world.spec.template.priority_class_name
    return shown(name) if name and name.startswith("system-") else None


NAMESPACE_RULES: "Final[tuple[Rule[FractalNamespace], ...]]" = (
    Rule(
        field="metadata.name",
        must="be a DNS label of at most 63 lower-case letters, digits and '-', and not begin with kube-",
        cel=f"self.metadata.name.matches('{DNS_LABEL}') && self.metadata.name.size() <= 63"
        " && !self.metadata.name.startsWith('kube-')",
        breach=_name,
    ),
    Rule(
        field="spec.template.priorityClassName",
        must="be the name of a PriorityClass that doesn't begin with system-",
        cel="!has(self.spec.template) || !has(self.spec.template.priorityClassName)"
        " || !self.spec.template.priorityClassName.startsWith('system-')",
        breach=_priority_class,
    ),
)
"""These stand at the root of the CRD's schema: only there does CEL see metadata.name."""


class FractalNamespace(Part):
    """One warm MPI world, in a Kubernetes namespace of the same name that the operator makes and owns."""

    api_version: Literal["clusteredfractals.dev/v1alpha1"] = Field(
        alias="apiVersion", description="The version of this schema."
    )
    kind: Literal["FractalNamespace"] = Field(description="The kind of the object.")
    metadata: ObjectMeta = Field(description="Name, labels and annotations, as of every Kubernetes object.")
    spec: FractalNamespaceSpec = Field(description="The world that is wanted; {} takes every default.")
    status: FractalNamespaceStatus | None = Field(
        default=None, description="What became of the world; written by the operator."
    )

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> "FractalNamespace":
        return keep(NAMESPACE_RULES, self)
