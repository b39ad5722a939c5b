"""A world and a store without processes: what stands at the boundaries of an agent in its tests."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import numpy as np

from fractal_api.storage import ResultRecord
from fractal_api.tiles import encode_tile
from fractal_api.tiling import Rect, TileGrid
from fractal_kernel import wire
from fractal_kernel.agent.world import Ears
from fractal_kernel.agent.worlds import Cause
from fractal_kernel.store.interface import Blob, RunConflict, RunKey, StoreCorrupt, StoredRun

MAX_ITERATIONS = 100


def pixels_of(rect: Rect) -> "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]":
    """Pixels that tell where they are, (height, width, 3)."""
    rows, columns = np.mgrid[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    return np.stack([rows % 251, columns % 241, (rows * columns) % 239], axis=-1).astype(np.uint8)


def tile_of(grid: TileGrid, index: int) -> wire.Tile:
    rect = grid.tile(index)
    blob = encode_tile(rect, pixels_of(rect).tobytes(), index=index)
    return index, blob


class FakeWorld:
    """A world of one rank that renders at once, or tile by tile when `automatic` is off."""

    def __init__(self) -> None:
        self.automatic = True
        self.stands_still = False
        self.started: list[int] = []
        self.ended: list[tuple[int, bool]] = []
        self.sent: list[wire.ToWorld] = []
        self.rendered: list[int] = []
        self.deaf = False
        self.spoil: set[int] = set()
        """Tiles that arrive damaged, once."""
        self._ears: Ears | None = None
        self._epoch = 0

    @property
    def ears(self) -> Ears:
        assert self._ears is not None
        return self._ears

    async def open(self, ears: Ears) -> None:
        self._ears = ears

    async def start(self, epoch: int) -> None:
        self._epoch = epoch
        self.started.append(epoch)
        if not self.deaf:
            self.say(wire.Ready(epoch=epoch, hosts=("here",), pids=(1,)))

    def send(self, epoch: int, message: wire.ToWorld) -> None:
        assert epoch == self._epoch
        self.sent.append(message)
        match message:
            case wire.Run() if self.automatic:
                self.render(message)
            case wire.Cancel():
                self.say(wire.Cancelled(run=message.run))

    async def end(self, epoch: int, *, orderly: bool) -> None:
        self.ended.append((epoch, orderly))

    async def close(self) -> None:
        pass

    def say(self, message: wire.ToAgent) -> None:
        """Say it later, as a socket would."""
        asyncio.get_running_loop().call_soon(self.ears.heard, self._epoch, message)

    def die(self) -> None:
        self.ears.faulted(self._epoch, Cause.DIED, "mpirun ended by signal 9")

    def last_run(self) -> wire.Run:
        return next(message for message in reversed(self.sent) if isinstance(message, wire.Run))

    def survey(self, run: wire.Run) -> None:
        self.say(wire.Started(run=run.run))
        ahead = len(run.definition.frame.grid) - len(run.acknowledged)
        self.say(wire.Surveyed(run=run.run, max_iterations=MAX_ITERATIONS, work=float(ahead), tiles=ahead))

    def render(self, run: wire.Run, tiles: Sequence[int] | None = None) -> None:
        """Render these tiles, or all that are left."""
        grid = run.definition.frame.grid
        if tiles is None:
            self.survey(run)
        wanted = [tile for tile in range(len(grid)) if tile not in run.acknowledged] if tiles is None else tiles
        for tile in wanted:
            self.rendered.append(tile)
            made = tile_of(grid, tile)
            if tile in self.spoil:
                self.spoil.discard(tile)
                made = (tile, bytes(made[1][:-1]) + bytes([made[1][-1] ^ 1]))
            self.say(wire.Tiles(run=run.run, rank=0, iterations=10, seconds=0.01, work=1.0, tiles=(made,)))
        if tiles is None:
            self.say(wire.Rendered(run=run.run))


class FakeStore:
    """A store in memory. `trouble` may raise before any call; `slow` holds up writes while it is cleared."""

    def __init__(self) -> None:
        self.tiles: dict[str, dict[int, bytes]] = {}
        self.facts: dict[str, dict[str, str]] = {}
        self.chunks: dict[tuple[str, int, int], bytes] = {}
        self.results: dict[str, ResultRecord] = {}
        self.shas: dict[str, str] = {}
        self.open: set[str] = set()
        self.newest: dict[str, int] = {}
        self.live: dict[str, Mapping[str, str]] = {}
        self.batches: list[int] = []
        self.trouble: Callable[[str], None] = lambda _: None
        self.going = asyncio.Event()
        self.going.set()

    async def ping(self) -> None:
        self.trouble("ping")

    async def open_run(self, run: RunKey, canonical_sha: str) -> StoredRun:
        self.trouble("open_run")
        if self.shas.setdefault(run.uid, canonical_sha) != canonical_sha:
            raise RunConflict(f"run {run.id} is of another picture")
        self._keep_out(run)
        self.newest[run.uid] = run.attempt
        self.open.add(run.uid)
        return StoredRun(
            acknowledged=frozenset(self.tiles.get(run.uid, {})),
            result=self.results.get(run.uid),
            facts=dict(self.facts.get(run.uid, {})),
        )

    async def note(self, run: RunKey, facts: Mapping[str, str]) -> None:
        self._check("note", run)
        self.facts.setdefault(run.uid, {}).update(facts)

    async def put_tiles(self, run: RunKey, tiles: Sequence[tuple[int, Blob]]) -> None:
        await self.going.wait()
        self._check("put_tiles", run)
        self._keep_out(run)
        self.batches.append(len(tiles))
        self.tiles.setdefault(run.uid, {}).update((index, bytes(blob)) for index, blob in tiles)

    async def get_tile(self, run: RunKey, index: int) -> bytes:
        self._check("get_tile", run)
        try:
            return self.tiles[run.uid][index]
        except KeyError:
            raise StoreCorrupt(f"tile {index} is not there") from None

    async def put_chunk(self, run: RunKey, number: int, data: Blob) -> None:
        self._check("put_chunk", run)
        self.chunks[run.uid, run.attempt, number] = bytes(data)

    async def get_chunk(self, run: RunKey, number: int) -> bytes:
        return self.chunks[run.uid, run.attempt, number]

    async def commit(self, run: RunKey, record: ResultRecord) -> ResultRecord:
        self._check("commit", run)
        image = b"".join(self.chunks[run.uid, run.attempt, number] for number in range(record.chunks))
        if hashlib.sha256(image).hexdigest() != record.sha256:
            raise StoreCorrupt("the chunks are others")
        self.results[run.uid] = record
        self.tiles.pop(run.uid, None)
        return record

    async def read_result(self, run: RunKey) -> ResultRecord | None:
        return self.results.get(run.uid)

    async def read_image(self, run: RunKey) -> AsyncIterator[bytes]:
        record = self.results[run.uid]
        for number in range(record.chunks):
            yield self.chunks[run.uid, record.attempt, number]

    async def write_live(self, run: RunKey, figures: Mapping[str, str]) -> None:
        self._check("write_live", run)
        self._keep_out(run)
        self.live[run.uid] = figures

    async def forget(self, run: RunKey) -> None:
        self.tiles.pop(run.uid, None)

    async def release(self, run: RunKey) -> None:
        self.open.discard(run.uid)

    async def close(self) -> None:
        self.open.clear()

    def _keep_out(self, run: RunKey) -> None:
        if self.newest.get(run.uid, 0) > run.attempt:
            raise RunConflict(f"run {run.id}: attempt {self.newest[run.uid]} was begun already")

    def _check(self, call: str, run: RunKey) -> None:
        self.trouble(call)
        if run.uid not in self.open:
            raise RunConflict(f"run {run.id} is not open")
