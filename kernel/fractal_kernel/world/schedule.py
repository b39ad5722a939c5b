"""What a world does next: a pure state machine, from what rank 0 hears to what it is to do.

Nothing here reads a clock, a socket or a rank. `handle` takes what the agent said, or what a rank reported, and
returns frozen actions, which `root` carries out in their order.
"""

from collections import deque
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, assert_never

import numpy as np

from fractal_kernel import wire
from fractal_kernel.coarse import Decision
from fractal_kernel.world import orders
from fractal_kernel.world.actions import Action, End, Give, Record, Reported, Stimulus, Tell
from fractal_kernel.world.batches import Rates, TileQueue
from fractal_kernel.world.costs import tile_work
from fractal_kernel.world.survey import Found, SharedSurvey

TASKS_A_RANK: Final = 2
"""One on, and one ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """A task under way: whose, for which run; of a batch, the work expected of it."""

    rank: int
    run: str
    task: orders.Task
    work: float = 0.0


class _Active:
    """The run that is on: its coarse pass, then its tiles."""

    def __init__(self, run: wire.Run, ranks: int) -> None:
        definition = run.definition
        if definition.max_iterations is None:
            definition = replace(definition, max_iterations=run.max_iterations)
        self.id = run.run
        self.definition = definition
        self.grid = definition.frame.grid
        self.todo = frozenset(range(len(self.grid))) - run.acknowledged
        self.survey = SharedSurvey(definition, ranks)
        self.queue: TileQueue | None = None


class Schedule:
    """A world of `ranks` ranks, all of them idle at first."""

    def __init__(self, ranks: int) -> None:
        self._ranks = range(ranks)
        self._rates = Rates(ranks)
        self._load = [0] * ranks
        self._given: dict[int, _Given] = {}
        self._numbers = count()
        self._active: _Active | None = None
        self._waiting: deque[wire.Run] = deque()
        self._ending: dict[str, wire.Cancelled | wire.Failed] = {}
        self._paused = False

    @property
    def idle(self) -> bool:
        """Whether no rank has a task."""
        return not self._given

    @property
    def saturated(self) -> bool:
        """Whether every rank has a task."""
        return all(self._load)

    def handle(self, stimulus: Stimulus) -> list[Action]:
        """What is to be done about it."""
        actions: list[Action] = []
        match stimulus:
            case wire.Run():
                self._waiting.append(stimulus)
            case wire.Cancel():
                self._end(wire.Cancelled(run=stimulus.run), actions)
            case wire.Pause():
                self._paused = True
            case wire.Resume():
                self._paused = False
            case wire.Stop():
                return [End()]
            case Reported():
                self._take(stimulus, actions)
            case _:
                assert_never(stimulus)
        self._hand_out(actions)
        self._conclude(actions)
        return actions

    def _take(self, report: Reported, actions: list[Action]) -> None:
        """A task is over."""
        given = self._given.pop(report.outcome.task)
        self._load[given.rank] -= 1
        if given.run in self._ending:
            return
        match report.outcome:
            case orders.Sampled(tally=tally):
                if self._the_active.survey.learn(tally):
                    self._sound(self._the_active, actions)
            case orders.Collected():
                found = self._the_active.survey.collect(report.data[0])
                if found is not None:
                    self._open(self._the_active, found, actions)
            case orders.Rendered() as outcome:
                self._rates.learn(given.rank, given.work, outcome.seconds)
                actions.append(Tell(message=_tiles(given, outcome, report.data)))
            case orders.Refused(reason=reason):
                self._end(wire.Failed(run=given.run, reason=reason), actions)
            case orders.Stopped():
                pass  # of a run that has ended, and was left above
            case _:
                assert_never(report.outcome)

    @property
    def _the_active(self) -> _Active:
        """The run that is on, where there must be one."""
        if self._active is None:
            raise AssertionError("a task of the coarse pass came back without a run")
        return self._active

    def _begin(self, run: wire.Run, actions: list[Action]) -> None:
        """Starts a run with its coarse pass, unless there is nothing to do."""
        active = self._active = _Active(run, len(self._ranks))
        actions.append(Tell(message=wire.Started(run=active.id)))
        limit = active.definition.max_iterations
        if not active.todo and limit is not None:
            active.queue = TileQueue(active.grid, np.zeros(len(active.grid)), ())
            actions.append(Tell(message=wire.Surveyed(run=active.id, max_iterations=limit, work=0.0, tiles=0)))
            return
        self._order_all(orders.Begin(run=active.id, definition=active.definition), actions)
        self._sound(active, actions)

    def _sound(self, active: _Active, actions: list[Action]) -> None:
        """Lets all ranks do the next round of the coarse pass."""
        step = active.survey.step
        for rank in self._ranks:
            task = next(self._numbers)
            order: orders.Sample | orders.Collect
            if isinstance(step, Decision):
                order = orders.Collect(task=task, limit=step.limit, max_iterations=step.max_iterations)
            else:
                order = orders.Sample(task=task, limit=step)
            self._give(_Given(rank=rank, run=active.id, task=order), actions)

    def _open(self, active: _Active, found: Found, actions: list[Action]) -> None:
        """The coarse pass is over: the tiles can be handed out."""
        limit, work = found.max_iterations, tile_work(found.iterations, active.definition.frame)
        active.queue = queue = TileQueue(active.grid, work, active.todo)
        tiles = len(active.todo)
        actions.append(Tell(message=wire.Surveyed(run=active.id, max_iterations=limit, work=queue.left, tiles=tiles)))
        if active.definition.max_iterations is None:
            active.definition = replace(active.definition, max_iterations=limit)
            self._order_all(orders.Begin(run=active.id, definition=active.definition), actions)

    def _end(self, message: wire.Cancelled | wire.Failed, actions: list[Action]) -> None:
        """Gives up a run; the message is told when no rank works on it any more."""
        run = message.run
        if not isinstance(self._ending.get(run), wire.Cancelled):
            self._ending[run] = message
        self._waiting = deque(other for other in self._waiting if other.run != run)
        if self._active is not None and self._active.id == run:
            self._active = None
            self._order_all(orders.Halt(run=run), actions)

    def _conclude(self, actions: list[Action]) -> None:
        """Tells which runs are over, and begins the next."""
        busy = {given.run for given in self._given.values()}
        over = [run for run in self._ending if run not in busy]
        actions.extend(Tell(message=self._ending.pop(run)) for run in over)
        active = self._active
        if active is not None and active.queue is not None and not active.queue and active.id not in busy:
            actions.append(Tell(message=wire.Rendered(run=active.id)))
            self._active = None
        if self._active is None and self._waiting and not self._ending:
            self._begin(self._waiting.popleft(), actions)
            self._conclude(actions)

    def _hand_out(self, actions: list[Action]) -> None:
        """Gives every rank one batch and one ahead."""
        active = self._active
        while active is not None and active.queue and not self._paused:
            rank = min(self._ranks, key=self._load.__getitem__)
            if self._load[rank] >= TASKS_A_RANK:
                return
            self._give_tiles(rank, active.id, active.queue, actions)

    def _give_tiles(self, rank: int, run: str, queue: TileQueue, actions: list[Action]) -> None:
        batch = queue.take(self._rates.next_work(rank, queue.left))
        actions.append(Record(tiles=batch.tiles))
        task = orders.Render(task=next(self._numbers), tiles=batch.tiles)
        self._give(_Given(rank=rank, run=run, task=task, work=batch.work), actions)

    def _give(self, given: _Given, actions: list[Action]) -> None:
        self._given[given.task.task] = given
        self._load[given.rank] += 1
        actions.append(Give(rank=given.rank, order=given.task))

    def _order_all(self, order: orders.Order, actions: list[Action]) -> None:
        actions.extend(Give(rank=rank, order=order) for rank in self._ranks)


def _tiles(given: _Given, outcome: orders.Rendered, blobs: tuple[wire.Blob, ...]) -> wire.Tiles:
    """The tiles of a batch."""
    if not isinstance(given.task, orders.Render):
        raise TypeError(f"{given.task} was answered by tiles")
    return wire.Tiles(
        run=given.run,
        rank=given.rank,
        iterations=outcome.iterations,
        seconds=outcome.seconds,
        work=given.work,
        tiles=tuple(zip(given.task.tiles, blobs, strict=True)),
    )
