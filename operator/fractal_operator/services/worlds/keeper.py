"""Keeps one world: looks, decides, does, reports; wakes when anything about the world changes, or its time comes."""

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import Final

from fractal_api.errors import FractalError, TemporaryError
from fractal_operator.adapters.api_errors import Conflict
from fractal_operator.core.backoff import delay_s
from fractal_operator.core.names import Object
from fractal_operator.core.troubles import NO_TROUBLES, Troubles
from fractal_operator.core.world_life import Decision, Memory, Stage, World, decide
from fractal_operator.core.world_order import Order, read_order
from fractal_operator.core.world_report import Refusal, Report, read_quarantine
from fractal_operator.core.world_scene import PodSeen, master
from fractal_operator.services.log_context import bound
from fractal_operator.services.worlds.footing import Footing, FootingKeeper
from fractal_operator.services.worlds.hands import Hands
from fractal_operator.services.worlds.post import Post
from fractal_operator.services.worlds.reporter import Reporter, draining_since, read_status
from fractal_operator.services.worlds.sight import Sight, version
from fractal_operator.services.worlds.tools import Tools

LOOK_S: Final = 60.0
"""How often a world is looked at though nothing was told of it: its Secret isn't watched."""

MISSING_S: Final = 5.0
"""How often it is asked why pods are not made: events of other namespaces aren't watched."""

QUIET_S: Final = 0.05
"""Events come in bursts; one look is enough for those that come in this time."""

FIRST_RETRY_S: Final = 0.25
MOST_RETRY_S: Final = 10.0

logger: Final = logging.getLogger(__name__)


class Keeper:
    """One FractalNamespace's world, from its creation until it is let go."""

    def __init__(self, tools: Tools, obj: Object) -> None:
        self._tools = tools
        self._obj = obj
        self.name: str = obj["metadata"]["name"]
        self.uid: str = obj["metadata"]["uid"]
        self.released = asyncio.Event()
        self._wake = asyncio.Event()
        self._news = asyncio.Event()
        self._words = ""
        self._troubles: Troubles = NO_TROUBLES
        self._memory = Memory(draining_since=draining_since(obj))
        self._sight = Sight(tools.api, self.name)
        self._hands = Hands(tools, self._sight)
        self._footing = FootingKeeper(tools, self._sight, self._hands)
        self._post = Post(tools.board, self.name)
        self._reporter = Reporter(tools)

    # ---- what is told ----------------------------------------------------------------------------------------------

    def observe(self, obj: Object) -> None:
        """Take notice of the FractalNamespace."""
        if version(obj) >= version(self._obj):
            self._obj = obj
            self._wake.set()

    def observe_child(self, kind: str, obj: Object, *, gone: bool) -> None:
        """Take notice of an object of the world."""
        if self._footing.observe(self.name, kind, obj, gone=gone) or self._sight.observe(kind, obj, gone=gone):
            self._wake.set()
            self._spread()

    def tell(self, words: str) -> None:
        """Take notice of what the agent says of its world."""
        if words != self._words:
            self._words = words
            self._wake.set()

    def wake(self) -> None:
        """Look at the world at once."""
        self._wake.set()

    @property
    def agent_pod(self) -> PodSeen | None:
        """The pod with the agent, as it was last seen."""
        return master(self._sight.pods())

    def incarnation(self, uid: str) -> str:
        """What the agent in the pod of that uid is called now; empty when there is no such pod any more."""
        return next((pod.incarnation for pod in self._sight.pods() if pod.uid == uid), "")

    async def agent(self) -> PodSeen:
        """The pod with the agent, as soon as it has an address."""
        while (pod := self.agent_pod) is None or not pod.ip:
            await self._news.wait()
        return pod

    def _spread(self) -> None:
        """Wake whoever waits for news of the pods."""
        self._news.set()
        self._news = asyncio.Event()

    # ---- what is done ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the world until it is let go. Whatever fails is tried again, a little later each time."""
        with bound(world=self.name):
            following = asyncio.create_task(self._follow_board())
            try:
                await self._keep()
            finally:
                following.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await following

    async def _keep(self) -> None:
        await self._tools.board.listed()
        while not self.released.is_set():
            self._wake.clear()
            try:
                again_s = await self._look()
            except Conflict as error:  # somebody was faster, kopf perhaps; what it did comes as an event
                logger.debug("looking at the world again: %s", error)
                again_s = await self._fail(error)
            except FractalError as error:
                logger.warning("the world can't be looked after at the moment: %s", error)
                again_s = await self._fail(error)
            except Exception as error:
                logger.exception("looking after the world failed; it is tried again")
                again_s = await self._fail(error)
            await self._rest(again_s)

    async def _look(self) -> float:
        """One look; after how long the next one is due, though nothing be told."""
        order = self._read()
        if order.lifts_quarantine:
            self._tools.board.lift_quarantine(self.name)
        footing = await self._footing.stand(order)
        if footing.own:
            await self._see(leaving=order.leaving_at is not None)
        report = self._decide(order, footing)
        decision = report.decision
        self._memory = decision.memory
        if decision.stage is Stage.GONE:
            self._post.withdraw()
            self.released.set()
            return 0.0
        if decision.interrupt:
            self._tools.board.interrupt(self.name, decision.interrupt)
        if order.plan is not None and footing.secret is not None:
            await self._hands.act(order.plan, footing.secret, decision)
        told = self._trouble() is not None
        if told:
            report = self._judge(order, footing, believed=False)
        self._obj, more_s = await self._reporter.report(self._obj, report)
        if order.lifts_quarantine:
            self._obj = await self._reporter.tick_off_lift(self._obj)
        self._troubles = NO_TROUBLES
        if told:  # only now may a run begin there, which the next look says
            return 0.0
        missing_s = MISSING_S if self._sight.missing else None
        dues = (LOOK_S, self._footing.due_s(self._tools.clock()), decision.again_s, more_s, missing_s)
        return min(due for due in dues if due is not None)

    async def _fail(self, error: Exception) -> float:
        """Take notice of a failure, and tell people when it is not the first; after how long to try again."""
        words = str(error) if isinstance(error, FractalError) else f"{type(error).__name__}, see the operator's log"
        permanent = not isinstance(error, TemporaryError)
        self._troubles = self._troubles.and_one(words, self._tools.clock(), permanent=permanent)
        try:
            order = self._read()
            if order.leaving_at is None and (trouble := self._trouble()) is not None:
                report = self._decide(order, replace(self._footing.last_known(), refusal=trouble))
                self._obj, _ = await self._reporter.report(self._obj, report)
        except FractalError as unwritten:
            logger.debug("nor can that be told: %s", unwritten)
        except Exception:
            logger.exception("nor can that be told")
        return delay_s(self._troubles.count, first_s=FIRST_RETRY_S, most_s=MOST_RETRY_S)

    def _trouble(self) -> Refusal | None:
        return self._troubles.refusal(self._tools.clock())

    async def _see(self, *, leaving: bool) -> None:
        """Look at StatefulSet and pods. What hinders that may not keep a world that leaves."""
        try:
            await self._sight.refresh(self._tools.clock())
            await self._sight.ask_why()
        except FractalError:
            if not leaving:
                raise
        self._spread()

    def _read(self) -> Order:
        order = read_order(self._obj, self._tools.home)
        if order.leaving_at is not None and self._tools.farewell.is_set():
            return replace(order, leaving_at=0.0)  # its drain is over
        return order

    def _decide(self, order: Order, footing: Footing) -> Report:
        """What is to be done. Whoever places jobs is told first, so that no run begins on what is to be replaced."""
        report = self._judge(order, footing)
        written = None if order.lifts_quarantine else read_quarantine(read_status(self._obj))
        self._post.send(order, report, self.agent_pod, footing.secret, written)
        board = self._tools.board
        if (board.job_on(self.name), board.quarantine_of(self.name)) != (report.world.job, report.quarantine):
            report = self._judge(order, footing)
        return report

    def _judge(self, order: Order, footing: Footing, *, believed: bool = True) -> Report:
        """What is to be done; `believed` says that what failed lately may fail again."""
        world = World(
            now=self._tools.clock(),
            nodes=order.spec.nodes,
            revision=footing.revision,
            found_set=self._sight.found_set(footing.revision),
            pods=self._sight.pods(),
            job=self._tools.board.job_on(self.name),
            drain=order.spec.drain,
            drain_timeout_s=order.spec.drain_timeout_seconds,
            start_deadline_s=order.spec.start_deadline_seconds,
            leaving_at=order.leaving_at,
            words=self._words,
            complaint=self._sight.complaint,
        )
        trouble = self._trouble() if believed and order.leaving_at is None else None
        if footing.refusal is not None and order.leaving_at is None:
            message, draining = footing.refusal.message, self._memory.draining_since is not None
            decision = Decision(stage=Stage.STARTING, message=message, memory=self._memory, draining=draining)
        else:
            decision = decide(world, self._memory)
        if trouble is not None:
            decision = replace(decision, takes_runs=False)
        return Report(
            name=self.name,
            generation=order.generation,
            slots_per_node=order.spec.slots_per_node,
            world=world,
            decision=decision,
            quarantine=self._tools.board.quarantine_of(self.name),
            refusal=footing.refusal or trouble,
        )

    async def _rest(self, again_s: float) -> None:
        """Wait until something is told, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(again_s):
                await self._wake.wait()
        if not self.released.is_set():
            await asyncio.sleep(QUIET_S)

    async def _follow_board(self) -> None:
        """Wake when the world's job or quarantine changed."""
        failures = 0
        while True:
            try:
                await self._tools.board.changed(self.name)
                failures = 0
            except Exception:
                failures += 1
                logger.exception("the board of jobs can't be followed; it is tried again")
                await asyncio.sleep(delay_s(failures, first_s=FIRST_RETRY_S, most_s=MOST_RETRY_S))
            self._wake.set()
