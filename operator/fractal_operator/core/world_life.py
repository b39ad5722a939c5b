"""What a world is to do next: one decision from what is seen of it and what is remembered, without doing anything.

The order of the questions is the order of precedence: leaving, rollout, resting, giving up, starting, being ready. A
drain and its deadline go across all of them.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from fractal_operator.core.rollout import Step, plan_step
from fractal_operator.core.start_tries import NO_TRIES, Tries, next_try
from fractal_operator.core.world_scene import PodSeen, SetSeen, master

INTERRUPT_S: Final = 30.0
"""How long an interrupted run may take to let go of a world that is being deleted."""


class Stage(StrEnum):
    """Where a world is in its life."""

    RESTING = "resting"
    STARTING = "starting"
    READY = "ready"
    LOST = "lost"
    PENDING = "pending"
    GIVEN_UP = "given up"
    LEAVING = "leaving"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision is made from. Times are seconds since 1970; `revision` is of the template that is wanted.

    `words` is what the agent last said of its world, and `complaint` why pods are not made, for people. `leaving_at` is
    when the deletion was asked for.
    """

    now: float
    nodes: int
    revision: str
    found_set: SetSeen | None = None
    pods: tuple[PodSeen, ...] = ()
    job: str | None = None
    drain: bool = False
    drain_timeout_s: float = 300
    start_deadline_s: float = 120
    leaving_at: float | None = None
    words: str = ""
    complaint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a world's keeper remembers from one decision to the next; `revision` is what the tries were about."""

    revision: str = ""
    was_ready: bool = False
    draining_since: float | None = None
    tries: Tries = NO_TRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, in this order: take no more runs unless `takes_runs`, interrupt the run, apply the set, delete pods.

    `message` is a sentence's rest after "the world". `again_s` is when time alone may change the decision.
    """

    stage: Stage
    message: str
    memory: Memory
    takes_runs: bool = False
    draining: bool = False
    interrupt: str = ""
    apply_replicas: int | None = None
    delete: tuple[PodSeen, ...] = ()
    again_s: float | None = None


def decide(world: World, memory: Memory) -> Decision:
    """The next step of a world."""
    if world.leaving_at is not None:
        return _leave(world, world.leaving_at, memory)
    memory = _note_drain(world, memory)
    return _drain(world, _keep(world, memory))


def _keep(world: World, memory: Memory) -> Decision:
    """The decision, as if nobody had asked for a drain."""
    if world.revision != memory.revision:  # what was in vain may not be so any more
        memory = replace(memory, revision=world.revision, tries=NO_TRIES)
    resting = memory.tries.resting(world.now)
    target = 0 if resting else world.nodes
    step = plan_step(world.revision, target, world.found_set, world.pods)
    if step.replaces and world.job is not None:
        return _pend(world, memory, step)
    memory = replace(memory, was_ready=memory.was_ready and not step.replaces)
    decision = _appear(world, memory, target, replaced=step.replaces)
    if step.apply and decision.apply_replicas is None:
        decision = replace(decision, apply_replicas=target)
    return replace(decision, delete=step.delete)


def _appear(world: World, memory: Memory, target: int, *, replaced: bool) -> Decision:
    """What the world is, once so many pods are asked for."""
    if target == 0:
        return _rest(world, memory)
    if all_ready(world) and not replaced:
        fresh = replace(memory, was_ready=True, tries=NO_TRIES)
        return Decision(stage=Stage.READY, message=f"is ready with {_pods(world.nodes)}", memory=fresh, takes_runs=True)
    return _start(world, memory)


def all_ready(world: World) -> bool:
    """Whether all pods of the wanted revision are ready, and no others are there."""
    first = master(world.pods)
    return (
        len(world.pods) == world.nodes
        and all(pod.ready and pod.revision == world.revision for pod in world.pods)
        and first is not None
        and bool(first.ip)
    )


def _rest(world: World, memory: Memory) -> Decision:
    """A world without pods: it was asked for none, or could not be started."""
    if world.nodes == 0:
        fresh = replace(memory, was_ready=False, tries=NO_TRIES)
        return Decision(stage=Stage.RESTING, message="rests: spec.nodes is 0", memory=fresh)
    left_s = max(0.0, memory.tries.again_at - world.now)
    message = (
        f"could not be started: {memory.tries.reason}; it is tried again {memory.tries.delay_s / 60:.0f} min later"
    )
    return Decision(stage=Stage.GIVEN_UP, message=message, memory=memory, again_s=left_s)


def _pend(world: World, memory: Memory, step: Step) -> Decision:
    message = f"takes no new job: its pods are to be replaced, which waits for {world.job}"
    # Somebody may have taken away or changed what the run needs; that is put right at once.
    return Decision(stage=Stage.PENDING, message=message, memory=memory, apply_replicas=step.restore_replicas)


def _start(world: World, memory: Memory) -> Decision:
    """A world whose pods are not all ready: it starts, or was lost; and is given up when that takes too long."""
    tries = memory.tries.begin(world.now)
    memory = replace(memory, tries=tries)
    stage = Stage.LOST if memory.was_ready else Stage.STARTING
    left_s = tries.since + world.start_deadline_s - world.now if tries.since is not None else world.start_deadline_s
    message = progress(world)
    if left_s > 0:
        return Decision(stage=stage, message=message, memory=memory, again_s=left_s)
    reason = f"after {world.start_deadline_s:.0f} s it {message}"
    if world.job is not None:
        told = f"the world was not ready within {world.start_deadline_s:.0f} s: {message}"
        return Decision(stage=stage, message=message, memory=memory, interrupt=told, again_s=INTERRUPT_S)
    given_up = replace(memory, was_ready=False, tries=next_try(tries, world.now, reason))
    return replace(_rest(world, given_up), apply_replicas=0)


def progress(world: World) -> str:
    """How far a world has come that is not ready, and what keeps it, as a sentence's rest after "the world"."""
    ready = sum(pod.ready for pod in world.pods)
    troubles = [f"{pod.name} {pod.trouble}" for pod in sorted(world.pods, key=lambda pod: pod.name) if pod.trouble]
    if len(world.pods) < world.nodes:
        missing = world.nodes - len(world.pods)
        why = f" ({world.complaint})" if world.complaint else ""
        troubles.append(f"{_pods(missing)} {'is' if missing == 1 else 'are'} not made yet{why}")
    told = [*troubles[:3], *([f"and {len(troubles) - 3} more"] if len(troubles) > 3 else [])]
    words = [world.words] if world.words and ready >= world.nodes - 1 else []
    why = "; ".join([*told, *words]) or "they are of an older template, and are replaced"
    return f"has {ready} of {_pods(world.nodes)} ready: {why}"


