"""Bytes as they come, cut into lines of bounded length."""

from collections.abc import Iterator


class LineCutter:
    """Holds what has come of the line that isn't complete: at most `limit` bytes; the rest of a longer one is lost."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._begun = bytearray()

    def cut(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that `chunk` completes."""
        *ended, begun = chunk.split(b"\n")
        for end in ended:
            self._add(end)
            yield self._take()
        self._add(begun)

    def rest(self) -> Iterator[bytes]:
        """What came after the last line's end, if anything did."""
        if self._begun:
            yield self._take()

    def _add(self, part: bytes) -> None:
        self._begun += part[: self._limit - len(self._begun)]

    def _take(self) -> bytes:
        line = bytes(self._begun)
        self._begun.clear()
        return line
