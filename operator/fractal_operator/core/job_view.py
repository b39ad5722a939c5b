"""A FractalJob as spectators see it, gateway and commands. Lenient: a job of a newer version can be looked at too."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from fractal_api.conditions import Condition, ConditionStatus, JobCondition, find_condition
from fractal_api.constraints import DNS_LABEL
from fractal_api.jobs import FractalJobStatus
from fractal_operator.core.names import Object


class End(StrEnum):
    """How a job ended."""

    COMPLETE = JobCondition.COMPLETE
    FAILED = JobCondition.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job: its manifest as the API server has it, and what of it people are told."""

    manifest: Object
    namespace: str
    name: str
    uid: str
    created: str
    status: FractalJobStatus
    ttl_s: int | None

    @property
    def end(self) -> End | None:
        """How it ended; None while it hasn't."""
        return next((end for end in End if self._true(end) is not None), None)

    @property
    def run(self) -> str:
        """The id of the current run."""
        return f"{self.uid}-{self.status.attempts}"

    @property
    def world(self) -> str | None:
        """The world that has the job, or had it last."""
        name = self.status.assigned_to
        # It becomes a part of paths, and whoever may write statuses writes it.
        return name if name is not None and re.fullmatch(DNS_LABEL, name) else None

    @property
    def place(self) -> str:
        """The job as people write it."""
        return f"{self.namespace}/{self.name}"

    def condition(self, which: JobCondition) -> Condition | None:
        """The condition of that type."""
        return find_condition(self.status.conditions, which)

    def _true(self, which: str) -> Condition | None:
        found = find_condition(self.status.conditions, which)
        return found if found is not None and found.status is ConditionStatus.TRUE else None


def view(manifest: Object) -> JobView:
    """The job of a manifest that the API server handed out."""
    metadata = manifest["metadata"]
    return JobView(
        manifest=manifest,
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        created=metadata["creationTimestamp"],
        status=_status(manifest.get("status") or {}),
        ttl_s=_ttl_s(manifest.get("spec")),
    )


def _status(value: Mapping[str, Any]) -> FractalJobStatus:
    """The status, without the parts that this version can't read."""
    try:
        return FractalJobStatus.model_validate(value)
    except ValidationError as error:
        unreadable = {details["loc"][0] for details in error.errors(include_url=False) if details["loc"]}
        readable = {name: part for name, part in value.items() if name not in unreadable}
        return FractalJobStatus.model_validate(readable)


def _ttl_s(spec: object) -> int | None:
    match spec:
        case {"execution": {"ttlSecondsAfterFinished": int(seconds)}}:
            return seconds
        case _:
            return None
