"""The two exchanges with Redis that must happen at once or not at all: to enter a run, and to commit its picture.

Optimistic (WATCH, MULTI, EXEC): a server-side script would need a right that the store's user can do without.
"""

from typing import Final, assert_never

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

from fractal_api.storage import TILES_EXPIRY_S, Atomically, ExpireKeys, ResultRecord, SetRecord, UnlinkKeys
from fractal_kernel.store.commitment import standing
from fractal_kernel.store.interface import RunConflict, RunKey, StoreAway, StoredRun
from fractal_kernel.store.redis_values import as_text, keys_of_run, parse_record

_RACES: Final = 100
"""Times that a transaction is tried again because somebody else was faster: an earlier attempt that still stores tiles
touches the run's key with each batch, hundreds of times a second."""

_ID: Final = "id"
_SPEC: Final = "spec"
_ATTEMPT: Final = "attempt"

OWN_FIELDS: Final = frozenset({_ID, _SPEC, _ATTEMPT})
"""Fields of a run's hash that are not facts."""


async def enter(client: Redis, run: RunKey, canonical_sha: str) -> StoredRun:
    """Enter the attempt in the run's hash, and read what is there."""
    for _ in range(_RACES):
        async with client.pipeline() as pipe:
            try:
                return await _enter(pipe, run, canonical_sha)
            except WatchError:
                continue
    raise StoreAway(f"run {run.id}: others opened it {_RACES} times while we tried")


async def settle(client: Redis, run: RunKey, record: ResultRecord, step: Atomically) -> ResultRecord:
    """Do the steps that make `record` the result, unless there is one; the one that stands now."""
    for _ in range(_RACES):
        async with client.pipeline() as pipe:
            try:
                return await _settle(pipe, run, record, step)
            except WatchError:
                continue
    raise StoreAway(f"run {run.id}: others wrote its result {_RACES} times while we tried")


async def _settle(pipe: Pipeline, run: RunKey, record: ResultRecord, step: Atomically) -> ResultRecord:
    key = keys_of_run(run).result
    await pipe.watch(key)
    earlier = standing(run, parse_record(run, await pipe.get(key)), record)
    if earlier is not None:
        return earlier
    pipe.multi()  # type: ignore[no-untyped-call]  # redis-py has no annotation here
    _queue(pipe, step)
    await pipe.execute()
    return record


async def _enter(pipe: Pipeline, run: RunKey, canonical_sha: str) -> StoredRun:
    keys = keys_of_run(run)
    await pipe.watch(keys.run)
    about = {as_text(name): as_text(value) for name, value in (await pipe.hgetall(keys.run)).items()}
    if about.get(_SPEC, canonical_sha) != canonical_sha:
        raise RunConflict(f"run {run.id}: another picture is stored under this uid")
    if int(about.get(_ATTEMPT, 0)) > run.attempt:
        raise RunConflict(f"run {run.id}: attempt {about[_ATTEMPT]} was begun already")
    pipe.multi()  # type: ignore[no-untyped-call]  # redis-py has no annotation here
    pipe.hset(keys.run, items=[_ID, run.id, _SPEC, canonical_sha, _ATTEMPT, str(run.attempt)])
    pipe.expire(keys.run, TILES_EXPIRY_S)
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
