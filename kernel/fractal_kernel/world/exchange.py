"""Messages between ranks, without ever waiting: MPI's blocking calls spin, and a lost rank would block them for ever.

A parcel is one MPI message, the pickled order or report with the lengths of its data, and if it has data a second one
with all of that. A large message only moves when its receiver has asked for it, so not receiving is what holds a sender
back. Parcels of one sender keep their order, but those without data overtake data that is waiting.
"""

import pickle
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from mpi4py import MPI

if TYPE_CHECKING:
    from fractal_kernel.wire import Blob
    from fractal_kernel.world.bells import Bells

HEADER: Final = 1
DATA: Final = 2
NO_LIMIT: Final = 1 << 62

Out = TypeVar("Out")
In = TypeVar("In")


@dataclass(frozen=True, slots=True)
class Parcel(Generic[In]):
    """A message from a rank, and the parts of its data."""

    source: int
    message: In
    data: "tuple[Blob, ...]"


@dataclass(frozen=True, slots=True)
class _Leaving:
    """An MPI message on its way to a rank; MPI reads the buffer until it is gone."""

    request: MPI.Request
    rank: int
    buffer: "Blob"

    @property
    def gone(self) -> bool:
        return bool(self.request.Test())


@dataclass(frozen=True, slots=True)
class _Arriving:
    """An MPI message on its way into memory."""

    request: MPI.Request
    buffer: bytearray

    @property
    def whole(self) -> bool:
        return bool(self.request.Test())


class Exchange(Generic[Out, In]):
    """One rank's mailbox. It only moves when it is looked at."""

    def __init__(self, comm: MPI.Intracomm, bells: "Bells") -> None:
        self._comm = comm
        self._bells = bells
        self._status = MPI.Status()
        self._leaving: list[_Leaving] = []
        self._headers: defaultdict[int, deque[_Arriving]] = defaultdict(deque)
        self._expected: defaultdict[int, deque[tuple[In, tuple[int, ...]]]] = defaultdict(deque)
        self._data: dict[int, _Arriving] = {}

    @property
    def leaving(self) -> bool:
        """Whether something that was sent is still needed here."""
        return bool(self._leaving)

    @property
    def moving(self) -> bool:
        """Whether something is on its way, here or from here, that needs looks to move."""
        return bool(self._leaving) or any(self._headers.values()) or any(self._expected.values())

    @property
    def arriving_bytes(self) -> int:
        """The data for which there is memory already."""
        return sum(len(arriving.buffer) for arriving in self._data.values())

    def send(self, rank: int, message: Out, data: "Sequence[Blob]" = ()) -> None:
        """Puts a parcel on its way to a rank. The data must not change afterwards."""
        lengths = tuple(map(len, data))
        self._send(rank, HEADER, pickle.dumps((message, lengths)))
        if any(lengths):
            self._send(rank, DATA, data[0] if len(data) == 1 else b"".join(data))
        self._bells.ring(rank)

    def receive(self, room: int = NO_LIMIT) -> list[Parcel[In]]:
        """What has arrived. Data is only taken in while less than `room` bytes of it are arriving."""
        self._push()
        self._accept_headers()
        dataless = list(self._dataless())  # and whose data is expected: what left at once is there already
        self._accept_data(room)
        return [*dataless, *self._complete()]

    def _send(self, rank: int, tag: int, buffer: "Blob") -> None:
        leaving = _Leaving(self._comm.Isend([buffer, MPI.BYTE], dest=rank, tag=tag), rank, buffer)
        if not leaving.gone:
            self._leaving.append(leaving)

    def _push(self) -> None:
        """Lets go of what is gone; what left only now has not been rung for."""
        still = []
        for leaving in self._leaving:
            if leaving.gone:
                self._bells.ring(leaving.rank)
            else:
                still.append(leaving)
        self._leaving = still

    def _accept_headers(self) -> None:
        # Open MPI's probe looks first and lets messages in afterwards, so the first one only finds older ones.
        self._comm.Iprobe(MPI.ANY_SOURCE, HEADER)
        while (arriving := self._probe(MPI.ANY_SOURCE, HEADER)) is not None:
            self._headers[self._status.Get_source()].append(arriving)

    def _accept_data(self, room: int) -> None:
        for source, expected in self._expected.items():
            if expected and source not in self._data and self.arriving_bytes < room:
                arriving = self._probe(source, DATA)
                if arriving is not None:
                    self._data[source] = arriving

    def _probe(self, source: int, tag: int) -> _Arriving | None:
        """Begins to receive the next message of that kind, if there is one."""
        message = self._comm.Improbe(source, tag, self._status)
        if message is None:
            return None
        buffer = bytearray(self._status.Get_count(MPI.BYTE))
        return _Arriving(message.Irecv([buffer, MPI.BYTE]), buffer)

    def _dataless(self) -> Iterator[Parcel[In]]:
        """The parcels whose only message has arrived; others are put down as expecting data."""
        for source, headers in self._headers.items():
            while headers and headers[0].whole:
                message, lengths = pickle.loads(headers.popleft().buffer)  # noqa: S301 - from a rank of our own world
                if any(lengths):
                    self._expected[source].append((message, lengths))
                else:
                    yield Parcel(source, message, (b"",) * len(lengths))

    def _complete(self) -> Iterator[Parcel[In]]:
        """The parcels whose data has arrived."""
        for source in [source for source, arriving in self._data.items() if arriving.whole]:
            view = memoryview(self._data.pop(source).buffer).toreadonly()
            message, lengths = self._expected[source].popleft()
            parts, start = [], 0
            for length in lengths:
                parts.append(view[start : start + length])
                start += length
            yield Parcel(source, message, tuple(parts))
