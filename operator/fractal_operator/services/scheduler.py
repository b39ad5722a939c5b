"""The one task that decides about FractalJobs, and the only writer of their statuses.

Whatever is observed, by watch, by line or by answer, only changes what is known, and wakes the task; the task derives
what is to be done from all that is known, each time anew. So it doesn't matter what was missed, came twice, or failed.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Final

from fractal_api.errors import FractalError
from fractal_api.events import Event
from fractal_operator.core.backoff import delay_s
from fractal_operator.core.jobs import Job, read_job
from fractal_operator.core.milestones import recent_records
from fractal_operator.core.names import Object
from fractal_operator.core.settings import OperatorSettings
from fractal_operator.core.worlds import Quarantine, WorldView
from fractal_operator.services.jobs.archivist import Archivist
from fractal_operator.services.jobs.board import Board
from fractal_operator.services.jobs.census import ApiServer, Census
from fractal_operator.services.jobs.clerk import Clerk
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.jobs.couriers import Agents, Couriers
from fractal_operator.services.jobs.ears import Ears
from fractal_operator.services.jobs.hands import JobHands
from fractal_operator.services.jobs.job_rounds import JobRounds
from fractal_operator.services.jobs.ledger import Ledger
from fractal_operator.services.jobs.placing import Placing
from fractal_operator.services.jobs.workshop import Workshop
from fractal_operator.services.jobs.world_rounds import WorldRounds
from fractal_operator.services.metrics import Metrics
from fractal_operator.services.recorder import Recorder
from fractal_operator.services.sweeps import Store, Sweeps

_logger: Final = logging.getLogger(__name__)

LONGEST_SLEEP_S: Final = 60.0
SHORTEST_SLEEP_S: Final = 0.02
"""So long at least does time alone let it sleep; news wake it at once."""

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 5.0


class Scheduler:
    """Decides. All methods but `run` and `changed` return at once; it is the worlds' `core.worlds.WorldBoard`."""

    def __init__(  # noqa: PLR0913 - whom it works with
        self,
        *,
        api: ApiServer,
        agents: Agents,
        results: Store,
        recorder: Recorder,
        metrics: Metrics,
        settings: OperatorSettings,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._metrics = metrics
        self._recorder = recorder
        self._woken = asyncio.Event()
        self._told_clients: dict[str, Mapping[str, str] | None] = {}
        self._listed = asyncio.Event()
        self.ledger = Ledger()
        self.board = Board(self.ledger, self._clock, self._woken.set)
        self._placing = Placing(self.ledger, self.board, self._clock, limit=settings.max_running)
        self._archivist = Archivist(results, self._clock, told=self.board.told, troubled=self.board.troubled)
        hands = JobHands(self.board, self._placing, self._archivist, recorder, metrics)
        self.ledger.noticed = hands.noticed
        self._clerk = Clerk(api, self.ledger, self._clock, hands, self._lost)
        self._couriers = Couriers(agents, self.board, self._archivist, self._clock)
        self._ears = Ears(self.board, self._archivist, metrics, self._clock)
        shop = Workshop(
            ledger=self.ledger,
            board=self.board,
            clerk=self._clerk,
            placing=self._placing,
            archivist=self._archivist,
            clock=self._clock,
        )
        self._jobs = JobRounds(shop)
        self._worlds = WorldRounds(shop, progress_s=settings.progress_s)
        self._census = Census(api, self._clock)
        self._sweeps = Sweeps(self._census, results, self._jobs, self._clock, every_s=settings.sweep_s)

    # ---- what is observed ------------------------------------------------------------------------------------------

    def observe_job(self, event_type: str | None, obj: Object) -> None:
        """Take notice of a FractalJob, its change or its deletion."""
        self._see(read_job(obj), deleted=event_type == "DELETED")
        self._woken.set()

    def observe_client_namespace(self, name: str, labels: Mapping[str, str] | None) -> None:
        """Take notice of a Kubernetes namespace; None when it is gone."""
        self._told_clients[name] = labels
        if labels is None:
            self._placing.clients.pop(name, None)
        else:
            self._placing.clients[name] = dict(labels)
        self._woken.set()

    def hear(self, world: str, incarnation: str, event: Event) -> None:
        """Take notice of a line of a world's agent."""
        self._ears.hear(world, incarnation, event)

    async def listed(self) -> None:
        """See `WorldBoard`."""
        await self._listed.wait()

    def put_world(self, view: WorldView) -> None:
        """See `WorldBoard`."""
        self.board.put_world(view)

    def drop_world(self, name: str) -> None:
        """See `WorldBoard`."""
        self.board.drop_world(name)

    def job_on(self, name: str) -> str | None:
        """See `WorldBoard`."""
        return self.board.job_on(name)

    def interrupt(self, name: str, message: str) -> None:
        """See `WorldBoard`."""
        self.board.interrupt(name, message)

    def quarantine_of(self, name: str) -> Quarantine | None:
        """See `WorldBoard`."""
        return self.board.quarantine_of(name)

    def lift_quarantine(self, name: str) -> None:
        """See `WorldBoard`."""
        self.board.lift_quarantine(name)

    async def changed(self, name: str) -> None:
        """See `WorldBoard`."""
        await self.board.changed(name)

    def waits(self) -> list[Job]:
        """The jobs that only a world is missing for, in their order."""
        return self._placing.queue()

    # ---- its life --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Decide, for ever; nothing is decided before every job is known."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._recorder.run(), name="recorder")
                group.create_task(self._decide(), name="decisions")
                group.create_task(self._sweeps.run(), name="sweeps")
        finally:
            await self._couriers.close()
            await self._archivist.close()

    async def _decide(self) -> None:
        troubles, first = 0, True
        while True:
            self._woken.clear()
            try:
                if self._census.is_due():
                    await self._list(first=first)
                    first = False
                    self._listed.set()
                await self._cycle()
                troubles = 0
            except FractalError as error:  # even what no retry helps against may be put right by people
                troubles += 1
                pause_s = delay_s(troubles, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)
                _logger.warning("decisions wait for %.1f s: %s", pause_s, error)
                await asyncio.sleep(pause_s)
            else:
                await self._sleep()

    async def _cycle(self) -> None:
        """Look at everything that may have changed, and begin what is to be done."""
        try:
            await self._jobs.review()
            await self._worlds.settle()
            await self._jobs.place()
        except FractalError:
            self._couriers.dispatch()  # agents are asked all the same
            raise
        self._couriers.dispatch()
        self._measure()
        await self._jobs.explain(self._woken.is_set)

    async def _sleep(self) -> None:
        due = min(self._jobs.next_at(), self._worlds.next_at(), self._clerk.next_at(), self._census.next_at)
        wait_s = min(LONGEST_SLEEP_S, max(SHORTEST_SLEEP_S, due - self._clock.monotonic()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._woken.wait()

    async def _list(self, *, first: bool) -> None:
        """Know every job that there is, and none that is no more."""
        self._told_clients.clear()
        clients = await self._census.clients() | self._told_clients
        self._placing.clients = {name: labels for name, labels in clients.items() if labels is not None}
        listed = await self._census.jobs()
        self._census.done()
        for job in listed.jobs.values():
            self._see(job, deleted=False)
        for job in self.ledger:
            if listed.lacks(job):
                self._lost(job)
        if first:
            now = self._clock.now()
            for job in self.ledger:
                for record in recent_records(job, now):
                    self._recorder.record(job, record)

    def _see(self, job: Job, *, deleted: bool) -> None:
        self.ledger.keep(job)
        if deleted or job.deleting:
            self._lost(self.ledger.get(job.uid) or job)

    def _lost(self, job: Job) -> None:
        """A job is no more."""
        if self.ledger.drop(job.uid):
            self._placing.forget(job.uid)
            self._clerk.bury(job.uid)
            self._clerk.see_off(job)
            self.board.ring(job.world)
            self._woken.set()

    def _measure(self) -> None:
        waiting = tuple(self.ledger.waiting())
        oldest = min((job.created for job in waiting), default=None)
        oldest_s = (self._clock.now() - oldest).total_seconds() if oldest else 0.0
        self._metrics.queued(len(waiting), oldest_s=max(0.0, oldest_s))
