"""What our kinds share with every Kubernetes object: metadata, and selectors of labels."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, ConfigDict, Field

from fractal_api.constraints import DNS_NAME, Part, Words

_NAME_WORDS: Final = Words(allowed="a DNS name of at most 253 lower-case letters, digits, '-' and '.'")


class ObjectMeta(Part):
    """The metadata of an object, as far as we read it; whatever else Kubernetes writes here is left alone."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(max_length=253, pattern=DNS_NAME), _NAME_WORDS] | None = Field(
        default=None, description="The name of the object, unique for its kind in its Kubernetes namespace."
    )
    generate_name: Annotated[str, Field(max_length=247)] | None = Field(
        default=None, alias="generateName", description="The beginning of a name that the API server completes."
    )
    namespace: str | None = Field(default=None, description="The Kubernetes namespace of the object.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels, for selectors.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations, for people and tools.")
    uid: str | None = Field(default=None, description="The object's identity, given by the API server.")
    resource_version: str | None = Field(
        default=None, alias="resourceVersion", description="The version of the object, given by the API server."
    )
    generation: int | None = Field(
        default=None, description="The number of changes to the spec, counted by the API server."
    )
    creation_timestamp: AwareDatetime | None = Field(
        default=None, alias="creationTimestamp", strict=False, description="When the object was created."
    )
    deletion_timestamp: AwareDatetime | None = Field(
        default=None, alias="deletionTimestamp", strict=False, description="When the object's deletion was asked for."
    )


class SelectorOperator(StrEnum):
    """How a label is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class LabelRequirement(Part):
    """A condition on one label."""

    key: str = Field(min_length=1, max_length=317, description="The label's key.")
    operator: SelectorOperator = Field(strict=False, description="How the label is compared with the values.")
    values: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), description="Values for In and NotIn; none for Exists and DoesNotExist."
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet this condition, as Kubernetes decides it."""
        match self.operator:
            case SelectorOperator.IN:
                return labels.get(self.key) in self.values
            case SelectorOperator.NOT_IN:
                return labels.get(self.key) not in self.values
            case SelectorOperator.EXISTS:
                return self.key in labels
            case SelectorOperator.DOES_NOT_EXIST:
                return self.key not in labels


class LabelSelector(Part):
    """A choice of objects by their labels; every condition must hold, and an empty selector chooses all."""

    match_labels: dict[str, str] = Field(
        default_factory=dict, alias="matchLabels", description="Labels and the value that each must have."
    )
    match_expressions: Annotated[tuple[LabelRequirement, ...], Field(strict=False)] = Field(
        default=(), alias="matchExpressions", description="Further conditions on labels."
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is chosen."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )
