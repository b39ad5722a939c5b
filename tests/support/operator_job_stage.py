"""A stage for the life of jobs: the shipped scheduler among fakes of everything that it reaches, in made-up time."""

import asyncio
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from support.operator_agent_fake import TILE_WIDTH, AgentFake
from support.operator_clockwork import MadeUpClock
from support.operator_job_server import CALL_S, ApiOf, JobServer
from support.operator_store_fake import StoreFake

from fractal_api import events as e
from fractal_api.conditions import Condition
from fractal_api.jobs import FractalJobStatus
from fractal_api.metadata import LabelSelector
from fractal_api.storage import ResultRecord
from fractal_operator.adapters.results import Inventory
from fractal_operator.core import answers as w
from fractal_operator.core.jobs import read_job, run_id
from fractal_operator.core.lifecycle import State, state_of
from fractal_operator.core.settings import OperatorSettings
from fractal_operator.core.worlds import AgentRef, Quarantine, WorldView
from fractal_operator.services.metrics import Metrics
from fractal_operator.services.recorder import Recorder
from fractal_operator.services.scheduler import Scheduler

SPEC: Final = {"fractal": {"type": "Mandelbrot"}}
LINE_S: Final = 0.02
NOTICE_S: Final = 0.05


class WorldFake:
    """A world: its agent, which may be another one tomorrow, and what the world's keeper tells of it."""

    def __init__(self, stage: "Stage", name: str, labels: dict[str, str], allowed: LabelSelector | None) -> None:
        self.stage = stage
        self.name = name
        self.labels = labels
        self.allowed = allowed
        self.takes_runs = True
        self.why_not = ""
        self.quarantine: Quarantine | None = None
        """What its status says."""
        self.agent: AgentFake | None = None
        self.noticed: AgentFake | None = None
        self.lines_lost = False
        self.said: list[tuple[str, e.Event]] = []

    @property
    def view(self) -> WorldView:
        return WorldView(
            name=self.name,
            uid=f"uid-{self.name}",
            labels=self.labels,
            allowed_namespaces=self.allowed,
            takes_runs=self.takes_runs and self.noticed is not None,
            why_not=self.why_not or ("" if self.noticed else "is starting"),
            agent=None if self.noticed is None else _ref(self.name, self.noticed),
            quarantine=self.quarantine,
        )

    def boot(self) -> AgentFake:
        """A new pod, with a new agent."""
        self.agent = AgentFake(
            f"{self.name}-pod-{next(self.stage.numbers)}", next(self.stage.numbers), self.stage.store, self._say
        )
        self.stage.agents[self.agent.incarnation] = self.agent
        self.notice()
        return self.agent

    def die(self) -> None:
        """The pod is gone, at once."""
        if self.agent is not None:
            self.agent.kill()
            self.agent = None
        self.notice()

    def notice(self) -> None:
        """Let its keeper see it, soon."""
        self.stage.later(NOTICE_S, self._tell)

    def _tell(self) -> None:
        self.noticed = self.agent
        for operator in self.stage.operators:
            if self.name in self.stage.worlds:
                operator.see(self)

    def _say(self, incarnation: str, event: e.Event) -> None:
        self.said.append((incarnation, event))
        if self.lines_lost or not self.stage.agents[incarnation].heard:
            return
        for operator in self.stage.operators:
            self.stage.later(operator.line_s, partial(operator.hear, self.name, incarnation, event))


class OperatorFake:
    """One replica that leads (or believes so): the shipped scheduler with its own view of everything."""

    def __init__(self, stage: "Stage", name: str) -> None:
        self.stage = stage
        self.dead = False
        self.lag_s = 0.01
        self.line_s = LINE_S
        self.errand_s = CALL_S
        self.crash_in: int | None = None
        self.known: list[tuple[float, str, str]] = []
        """When it was told of which world's agent."""
        self._held: list[tuple[str | None, dict[str, Any]]] = []
        self.watch_held = False
        clock = MadeUpClock(asyncio.get_running_loop())
        api = ApiOf(stage.server, self.gate, self)
        self.scheduler = Scheduler(
            api=api,
            agents=self,
            results=self,
            recorder=Recorder(api, clock, instance=name),
            metrics=Metrics(clock=clock.monotonic),
            settings=OperatorSettings.from_environment(stage.environment),
            clock=clock,
        )
        stage.server.listeners.append(self.watch)
        self.task = asyncio.get_running_loop().create_task(self.scheduler.run())
        for job in stage.server.items(""):
            self.watch(None, job)
        for world in stage.worlds.values():
            stage.later(NOTICE_S, partial(self.see, world))

    async def gate(self, _: str) -> None:
        """A moment at which time passes, and at which the replica may die."""
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in <= 0:
                self.kill()
        if self.dead:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(CALL_S / 2)

    def kill(self) -> None:
        """It dies, in the middle of whatever it does."""
        if not self.dead:
            self.dead = True
            self.stage.server.listeners.remove(self.watch)
            self.stage.operators.remove(self)
            self.task.cancel()

    def watch(self, kind: str | None, job: dict[str, Any]) -> None:
        self.stage.later(self.lag_s, partial(self._arrives, kind, job))

    def catch_up(self) -> None:
        """The watch goes on, and tells all that it held back."""
        self.watch_held = False
        held, self._held = self._held, []
        for kind, job in held:
            self._arrives(kind, job)

    def _arrives(self, kind: str | None, job: dict[str, Any]) -> None:
        if self.watch_held:
            self._held.append((kind, job))
        elif not self.dead:
            self.scheduler.observe_job(kind, job)

    def see(self, world: WorldFake) -> None:
        if not self.dead:
            agent = world.view.agent
            self.known.append((asyncio.get_running_loop().time(), world.name, agent.incarnation if agent else ""))
            self.scheduler.put_world(world.view)

    def hear(self, world: str, incarnation: str, event: e.Event) -> None:
        if not self.dead:
            self.scheduler.hear(world, incarnation, event)

    # ---- the way to agents -----------------------------------------------------------------------------------------

    async def do(self, agent: AgentRef, errand: w.Errand) -> w.Answer:
        await self.gate("before an errand")
        await asyncio.sleep(self.errand_s)
        fake = self.stage.agents.get(agent.incarnation)
        if fake is None or not fake.alive:
            return w.Away(message="its agent can't be reached")
        if not fake.reachable:
            await asyncio.sleep(5.0)
            return w.Away(message="its agent did not answer within 5 s")
        answer = fake.do(errand)
        await self.gate("after an errand")
        return answer

    # ---- the way to the store --------------------------------------------------------------------------------------

    async def record(self, uid: str) -> ResultRecord | None:
        await self.gate("before a record")
        return self.stage.store.read(uid)

    async def forget(self, uid: str, attempts: int) -> None:
        del attempts
        await self.gate("before forgetting")
        self.stage.store.forget(uid)

    async def take_inventory(self) -> Inventory:
        await self.gate("before an inventory")
        return self.stage.store.inventory()

    async def unlink(self, keys: list[str]) -> int:
        await self.gate("before unlinking")
        return self.stage.store.unlink(keys)


