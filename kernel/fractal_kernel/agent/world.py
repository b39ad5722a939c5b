"""The world as the agent sees it: something that starts, speaks, listens and ends. Tests put a fake here."""

from typing import Protocol

from fractal_kernel.agent.worlds import Cause
from fractal_kernel.wire import ToAgent, ToWorld


class Ears(Protocol):
    """Who is told what a world does."""

    def heard(self, epoch: int, message: ToAgent) -> None:
        """A world said this; its first word is Ready."""

    def faulted(self, epoch: int, cause: Cause, message: str) -> None:
        """A world can't be used any more, or could not be started."""

    def said(self, line: str) -> None:
        """A rank, or mpirun, wrote a line."""

    def waits(self, what: str, message: str) -> None:
        """The start waits for something; an empty message ends the wait."""


class World(Protocol):
    """One world at a time, each under its epoch."""

    async def open(self, ears: Ears) -> None:
        """Be ready to start worlds."""

    async def start(self, epoch: int) -> None:
        """Start a world; return when it was started, or was given up: then `faulted` says so."""

    def send(self, epoch: int, message: ToWorld) -> None:
        """Say something; nothing happens when this world is no longer there."""

    @property
    def stands_still(self) -> bool:
        """Whether mpirun was stopped, as by SIGSTOP."""

    async def end(self, epoch: int, *, orderly: bool) -> None:
        """Return when no process of this world is left; `orderly` asks it to end first."""

    async def close(self) -> None:
        """Start no more worlds."""
