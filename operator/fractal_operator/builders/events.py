"""Kubernetes Events about FractalJobs: what `kubectl describe` shows below a job.

The name of an Event is made from job, attempt and milestone: told twice, by two leaders say, it is there once. Those of
one second, as a small picture's are, are shown in the order of their names.
"""

from datetime import datetime
from typing import Final

from fractal_operator.core.actions import Milestone, Record
from fractal_operator.core.jobs import API_VERSION, KIND, Job
from fractal_operator.core.names import OPERATOR, Object

_MAX_MESSAGE: Final = 1024
_MAX_NAME: Final = 253


def event_name(job: Job, record: Record) -> str:
    """The name of the Event: the same whoever tells it, and however often."""
    place = tuple(Milestone).index(record.milestone) + 1
    tail = f".{job.uid}.{record.attempt}.{place}-{record.milestone.lower()}"
    return f"{job.name[: _MAX_NAME - len(tail)].rstrip('.-')}{tail}"


def build_event(job: Job, record: Record, now: datetime, instance: str) -> Object:
    """The Event that tells of a milestone; `instance` is the replica that tells it."""
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event_name(job, record), "namespace": job.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": job.namespace,
            "name": job.name,
            "uid": job.uid,
        },
        "type": "Warning" if record.milestone is Milestone.FAILED else "Normal",
        "reason": record.milestone,
        "message": record.message[:_MAX_MESSAGE],
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
        "source": {"component": OPERATOR},
        "reportingComponent": OPERATOR,
        "reportingInstance": instance[:128],
    }
