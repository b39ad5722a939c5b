"""A gateway before a fake cluster and a real Redis, and jobs in every state."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from support.gateway_cluster import FakeCluster, Object

from fractal_api.storage import CHUNK_BYTES, Keys, ResultRecord, chunk_spans

if TYPE_CHECKING:
    import redis

INSTALL: Final = "test"
WORLD: Final = "ds-clmpi1"


def condition(kind: str, *, status: str = "True", reason: str = "", message: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def running(*, percent: int = 40, done: int = 96, total: int = 240, attempts: int = 1) -> Object:
    """The status of a job that a world renders."""
    return {
        "phase": "Running",
        "assignedTo": WORLD,
        "attempts": attempts,
        "progress": {"percent": percent, "tilesDone": done, "tilesTotal": total, "etaSeconds": 9},
        "conditions": [condition("Assigned", reason="Assigned"), condition("Running", reason="Rendering")],
    }


def failed(reason: str = "BackoffLimitExceeded", message: str = "the world died three times") -> Object:
    return {
        "phase": "Failed",
        "assignedTo": WORLD,
        "attempts": 4,
        "conditions": [condition("Failed", reason=reason, message=message)],
    }


def complete(record: ResultRecord, *more: Object) -> Object:
    result = {
        "sha256": record.sha256,
        "pixelsSha256": record.pixels_sha256,
        "bytes": record.bytes,
        "width": record.width,
        "height": record.height,
        "seconds": record.seconds,
        "maxIterations": record.max_iterations,
    }
    return {
        "phase": "Complete",
        "assignedTo": WORLD,
        "attempts": record.attempt,
        "result": result,
        "progress": {"percent": 100, "tilesDone": 240, "tilesTotal": 240, "etaSeconds": 0},
        "conditions": [condition("Complete", reason="Rendered"), condition("ResultAvailable"), *more],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A cluster and a store with a way to put pictures into both."""

    cluster: FakeCluster
    store: "redis.Redis"

    def keys(self, name: str, namespace: str = "art") -> Keys:
        return Keys(install=INSTALL, uid=self.cluster.job(name, namespace)["metadata"]["uid"])

    def picture(self, name: str, image: bytes, *, attempt: int = 1, width: int = 4, height: int = 2) -> ResultRecord:
        """The record of an image, which is stored as that of the job's."""
        spans = list(chunk_spans(len(image)))
        record = ResultRecord(
            sha256=hashlib.sha256(image).hexdigest(),
            pixels_sha256="b" * 64,
            bytes=len(image),
            chunks=len(spans),
            chunk_bytes=CHUNK_BYTES,
            attempt=attempt,
            width=width,
            height=height,
            seconds=1.5,
            max_iterations=128,
            picture_version=1,
        )
        keys = self.keys(name)
        for number, span in enumerate(spans):
            self.store.set(keys.chunk(attempt, number), image[span.start : span.stop], ex=100)
        self.store.set(keys.result, record.to_json(), ex=100)
        return record

    def complete_job(self, name: str, image: bytes, **how: int) -> ResultRecord:
        """A complete job with that image."""
        self.cluster.put(name)
        record = self.picture(name, image, **how)
        self.cluster.put(name, status=complete(record))
        return record

    def live(self, name: str, **fields: str | float) -> None:
        """What the world writes for spectators."""
        uid = self.cluster.job(name)["metadata"]["uid"]
        figures: dict[Any, Any] = {"run": f"{uid}-1", "percent": 62.5, "tilesDone": 150, "tilesTotal": 240}
        self.store.hset(self.keys(name).live, mapping=figures | {"etaSeconds": 4.2} | fields)
