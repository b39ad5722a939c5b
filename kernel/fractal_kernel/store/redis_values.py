"""Our values as Redis keeps them, and as redis-py takes and gives them."""

from collections.abc import Iterable
from typing import Any

from fractal_api.errors import RecordError
from fractal_api.storage import Keys, ResultRecord
from fractal_kernel.store.interface import RunKey, StoreCorrupt


def keys_of_run(run: RunKey) -> Keys:
    """The run's keys; ValueError for names that can't be part of one."""
    return Keys(install=run.install, uid=run.uid)


def parse_record(run: RunKey, value: bytes | str | None) -> ResultRecord | None:
    """The record that a key holds, if it holds any; StoreCorrupt when it is none of ours."""
    try:
        return None if value is None else ResultRecord.from_json(value)
    except RecordError as error:
        raise StoreCorrupt(f"run {run.id}: {error}") from error


def flat(pairs: Iterable[tuple[Any, Any]]) -> list[Any]:
    """Field, value, field, value …: how redis-py takes a hash of more than strings."""
    return [part for pair in pairs for part in pair]


def as_bytes(value: bytes | str) -> bytes:
    """A value as it was put: redis-py may hand out text, but not to a client that decodes nothing, such as ours."""
    return value if isinstance(value, bytes) else value.encode()


def as_text(value: bytes | str) -> str:
    """A value that is text."""
    return value if isinstance(value, str) else value.decode()
