"""One story of faults: a run is put, things are killed at chosen moments, and the run must end as if nothing was."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from support.agent_process import AgentProcess, Place, until
from support.joined_ledger import JoinedLedger, acknowledged_so_far
from support.truth import Truth

from fractal_kernel.store.file_store import FileStore
from fractal_kernel.store.interface import RunKey

RUN: Final = "picture-1"
KEY: Final = RunKey(install="default", uid="picture", attempt=1)

FLYING_A_RANK: Final = 128
"""Tiles that may be on the way for each rank, and once more for the agent: two batches of at most 50 ms, and change.

That is 40 where a core does a thousand tiles in a second, and 90 where it does four times as many.
"""


class Victim(StrEnum):
    """What is killed, besides ranks, which are numbers."""

    MPIRUN = "mpirun"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What dies by SIGKILL, when this share of the tiles is acknowledged."""

    victim: Victim | int
    share: float

    def __str__(self) -> str:
        return f"{self.victim if isinstance(self.victim, Victim) else f'rank {self.victim}'} at {self.share:.0%}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Tiles that were on the way when something died, and tiles that were rendered more than once."""

    in_flight: int
    rendered_anew: int


def render_through(place: Place, truth: Truth, ranks: int, faults: Sequence[Fault]) -> Outcome:
    """Render a picture through faults, in their order; what must hold is asserted on the way."""
    in_flight = 0
    agent = AgentProcess(place, ranks=ranks)
    try:
        agent.put(RUN, truth.spec)
        for fault in faults:
            wanted = int(fault.share * truth.tiles)
            until(lambda: acknowledged_so_far(place.ledger) >= wanted, f"{wanted} tiles")  # noqa: B023 - called at once
            agent, flying = _kill(agent, fault.victim, ranks, truth)
            assert flying <= FLYING_A_RANK * (ranks + 1), f"{flying} tiles were in flight"
            in_flight += flying
        view = agent.wait_for_end(RUN)
        assert view["phase"] == "Complete", (view, agent.errors())
        assert agent.stop() == 0
    finally:
        agent.end()
    check_picture(place, truth, view)
    ledger = JoinedLedger(place.ledger)
    assert ledger.rendered_after_acknowledged() == []
    anew = sum(count - 1 for count in ledger.handed_out().values())
    assert anew <= in_flight, f"{anew} tiles were rendered anew, {in_flight} were in flight"
    until(lambda: not place.leftovers(), "nothing is left over")
    return Outcome(in_flight=in_flight, rendered_anew=anew)


def check_picture(place: Place, truth: Truth, view: dict[str, Any]) -> None:
    """AssertionError unless the store has the very picture, to the byte."""
    assert view["result"]["pixelsSha256"] == truth.pixels_sha256
    assert asyncio.run(_stored_image(place)) == truth.image


def _kill(agent: AgentProcess, victim: Victim | int, ranks: int, truth: Truth) -> tuple[AgentProcess, int]:
    """Kill, and see to it that somebody goes on: the agent for the run, and the tiles that were in flight."""
    if victim is Victim.AGENT:
        agent.process.kill()
        agent.process.wait()
        until(lambda: not agent.place.processes(), "the world dies with its agent", deadline_s=30)
        stored = _acknowledged_in_store(agent.place, truth)
        ledger = JoinedLedger(agent.place.ledger)
        assert ledger.acknowledged() <= stored, "what was acknowledged is in the store"
        ledger.join(stored)
        agent = AgentProcess(agent.place, ranks=ranks)
        agent.put(RUN, truth.spec)
        return agent, len(set(ledger.handed_out()) - stored)
    pid = agent.mpirun if victim is Victim.MPIRUN else agent.ranks[victim]
    os.kill(pid, signal.SIGKILL)
    epoch = _newest(agent.place)  # the world that died, or one before it: the next one takes a while to start
    until(lambda: _newest(agent.place) > epoch or agent.view(RUN)["phase"] == "Complete", "the run goes on")
    ledger = JoinedLedger(agent.place.ledger)
    handed_out = {line.tile for line in ledger.lines if line.kind == "R" and line.epoch <= epoch}
    return agent, len(handed_out - ledger.acknowledged_by(epoch))


def _newest(place: Place) -> int:
    return max(line.epoch for line in JoinedLedger(place.ledger).lines)


def _acknowledged_in_store(place: Place, truth: Truth) -> frozenset[int]:
    """What the store itself says, while no agent lives."""

    async def read() -> frozenset[int]:
        store = FileStore(place.store)
        try:
            stored = await store.open_run(KEY, truth.key)
            return frozenset(range(truth.tiles)) if stored.result else stored.acknowledged
        finally:
            await store.close()

    return asyncio.run(read())


async def _stored_image(place: Place) -> bytes:
    store = FileStore(place.store)
    try:
        return b"".join([chunk async for chunk in store.read_image(KEY)])
    finally:
        await store.close()
