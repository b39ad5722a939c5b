"""A job is rendered exactly once, whatever happens: `support.operator_life` has what may happen and what must hold.

Each seeded mistake below has to be found, or the proof would prove nothing.
"""

import logging
import os
from collections.abc import Callable, Iterator

import pytest
from support.operator_life import live
from support.operator_store_fake import StoreFake

from fractal_api import storage
from fractal_api.jobs import FractalJobStatus
from fractal_operator.core.jobs import Job, status_body
from fractal_operator.core.names import Object
from fractal_operator.services.jobs import clerk
from fractal_operator.services.jobs.slots import Slot

SEED = int(os.environ.get("FRACTAL_SEED", "5"))

Patch = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Thousands of lines tell what the faults do, and nobody reads them."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def without_resource_version(patch: pytest.MonkeyPatch) -> None:
    """Statuses are written whatever was written meanwhile."""

    def body(job: Job, status: FractalJobStatus) -> Object:
        made = status_body(job, status)
        del made["metadata"]["resourceVersion"]
        return made

    patch.setattr(clerk, "status_body", body)


def result_record_first(patch: pytest.MonkeyPatch) -> None:
    """The record is written, and the tiles are dropped, before the image was read back."""
    proper = storage.plan_commit

    def plan(
        keys: storage.Keys, record: storage.ResultRecord, ttl_s: int | None = None
    ) -> tuple[storage.CommitStep, ...]:
        return tuple(reversed(proper(keys, record, ttl_s)))

    patch.setattr(storage, "plan_commit", plan)


def without_incarnations(patch: pytest.MonkeyPatch) -> None:
    """What an agent said that is no more counts as said by its successor."""

    def believe(_: Slot, __: str) -> bool:
        return True

    patch.setattr(Slot, "speaks_of_now", believe)


def without_a_fence(patch: pytest.MonkeyPatch) -> None:
    """The store takes tiles of an attempt though a newer one was opened."""

    def put_tile(store: StoreFake, uid: str, _: int, tile: int) -> None:
        store.check()
        store.tiles.setdefault(uid, set()).add(tile)

    patch.setattr(StoreFake, "put_tile", put_tile)


def live_often() -> None:
    for seed in range(SEED, SEED + 8):
        live(seed, examples=100, shrink=False)


def test_a_job_is_rendered_exactly_once() -> None:
    live(SEED, examples=60)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (without_resource_version, "tile|has job|is followed by|was complete"),
        (result_record_first, "becomes complete without its picture"),
        (without_incarnations, "is said to run, but the agent"),
        (without_a_fence, "which is acknowledged|is acknowledged twice"),
    ],
    ids=["no resourceVersion", "the record first", "no incarnation", "no fence"],
)
def test_a_mistake_is_found(mistake: Patch, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake(monkeypatch)
    with pytest.raises(AssertionError, match=words) as found:
        live_often()
    print(f"found: {str(found.value).partition(chr(10))[0]}")
