"""The exchanges with Redis that must happen at once or not at all: to enter a run, to add to it, to commit its picture.

A run's hash names the newest attempt. Whoever adds to the run watches that hash, so that nothing of an older attempt
comes after a newer one has read what is there (docs/decisions/0070).
"""

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from fractal_api.storage import TILES_EXPIRY_S, Atomically, ExpireKeys, ResultRecord, SetRecord, UnlinkKeys
from fractal_kernel.store.commitment import standing
from fractal_kernel.store.fence import admit
from fractal_kernel.store.interface import Blob, RunConflict, RunKey, StoredRun
from fractal_kernel.store.redis_values import as_text, flat, keys_of_run, parse_record
from fractal_kernel.store.redis_watch import Watch, transact

RENEW_S: Final = 600
"""How often tiles renew the life of the run's hash: each time would spoil the transactions of all who watch it."""

_RUN_EXPIRY_S: Final = TILES_EXPIRY_S + RENEW_S
"""So much longer does the hash live that its tiles are never without it."""

_ID: Final = "id"
_SPEC: Final = "spec"
_ATTEMPT: Final = "attempt"

OWN_FIELDS: Final = frozenset({_ID, _SPEC, _ATTEMPT})
"""Fields of a run's hash that are not facts."""


async def enter(client: Redis, run: RunKey, canonical_sha: str) -> StoredRun:
    """Enter the attempt in the run's hash, and read what is there."""
    return await transact(client, lambda pipe: _enter(pipe, run, canonical_sha), f"run {run.id} can't be opened")


async def add_tiles(client: Redis, run: RunKey, tiles: Sequence[tuple[int, Blob]], *, renew: bool) -> None:
    """Add tiles to those of the run; `renew` the life of its hash as well. RunConflict for an older attempt."""
    keys = keys_of_run(run)

    async def add(pipe: Watch) -> None:
        await _take_turn(pipe, run)
        pipe.hset(keys.tiles, items=flat(tiles))
        pipe.expire(keys.tiles, TILES_EXPIRY_S)
        if renew:
            pipe.expire(keys.run, _RUN_EXPIRY_S)
        await pipe.execute()

    await transact(client, add, f"tiles of run {run.id} can't be stored")


async def replace_live(client: Redis, run: RunKey, figures: Mapping[str, str]) -> None:
    """Put the figures in the place of those that are there. RunConflict for an older attempt."""
    keys = keys_of_run(run)

    async def replace(pipe: Watch) -> None:
        await _take_turn(pipe, run)
        pipe.unlink(keys.live)
        if figures:
            pipe.hset(keys.live, items=flat(figures.items()))
            pipe.expire(keys.live, TILES_EXPIRY_S)
        await pipe.execute()

    await transact(client, replace, f"figures of run {run.id} can't be stored")


async def note(client: Redis, run: RunKey, facts: Mapping[str, str]) -> None:
    """Add facts to the run's hash; of an older attempt, too: how it ended is worth knowing."""
    keys = keys_of_run(run)
    async with client.pipeline() as pipe:
        pipe.hset(keys.run, items=flat(facts.items()))
        pipe.expire(keys.run, _RUN_EXPIRY_S)
        await pipe.execute()


async def settle(client: Redis, run: RunKey, record: ResultRecord, step: Atomically) -> ResultRecord:
    """Do the steps that make `record` the result, unless there is one; the one that stands now."""
    return await transact(
        client, lambda pipe: _settle(pipe, run, record, step), f"the result of run {run.id} can't be stored"
    )


async def _take_turn(pipe: Watch, run: RunKey) -> None:
    """Begin a transaction that comes to nothing should a newer attempt be opened meanwhile; RunConflict if one was."""
    key = keys_of_run(run).run
    entered = await pipe.watch_field(key, _ATTEMPT)
    if entered is not None:
        admit(run, int(entered))
    pipe.multi()  # type: ignore[no-untyped-call]  # redis-py has no annotation here
    if entered is None or int(entered) < run.attempt:
        # The server has lost what was entered: older attempts are to be kept out all the same.
        pipe.hset(key, _ATTEMPT, str(run.attempt))
        pipe.expire(key, _RUN_EXPIRY_S)


async def _settle(pipe: Watch, run: RunKey, record: ResultRecord, step: Atomically) -> ResultRecord:
    key = keys_of_run(run).result
    await pipe.watch(key)
    earlier = standing(run, parse_record(run, await pipe.get(key)), record)
    if earlier is not None:
        return earlier
    pipe.multi()  # type: ignore[no-untyped-call]  # redis-py has no annotation here
    _queue(pipe, step)
    await pipe.execute()
    return record


async def _enter(pipe: Watch, run: RunKey, canonical_sha: str) -> StoredRun:
    keys = keys_of_run(run)
    await pipe.watch(keys.run)
    about = {as_text(name): as_text(value) for name, value in (await pipe.hgetall(keys.run)).items()}
    if about.get(_SPEC, canonical_sha) != canonical_sha:
        raise RunConflict(f"run {run.id}: another picture is stored under this uid")
    admit(run, int(about.get(_ATTEMPT, 0)))
    pipe.multi()  # type: ignore[no-untyped-call]  # redis-py has no annotation here
    pipe.hset(keys.run, items=[_ID, run.id, _SPEC, canonical_sha, _ATTEMPT, str(run.attempt)])
    pipe.expire(keys.run, _RUN_EXPIRY_S)
    pipe.expire(keys.tiles, TILES_EXPIRY_S)
    pipe.hkeys(keys.tiles)
    pipe.get(keys.result)
    *_, tiles, result = await pipe.execute()
    record = parse_record(run, result)
    acknowledged = frozenset(int(index) for index in tiles) if record is None else frozenset[int]()
    facts = {name: value for name, value in about.items() if name not in OWN_FIELDS}
    return StoredRun(acknowledged=acknowledged, result=record, facts=facts)


def _queue(pipe: Pipeline, step: Atomically) -> None:
    for part in step.steps:
        match part:
            case SetRecord(key=key, value=value, expire_s=life_s):
                pipe.set(key, value, ex=life_s)
            case ExpireKeys(keys=keys, expire_s=life_s):
                for key in keys:
                    pipe.expire(key, life_s)
            case UnlinkKeys(keys=keys):
                pipe.unlink(*keys)
            case _:
                assert_never(part)
