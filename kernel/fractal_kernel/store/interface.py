"""What the agent may ask of a store, whichever it is.

A store is the memory of a run: what `put_tiles` returned for is *acknowledged*, survives the death of every process,
and is never rendered again. No store decides anything about runs; it keeps, and says when it can't.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fractal_api.errors import PermanentError, TemporaryError

if TYPE_CHECKING:
    from fractal_api.storage import ResultRecord


Blob = bytes | memoryview
"""What is put into a store; what comes out are bytes."""


class StoreAway(TemporaryError):  # noqa: N818 - it names the state of the store
    """The store doesn't answer, or not in time; nothing that this call brought counts as acknowledged."""


class StoreFull(TemporaryError):  # noqa: N818 - it names the state of the store
    """The store has no room; nothing that this call brought counts as acknowledged."""


class StoreCorrupt(PermanentError):  # noqa: N818 - it names the state of the store
    """The store gave back something other than what was put into it, or lacks what its record promises."""


class RunConflict(PermanentError):  # noqa: N818 - it names the state of the run
    """The run can't be opened or added to: another picture, a newer attempt or another process has its uid."""


class StoreUnsafe(PermanentError):  # noqa: N818 - it names the state of the store
    """The store is set up so that it may lose what it acknowledged; the message says how to set it up instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """One attempt at one picture.

    `ttl_s` is the job's ttlSecondsAfterFinished, which may shorten the life of the image; what an unfinished run has
    is not touched by it. ValueError from every method when `install` or `uid` can't be part of a store's key.
    """

    install: str
    uid: str
    attempt: int
    ttl_s: int | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """The run's name at the agent and in event lines."""
        return f"{self.uid}-{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """What the store already has under a run's uid, from whichever attempt.

    `acknowledged` holds tile indices, and is empty once the result is there; `facts` is what `note` kept.
    """

    acknowledged: frozenset[int]
    result: "ResultRecord | None"
    facts: Mapping[str, str]


class Store(Protocol):
    """Every method may raise StoreAway; those that write may raise StoreFull.

    Safe for concurrent calls of one event loop. Calls are bounded in time: none waits longer than the store's timeout
    for an answer. `open_run` comes before every other method that takes a RunKey, except the reading ones.
    """

    async def ping(self) -> None:
        """Return when the store answers; StoreUnsafe when it may lose what it acknowledges."""
        ...

    async def open_run(self, run: RunKey, canonical_sha: str) -> StoredRun:
        """Take the run, and say what is there already.

        `canonical_sha` is the picture's key. StoreUnsafe as `ping`; RunConflict when the uid has another picture, when
        a newer attempt was opened, or when another process holds the run (file store). Opening a run twice is the
        same as once.
        """
        ...

    async def note(self, run: RunKey, facts: Mapping[str, str]) -> None:
        """Keep small facts about the run (epoch, state, maxIterations), each under its name; durable on return.

        An older attempt may, too: how it ended is worth knowing.
        """
        ...

    async def put_tiles(self, run: RunKey, tiles: Sequence[tuple[int, Blob]]) -> None:
        """Keep tiles (index, blob); on return, and only then, they are acknowledged.

        RunConflict when a newer attempt was opened: then nothing is stored, and whatever was stored before is among
        what `open_run` has told the newer one. Putting a tile again is harmless. Larger batches cost fewer flushes of
        the disk.
        """
        ...

    async def get_tile(self, run: RunKey, index: int) -> bytes:
        """The blob of an acknowledged tile.

        StoreCorrupt when it is not there, which may also mean that another attempt has committed, or when it is
        damaged and the store can tell: the tile codec has the last word.
        """
        ...

    async def put_chunk(self, run: RunKey, number: int, data: Blob) -> None:
        """Keep chunk `number` of this attempt's image; chunks come in order, from 0."""
        ...

    async def get_chunk(self, run: RunKey, number: int) -> bytes:
        """Chunk `number` of this attempt's image; StoreCorrupt when it is not there."""
        ...

    async def commit(self, run: RunKey, record: "ResultRecord") -> "ResultRecord":
        """Make this attempt's chunks the picture of the uid, durably; the record that stands now.

        Reads the chunks back first: StoreCorrupt when they are not what the record says, and then nothing changes.
        A result that stands already is kept and returned, if it shows the same pixels (RunConflict otherwise); this
        attempt's chunks are removed then. Tiles go after the record is there, never before, and maybe soon after the
        return.
        """
        ...

    async def read_result(self, run: RunKey) -> "ResultRecord | None":
        """The record of the uid's picture, if there is one."""
        ...

    def read_image(self, run: RunKey) -> AsyncIterator[bytes]:
        """The uid's picture, chunk by chunk; its life starts anew.

        StoreCorrupt when a chunk is missing or, at the end, when the bytes weren't those of the record: what was
        read before must not be handed on as a finished file. `forget` clears the way for rendering it anew.
        """
        ...

    async def write_live(self, run: RunKey, figures: Mapping[str, str]) -> None:
        """Replace the run's figures for spectators (progress, ETA); may be lost.

        RunConflict when a newer attempt was opened, whose figures stay.
        """
        ...

    async def forget(self, run: RunKey) -> None:
        """Remove all that the uid has, of every attempt up to this one; the run is closed."""
        ...

    async def release(self, run: RunKey) -> None:
        """Close the run here and keep what it has; another process may open it."""
        ...

    async def close(self) -> None:
        """Release every run and connection; the store can't be used afterwards."""
        ...
