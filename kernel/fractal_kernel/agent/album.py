"""Tiles that the store has acknowledged, kept in memory for the image that is soon put together from them."""

from collections.abc import Iterable
from typing import Final

ALBUM_BYTES: Final = 8 << 20
"""Bytes of tiles that are kept: those of most pictures on a screen. The others are read back from the store."""


class Album:
    """Acknowledged tiles of one run at a time, as many as fit into `capacity` bytes."""

    def __init__(self, capacity: int = ALBUM_BYTES) -> None:
        self._capacity = capacity
        self._run: str | None = None
        self._tiles: dict[int, bytes] = {}
        self._held = 0

    def keep(self, run: str, tiles: Iterable[tuple[int, bytes]]) -> None:
        """The store has these tiles; those of another run are forgotten."""
        if run != self._run:
            self._forget()
            self._run = run
        for index, blob in tiles:
            self._held -= len(self._tiles.pop(index, b""))
            if self._held + len(blob) <= self._capacity:
                self._tiles[index] = blob
                self._held += len(blob)

    def find(self, run: str, tile: int) -> bytes | None:
        """A tile, if it is here."""
        return self._tiles.get(tile) if run == self._run else None

    def find_all(self, run: str, tiles: Iterable[int]) -> list[bytes] | None:
        """These tiles, if all of them are here."""
        if run != self._run:
            return None
        try:
            return [self._tiles[tile] for tile in tiles]
        except KeyError:
            return None

    def drop(self, run: str) -> None:
        """Forget the tiles of a run."""
        if run == self._run:
            self._forget()

    def _forget(self) -> None:
        self._run = None
        self._tiles.clear()
        self._held = 0
