"""Leading by a Lease: does what core.lease decides, and ends the process when it can't be sure of leading any more.

The client's own leader election is not used: it can't create the Lease, goes on leading on a frozen connection, and
trusts the time of day.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, NoReturn

from fractal_api.errors import FractalError
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import AlreadyExists, Conflict, NotFound
from fractal_operator.core import lease as leases
from fractal_operator.core import names, paths
from fractal_operator.services.watching import states_of

LOST_EXIT: Final = 3
"""The exit code of a process that lost its Lease."""

_SHORTEST_REQUEST_S: Final = 0.1
_MARGIN_S: Final = 1.0

logger = logging.getLogger(__name__)


class Elector:
    """One replica's claim on the Lease `fractal-operator`."""

    def __init__(
        self,
        api: Api,
        *,
        namespace: str,
        identity: str,
        timing: leases.Timing | None = None,
        end: Callable[[str], None] | None = None,
    ) -> None:
        """`end` is called with a sentence when leading is over against our will; it ends the process unless given."""
        self._api = api
        self._collection = paths.leases(namespace)
        self._path = f"{self._collection}/{names.OPERATOR}"
        self._timing = timing or leases.Timing()
        self._mine = leases.Candidacy(identity=identity)
        self._end = end or end_process
        self._free = asyncio.Event()

    async def meet(self) -> None:
        """Return when the Lease, or that there is none, was seen once: from then on this replica could take over."""
        while self._mine.lease is None and not self._mine.gone:
            await self._step()
        if self._mine.holder:
            logger.info("This replica stands by", extra={"holder": self._mine.holder, "identity": self._mine.identity})

    async def acquire(self) -> None:
        """Return when this replica leads: at once after the Lease is released, if the watch of it tells so."""
        watching = asyncio.create_task(self._watch(), name="watch of the lease")
        try:
            while not self._mine.leads:
                await self._step()
        finally:
            watching.cancel()
            await asyncio.wait({watching})
        logger.info("This replica leads", extra={"identity": self._mine.identity})

    async def hold(self) -> None:
        """Keep leading: never returns, but for a test whose `end` does."""
        watchdog = _Watchdog(lambda: self._mine.led_at, self._timing.lease_s - _MARGIN_S, self._end)
        try:
            while (lost := await self._step()) is None:
                pass
            self._end(f"The Lease {names.OPERATOR} is lost: {lost.why}")
        finally:
            watchdog.stop()

    async def release(self) -> None:
        """Let another replica lead at once, if this one does; best effort."""
        if not self._mine.leads or self._mine.lease is None:
            return
        try:
            await self._give_back(self._mine.lease)
        except FractalError as error:
            logger.info("The Lease could not be released, so it runs out by itself: %s", error)

    async def _give_back(self, lease: names.Object) -> None:
        try:
            await self._quick().put(self._path, leases.released(lease))
        except Conflict:  # such as a renewal that was on its way when this replica was told to end
            found = await self._quick().get(self._path)
            if leases.holder_of(found) == self._mine.identity:
                await self._quick().put(self._path, leases.released(found))

    async def _watch(self) -> None:
        """Wake whoever waits for the Lease when it is free. That is a hint: what is decided comes from reading it."""
        async with contextlib.aclosing(states_of(self._api, self._collection, names.OPERATOR)) as states:
            async for lease in states:
                if lease is not None and not leases.holder_of(lease):
                    self._free.set()

    async def _wait(self, wait_s: float) -> None:
        """Wait so long, or until the Lease is told to be free."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._free.wait()
            self._free.clear()
            self._mine = leases.woken(self._mine, time.monotonic())

    async def _step(self) -> leases.Lost | None:
        now = time.monotonic()
        match leases.decide(self._mine, now, self._timing, leases.stamp_of(datetime.now(UTC))):
            case leases.Lost() as lost:
                return lost
            case leases.Wait(until=until):
                await self._wait(until - now)
            case leases.Read():
                await self._read(now)
            case leases.Write(lease=lease):
                await self._write(lease, now)
        return None

    async def _read(self, sent: float) -> None:
        try:
            found = await self._quick().get(self._path)
        except NotFound:
            found = None
        except FractalError as error:
            self._failed(sent, error, stale=False)
            return
        self._mine = leases.saw(self._mine, found, time.monotonic(), self._timing)

    async def _write(self, lease: names.Object, sent: float) -> None:
        try:
            if "resourceVersion" in lease["metadata"]:
                kept = await self._quick().put(self._path, lease)
            else:
                lease = {**lease, "metadata": {**lease["metadata"], "name": names.OPERATOR}}
                kept = await self._quick().create(self._collection, lease)
        except FractalError as error:
            self._failed(sent, error, stale=isinstance(error, Conflict | AlreadyExists | NotFound))
            return
        self._mine = leases.wrote(self._mine, kept, sent, self._timing)

    def _failed(self, sent: float, error: FractalError, *, stale: bool) -> None:
        logger.log(logging.DEBUG if stale else logging.WARNING, "A request for the Lease came to nothing: %s", error)
        self._mine = leases.failed(self._mine, sent, time.monotonic(), self._timing, stale=stale)

    def _quick(self) -> Api:
        """The API with a deadline that ends before leading does."""
        left = self._timing.request_s
        if self._mine.led_at is not None:
            left = min(left, self._mine.led_at + self._timing.renew_s - time.monotonic())
        return self._api.within(max(left, _SHORTEST_REQUEST_S))


def end_process(why: str) -> NoReturn:
    """End at once, without any cleaning up: whatever would still be written could be written by two."""
    logger.critical("%s; this process ends", why)
    logging.shutdown()
    os._exit(LOST_EXIT)


class _Watchdog:
    """A thread that ends the process when the event loop is too busy to notice that the Lease ran out."""

    def __init__(self, led_at: Callable[[], float | None], limit_s: float, end: Callable[[str], None]) -> None:
        self._stopped = threading.Event()
        self._led_at, self._limit_s, self._end = led_at, limit_s, end
        threading.Thread(target=self._watch, name="lease-watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(_MARGIN_S / 4):
            led_at = self._led_at()
            if led_at is not None and time.monotonic() > led_at + self._limit_s:
                self._end(f"The Lease {names.OPERATOR} ran out while this process was busy or frozen")
                return
