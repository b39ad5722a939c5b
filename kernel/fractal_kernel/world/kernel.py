"""The kernel thread of a rank: it renders while the main thread does MPI.

The main thread never waits for it: orders are put in, outcomes are taken out, and a file descriptor becomes readable
when there is one.
"""

import os
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, assert_never

from fractal_kernel.world import orders
from fractal_kernel.world.tasks import Answer, Scene, answer, perform

if TYPE_CHECKING:
    from collections.abc import Callable

JOIN_S: Final = 2.0


class Kernel:
    """One kernel thread, for rank `rank` of `ranks`."""

    def __init__(self, *, rank: int, ranks: int) -> None:
        self._rank = rank
        self._ranks = ranks
        self._scene: Scene | None = None
        self._todo: SimpleQueue[Callable[[], Answer] | None] = SimpleQueue()
        self._answers: deque[Answer] = deque()
        self._crash: BaseException | None = None
        self._tasks = 0
        self._past_iterations = 0
        self.batches = 0
        """Batches rendered since the beginning."""
        self.batch_s = 0.0
        """What the last one took."""
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._work, name="kernel", daemon=True)
        self._thread.start()

    @property
    def tasks(self) -> int:
        """The tasks whose answers were not taken yet."""
        return self._tasks

    @property
    def pulse(self) -> orders.Pulse:
        """How the rank is."""
        return orders.Pulse(iterations=self.iterations, batches=self.batches, busy=self._tasks > 0)

    @property
    def iterations(self) -> int:
        """Iterations since the beginning, those of the task that is on included."""
        return self._past_iterations + (self._scene.control.iterations if self._scene else 0)

    def obey(self, order: orders.Order) -> None:
        """Takes an order; a task is answered later."""
        match order:
            case orders.Begin():
                self._past_iterations = self.iterations
                self._scene = Scene(order.run, order.definition, rank=self._rank, ranks=self._ranks)
            case orders.Halt():
                if self._scene is not None and self._scene.run == order.run:
                    self._scene.control.stop()
            case orders.Sample() | orders.Collect() | orders.Render():
                if self._scene is None:
                    raise AssertionError(f"{order} came before its run")
                self._begin(order, partial(perform, order, self._scene))
            case orders.Quit():
                self.close()
            case _:
                assert_never(order)

    def take(self) -> Answer | None:
        """The next answer, if there is one; raises what the thread died of."""
        if self._crash is not None:
            raise self._crash
        if not self._answers:
            return None
        outcome, data = self._answers.popleft()
        self._tasks -= 1
        if isinstance(outcome, orders.Rendered):
            self.batches += 1
            self.batch_s = outcome.seconds
        return outcome, data

    def fileno(self) -> int:
        """The file descriptor, readable when there is a new answer."""
        return self._wake

    def hush(self) -> None:
        """Takes note of all new answers; to be called before taking them."""
        with suppress(BlockingIOError):
            os.eventfd_read(self._wake)

    def close(self) -> None:
        """Ends the thread; what it was doing is lost."""
        if self._scene is not None:
            self._scene.control.stop()
        self._todo.put(None)
        self._thread.join(JOIN_S)

    def _begin(self, task: orders.Task, work: "Callable[[], Answer]") -> None:
        self._tasks += 1
        self._todo.put(partial(answer, task, work))

    def _work(self) -> None:
        """The thread: answers one task after the other."""
        try:
            while (work := self._todo.get()) is not None:
                self._answers.append(work())
                del work  # or a picture would live on until the next task
                os.eventfd_write(self._wake, 1)
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self._crash = error
            os.eventfd_write(self._wake, 1)
