"""What is to be done about what just happened to the agent's runs.

One run has the world; one more waits. `Runs.handle` takes a stimulus and gives actions; it does no I/O and knows no
clock but its argument, so that every sequence of faults can be told as a list.
"""

from collections.abc import Callable
from typing import Any, Final

from fractal_kernel.agent import actions as a
from fractal_kernel.agent import stimuli as s
from fractal_kernel.agent.phases import Phase
from fractal_kernel.agent.roster import Roster, RunState

CANCEL_LIMIT_S: Final = 5.0
"""A world that has not let go of a run after this long is ended; it takes 0.2 s when it is well."""


class Runs:
    """The agent's runs; `limit` is how many worlds in a row may be lost without a tile before a run fails."""

    def __init__(self, *, limit: int) -> None:
        self.roster = Roster()
        self._limit = limit
        self._epoch: int | None = None
        self._held: str | None = None  # the run that the world works on
        self._cancelled_at: float | None = None
        self._paused = False
        self._ending = False

    @property
    def world_holds(self) -> str | None:
        """The run that the world works on."""
        return self._held

    @property
    def ending(self) -> bool:
        """Whether the agent is about to end: nothing more is rendered."""
        return self._ending

    # ---- what happens ----------------------------------------------------------------------------------------------

    def handle(self, stimulus: s.Stimulus, now: float) -> tuple[a.Action, ...]:
        """What is to be done about this, in order; `now` is in seconds of any steady clock."""
        return (*_HANDLERS[type(stimulus)](self, stimulus, now), *self._advance())

    def _put(self, put: s.Put, _: float) -> list[a.Action]:
        run = RunState(
            id=put.run,
            digest=put.digest,
            total=put.tiles,
            acknowledged=set(put.stored),
            max_iterations=put.max_iterations,
        )
        self.roster.add(run)
        return [a.Tell(run=run.id, phase=Phase.QUEUED)]

    def _recall(self, recall: s.Recall, _: float) -> list[a.Action]:
        run = RunState(
            id=recall.run,
            digest=recall.digest,
            total=recall.tiles,
            phase=recall.phase,
            reason=recall.reason,
            message=recall.message,
            result=recall.result,
        )
        if recall.result is not None:
            run.acknowledged = set(range(recall.tiles))
            run.max_iterations = recall.result.max_iterations
        self.roster.archive(run)
        return [a.Tell(run=run.id, phase=run.phase, recalled=True)]

    def _delete(self, delete: s.Delete, now: float) -> list[a.Action]:
        run = self.roster.find_active(delete.run)
        return self._end(run, Phase.CANCELLED, now=now) if run else []

    def _world_ready(self, ready: s.WorldReady, _: float) -> list[a.Action]:
        self._epoch, self._held, self._cancelled_at = ready.epoch, None, None
        return [a.SendPause(epoch=ready.epoch)] if self._paused else []

    def _world_lost(self, lost: s.WorldLost, now: float) -> list[a.Action]:
        self._epoch, self._held, self._cancelled_at = None, None, None
        run = self.roster.first
        if run is None or self._ending or run.phase is Phase.ASSEMBLING:
            return []
        return self._again(run, lost.cause, lost.message, now)

    def _surveyed(self, surveyed: s.Surveyed, _: float) -> list[a.Action]:
        run = self._rendering(surveyed.epoch, surveyed.run)
        if run is None or run.max_iterations == surveyed.max_iterations:
            return []
        run.max_iterations = surveyed.max_iterations
        return [a.Remember(run=run.id, max_iterations=surveyed.max_iterations)]

    def _tiles_came(self, came: s.TilesCame, _: float) -> list[a.Action]:
        run = self._rendering(came.epoch, came.run)
        if run is None:
            return []
        kept, acknowledged = run.kept, run.acknowledged
        new = tuple(tile for tile in came.tiles if tile[0] not in kept and tile[0] not in acknowledged)
        kept.update(index for index, _ in new)
        return [a.KeepTiles(epoch=came.epoch, run=run.id, tiles=new)] if new else []

    def _world_free(self, free: s.WorldFree, _: float) -> list[a.Action]:
        if (free.epoch, free.run) == (self._epoch, self._held):
            self._held, self._cancelled_at = None, None
        return []

    def _world_refused(self, refused: s.WorldRefused, now: float) -> list[a.Action]:
        run = self._rendering(refused.epoch, refused.run)
        if run is None:
            return []
        self._held = None
        return self._end(run, Phase.FAILED, "RenderFailed", refused.message, now=now)

    def _acknowledged(self, acknowledged: s.Acknowledged, _: float) -> list[a.Action]:
        run = self.roster.find_active(acknowledged.run)
        if run is None:
            return []
        run.acknowledged.update(acknowledged.tiles)
        run.kept.difference_update(acknowledged.tiles)
        run.fruitless = 0
        return [a.TellProgress(run=run.id)]

    def _spool_full(self, _: s.SpoolFull, __: float) -> list[a.Action]:
        return self._pause(held_up=True)

    def _spool_room(self, _: s.SpoolRoom, __: float) -> list[a.Action]:
        return self._pause(held_up=False)

    def _store_lost(self, lost: s.StoreLost, now: float) -> list[a.Action]:
        run = self.roster.find_active(lost.run)
        return self._end(run, Phase.FAILED, lost.reason, lost.message, now=now) if run else []

    def _superseded(self, superseded: s.Superseded, now: float) -> list[a.Action]:
        run = self.roster.find_active(superseded.run)
        return self._end(run, Phase.CANCELLED, "RunConflict", superseded.message, now=now) if run else []

    def _assembled(self, assembled: s.Assembled, now: float) -> list[a.Action]:
        run = self.roster.find_active(assembled.run)
        if run is None:
            return []
        run.result = assembled.result
        return self._end(run, Phase.COMPLETE, now=now)

    def _assembly_failed(self, failed: s.AssemblyFailed, now: float) -> list[a.Action]:
        run = self.roster.find_active(failed.run)
        if run is None or run.phase is not Phase.ASSEMBLING:
            return []
        run.acknowledged -= failed.lost
        return self._again(run, "AssemblyFailed", failed.message, now)

    def _clock(self, _: s.Clock, now: float) -> list[a.Action]:
        if self._epoch is None or self._cancelled_at is None or now - self._cancelled_at < CANCEL_LIMIT_S:
            return []
        self._cancelled_at = None
        message = f"the world did not let go of run {self._held} within {CANCEL_LIMIT_S:.0f} s"
        return [a.CondemnWorld(epoch=self._epoch, message=message)]

    def _terminate(self, _: s.Terminate, now: float) -> list[a.Action]:
        self._ending = True
        actions: list[a.Action] = [
            a.DropAssembly(run=run.id) for run in self.roster.active if run.phase is Phase.ASSEMBLING
        ]
        if self._epoch is not None and self._held is not None and self._cancelled_at is None:
            self._cancelled_at = now
            actions.append(a.SendCancel(epoch=self._epoch, run=self._held))
        return actions

    def _flushed(self, _: s.Flushed, now: float) -> list[a.Action]:
        ends = [self._end(run, Phase.INTERRUPTED, now=now) for run in self.roster.active]
        return [action for actions in ends for action in actions]

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _advance(self) -> list[a.Action]:
        """The next step of the run that is on, if nothing stands in its way."""
        run, epoch = self.roster.first, self._epoch
        if run is None or self._ending:
            return []
        if run.complete and run.max_iterations is not None and run.phase is not Phase.ASSEMBLING:
            run.phase = Phase.ASSEMBLING
            return [
                a.Tell(run=run.id, phase=run.phase),
                a.Assemble(run=run.id, max_iterations=run.max_iterations),
            ]
        if run.phase is Phase.QUEUED and epoch is not None and self._held is None:
            run.phase, self._held = Phase.RENDERING, run.id
            have = frozenset(run.acknowledged | run.kept)
            return [
                a.SendRun(epoch=epoch, run=run.id, have=have, max_iterations=run.max_iterations),
                a.Tell(run=run.id, phase=run.phase),
            ]
        return []

    def _again(self, run: RunState, cause: str, message: str, now: float) -> list[a.Action]:
        """Let the run go on from what it has, unless it has been in vain too often."""
        run.losses += 1
        run.fruitless += 1
        if run.fruitless > self._limit:
            tries = "one attempt" if run.fruitless == 1 else f"{run.fruitless} attempts in a row"
            sentence = f"{tries} brought no tile; the last one: {message}"
            return self._end(run, Phase.FAILED, cause, sentence, now=now)
        run.phase = Phase.QUEUED
        return [a.TellRetry(run=run.id, cause=cause, message=message)]

    def _end(self, run: RunState, phase: Phase, reason: str = "", message: str = "", *, now: float) -> list[a.Action]:
        """Take a run from the active ones, and everything of it from world, spool and store."""
        actions: list[a.Action] = []
        if self._held == run.id and self._epoch is not None and self._cancelled_at is None:
            actions.append(a.SendCancel(epoch=self._epoch, run=run.id))
            self._cancelled_at = now
        if run.phase is Phase.ASSEMBLING and phase is not Phase.COMPLETE:
            actions.append(a.DropAssembly(run=run.id))
        if run.kept:
            actions.append(a.DropTiles(run=run.id))
            run.kept.clear()
        run.phase, run.reason, run.message = phase, reason, message
        self.roster.archive(run)
        return [*actions, a.Tell(run=run.id, phase=phase), a.Close(run=run.id, phase=phase)]

    def _pause(self, *, held_up: bool) -> list[a.Action]:
        if self._paused == held_up:
            return []
        self._paused = held_up
        actions: list[a.Action] = []
        if self._epoch is not None:
            actions.append(a.SendPause(epoch=self._epoch) if held_up else a.SendResume(epoch=self._epoch))
        return actions + [a.TellBackpressure(run=run.id, held_up=held_up) for run in self.roster.active[:1]]

    def _rendering(self, epoch: int, run: str) -> RunState | None:
        """The run that a message of the world is about; None when the message is of another time."""
        found = self.roster.find_active(run)
        return found if found and epoch == self._epoch and found.phase is Phase.RENDERING else None


_HANDLERS: Final[dict[type, Callable[[Runs, Any, float], list[a.Action]]]] = {
    s.Put: Runs._put,
    s.Recall: Runs._recall,
    s.Delete: Runs._delete,
    s.WorldReady: Runs._world_ready,
    s.WorldLost: Runs._world_lost,
    s.Surveyed: Runs._surveyed,
    s.TilesCame: Runs._tiles_came,
    s.WorldFree: Runs._world_free,
    s.WorldRefused: Runs._world_refused,
    s.Acknowledged: Runs._acknowledged,
    s.SpoolFull: Runs._spool_full,
    s.SpoolRoom: Runs._spool_room,
    s.StoreLost: Runs._store_lost,
    s.Superseded: Runs._superseded,
    s.Assembled: Runs._assembled,
    s.AssemblyFailed: Runs._assembly_failed,
    s.Clock: Runs._clock,
    s.Terminate: Runs._terminate,
    s.Flushed: Runs._flushed,
}
