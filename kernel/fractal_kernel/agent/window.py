"""A few things under way at once, taken in the order in which they were begun."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Window(Generic[T]):
    """A context that holds at most `size` tasks or futures.

    Those that nobody took are cancelled, and waited for, at its end.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._tasks: deque[asyncio.Future[T]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def full(self) -> bool:
        """Whether one must be taken before another is begun."""
        return len(self._tasks) == self._size

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def begin(self, work: Coroutine[Any, Any, T] | asyncio.Future[T]) -> None:
        """Let this run beside the others."""
        self._tasks.append(asyncio.ensure_future(work))

    async def take(self) -> T:
        """What the one begun first gives, or its exception."""
        return await self._tasks.popleft()