class Stage:
    """Everything. `environment` is the operators'."""

    def __init__(self, **environment: str) -> None:
        self.environment = environment
        self.server = JobServer()
        self.store = StoreFake()
        self.worlds: dict[str, WorldFake] = {}
        self.operators: list[OperatorFake] = []
        self.numbers = itertools.count(1)
        self.agents: dict[str, AgentFake] = {}
        """Every agent that there ever was, by its incarnation."""

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_later(seconds, call)

    def add_world(
        self, name: str, labels: dict[str, str] | None = None, allowed: LabelSelector | None = None
    ) -> WorldFake:
        world = self.worlds[name] = WorldFake(self, name, labels or {}, allowed)
        world.boot()
        return world

    def drop_world(self, name: str) -> None:
        world = self.worlds.pop(name)
        if world.agent is not None:
            world.agent.kill()
        for operator in self.operators:
            operator.scheduler.drop_world(name)

    def start_operator(self) -> OperatorFake:
        operator = OperatorFake(self, f"replica-{next(self.numbers)}")
        self.operators.append(operator)
        return operator

    def submit(self, name: str, *, tiles: int = 1, **execution: object) -> str:
        """The uid of a new job."""
        spec = SPEC | {"image": {"width": tiles * TILE_WIDTH, "height": 64}}
        job = self.server.create(name, spec | ({"execution": execution} if execution else {}))
        return str(job["metadata"]["uid"])

    def set_execution(self, name: str, **values: object) -> None:
        def change(spec: dict[str, Any]) -> None:
            spec["execution"] = spec.get("execution", {}) | values

        self.server.edit(name, change)

    # ---- what there is to see --------------------------------------------------------------------------------------

    def status(self, name: str) -> FractalJobStatus:
        return read_job(self.server.jobs[name]).status

    def state(self, name: str) -> State:
        return state_of(self.status(name))

    def condition(self, name: str, kind: str) -> Condition:
        found = read_job(self.server.jobs[name]).condition(kind)
        assert found is not None
        return found

    def events(self, name: str) -> list[str]:
        """The reasons of the Events about a job, in their order."""
        return [event["reason"] for event in self.server.events.values() if event["involvedObject"]["name"] == name]

    def strays(self) -> set[str]:
        """Runs that are on though they are no job's current attempt."""
        wanted = set()
        for job in self.server.jobs.values():
            read = read_job(job)
            if state_of(read.status) in {State.ASSIGNED, State.RUNNING}:
                wanted.add((read.world, run_id(read.uid, read.attempt)))
        return {
            run.id
            for world in self.worlds.values()
            if world.agent is not None
            for run in world.agent.active
            if (world.name, run.id) not in wanted
        }

    async def until(self, condition: Callable[[], bool], *, within_s: float = 60.0) -> float:
        """The seconds until the condition held; an AssertionError after so many."""
        start = asyncio.get_running_loop().time()
        while not condition():
            if asyncio.get_running_loop().time() - start > within_s:
                raise AssertionError(f"it did not come to that within {within_s} s")
            await asyncio.sleep(0.05)
        return asyncio.get_running_loop().time() - start

    async def ends(self, name: str, state: State = State.COMPLETE, *, within_s: float = 60.0) -> None:
        """Return when the job is in that state."""
        await self.until(lambda: name in self.server.jobs and self.state(name) is state, within_s=within_s)

    def close(self) -> None:
        for operator in tuple(self.operators):
            operator.kill()


def _ref(world: str, agent: AgentFake) -> AgentRef:
    return AgentRef(url=f"http://{world}", token="", incarnation=agent.incarnation)
