"""Where an assembly asks for deflated bands, and the world's answers find who asked."""

import asyncio
from collections.abc import Callable

from fractal_kernel.wire import Band, Deflated


class Desk:
    """Questions that are open, by run and band."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Future[Deflated]] = {}

    async def ask(self, band: Band, send: Callable[[Band], None]) -> Deflated:
        """The answer to a question that `send` puts to the world; whoever asks is cancelled when the world is lost."""
        key = (band.run, band.band)
        answer: asyncio.Future[Deflated] = asyncio.get_running_loop().create_future()
        self._open[key] = answer
        try:
            send(band)
            return await answer
        finally:
            self._open.pop(key, None)

    def answer(self, deflated: Deflated) -> None:
        """Hand an answer to who asked, if somebody still waits."""
        waiting = self._open.get((deflated.run, deflated.band))
        if waiting is not None and not waiting.done():
            waiting.set_result(deflated)
