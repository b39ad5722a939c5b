"""The pixels of a PNG file of ours, as its bytes arrive: for a thumbnail of a picture that others have rendered.

It reads what our PNG encoder writes and nothing else: RGB8, and rows filtered by Sub or Up.
"""

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_HEAD: Final = 8  # bytes of PNG's signature
_FRAME: Final = 12  # length, kind and check sum of a chunk
_SUB: Final = 1  # the filter's number in PNG


class RowReader:
    """Takes the bytes of a file, gives its rows: (rows, width, 3), with the number of the first."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._file = bytearray()
        self._begun = False
        self._inflater = zlib.decompressobj()
        self._raw = bytearray()
        self._row = 0
        self._above = np.zeros(3 * width, dtype=np.uint8)

    def feed(self, data: bytes) -> "Iterator[tuple[int, NDArray[np.uint8]]]":
        """The rows that become complete with these bytes."""
        self._file += data
        if not self._begun and len(self._file) >= _HEAD:
            del self._file[:_HEAD]
            self._begun = True
        while self._begun and (chunk := self._chunk()) is not None:
            kind, content = chunk
            if kind == b"IDAT":
                self._raw += self._inflater.decompress(content)
                if rows := self._rows():
                    yield self._row - len(rows), np.stack(rows).reshape(len(rows), self._width, 3)

    def _chunk(self) -> tuple[bytes, bytes] | None:
        """The next whole chunk, taken from the bytes that wait."""
        length = int.from_bytes(self._file[:4], "big")
        if len(self._file) < length + _FRAME:
            return None
        kind, content = bytes(self._file[4:8]), bytes(self._file[8 : 8 + length])
        del self._file[: length + _FRAME]
        return kind, content

    def _rows(self) -> "list[NDArray[np.uint8]]":
        stride = 1 + 3 * self._width
        count = len(self._raw) // stride
        lines = np.frombuffer(bytes(self._raw[: count * stride]), dtype=np.uint8).reshape(count, stride)
        del self._raw[: count * stride]
        self._row += count
        return [self._unfiltered(line) for line in lines]

    def _unfiltered(self, line: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
        if line[0] == _SUB:
            self._above = np.cumsum(line[1:].reshape(-1, 3), axis=0, dtype=np.uint8).reshape(-1)
        else:
            self._above = line[1:] + self._above
        return self._above
