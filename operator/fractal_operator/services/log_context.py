"""Whom a line of the log is about: job, world and run, for whatever is logged meanwhile.

    with bound(job="art/seahorse", world="ds-clmpi1"):
        logger.info("…")

A record's own `extra` comes before what is bound. Tasks that are started meanwhile inherit it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

KEYS: Final = ("job", "world", "run")
"""What a line can be about, in the order in which it is shown."""

_bound: Final[ContextVar[Mapping[str, str]]] = ContextVar("fractal_log_context", default=MappingProxyType({}))


@contextmanager
def bound(*, job: str | None = None, world: str | None = None, run: str | None = None) -> Iterator[None]:
    """Until the end of the block, lines are about these too; None leaves what is bound already."""
    given = {"job": job, "world": world, "run": run}
    token = _bound.set({**_bound.get(), **{key: value for key, value in given.items() if value is not None}})
    try:
        yield
    finally:
        _bound.reset(token)


def current() -> Mapping[str, str]:
    """What lines are about at this point of this task."""
    return _bound.get()
