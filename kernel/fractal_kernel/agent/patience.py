"""How long the agent waits for a store: every wait has a limit, and a reason that a person can read."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fractal_api.errors import FractalError, TemporaryError

T = TypeVar("T")

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0


class OutOfPatience(FractalError):  # noqa: N818 - it names the agent's state, as the store's errors name the store's
    """The store didn't do what it should for too long, or never will; `cause` is what it said last."""

    def __init__(self, cause: FractalError, waited_s: float) -> None:
        super().__init__(f"{cause} (waited {waited_s:.0f} s)")
        self.cause = cause


class Patience:
    """Does things to a store again and again while it has temporary troubles, up to `limit_s`.

    `trouble` is told each time that the store fails, and with None when it works again.
    """

    def __init__(self, *, limit_s: float, trouble: Callable[[TemporaryError | None], None] = lambda _: None) -> None:
        self._limit_s = limit_s
        self._trouble = trouble

    async def __call__(self, call: Callable[[], Awaitable[T]]) -> T:
        """What the call gives, once it succeeds; OutOfPatience after the limit, other errors at once."""
        clock = asyncio.get_running_loop().time
        start, pause_s, troubled = clock(), FIRST_PAUSE_S, False
        while True:
            try:
                result = await call()
            except TemporaryError as error:
                troubled = True
                self._trouble(error)
                waited_s = clock() - start
                if waited_s + pause_s > self._limit_s:
                    raise OutOfPatience(error, waited_s) from error
            else:
                if troubled:
                    self._trouble(None)
                return result
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