def _pods(count: int) -> str:
    return f"{count} pod{'s' if count != 1 else ''}"


# ---- draining and leaving --------------------------------------------------------------------------------------------


def _note_drain(world: World, memory: Memory) -> Memory:
    since = (memory.draining_since or world.now) if world.drain else None
    return replace(memory, draining_since=since)


def _drain(world: World, decision: Decision) -> Decision:
    """The decision, with what a drain changes about it."""
    since = decision.memory.draining_since
    if since is None:
        return decision
    decision = replace(decision, takes_runs=False, draining=True)
    if world.job is None:
        return decision
    left_s = since + world.drain_timeout_s - world.now
    if left_s <= 0:
        told = f"the world is drained, and its run was not over within {world.drain_timeout_s:.0f} s"
        return replace(decision, interrupt=decision.interrupt or told, again_s=INTERRUPT_S)
    again_s = left_s if decision.again_s is None else min(left_s, decision.again_s)
    return replace(decision, again_s=again_s)


def _leave(world: World, since: float, memory: Memory) -> Decision:
    """A world that is being deleted: it is let go when its run is over, or had its time."""
    memory = replace(memory, draining_since=since)
    left_s = since + world.drain_timeout_s - world.now
    if world.job is None or left_s <= -INTERRUPT_S:
        return Decision(stage=Stage.GONE, message="is deleted", memory=memory, draining=True)
    message = f"is being deleted, and waits for {world.job}"
    if left_s > 0:
        return Decision(stage=Stage.LEAVING, message=message, memory=memory, draining=True, again_s=left_s)
    told = f"the world is being deleted, and its run was not over within {world.drain_timeout_s:.0f} s"
    return Decision(
        stage=Stage.LEAVING, message=message, memory=memory, draining=True, interrupt=told, again_s=left_s + INTERRUPT_S
    )
