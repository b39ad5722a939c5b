"""A world of MPI ranks, as the agent has it: mpirun, its link, and the files that both leave."""

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fractal_api.errors import TemporaryError
from fractal_kernel.agent.link import Link
from fractal_kernel.agent.mpirun import Command, MpirunProcess
from fractal_kernel.agent.peers import SSH_PORT, Peer, wait_for_peers
from fractal_kernel.agent.session import MARK, Session
from fractal_kernel.agent.worlds import Cause
from fractal_kernel.wire import Stop, ToAgent, ToWorld
from fractal_kernel.world.launch import Launch, Mpirun, Remote, build_command, build_environment

if TYPE_CHECKING:
    from fractal_kernel.agent.world import Ears

SECRETS: Final = ("FRACTAL_AGENT_", "FRACTAL_STORE")
"""Beginnings of the names of variables that ranks have no use for, and shall not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How worlds are to be started: by which mpirun, with how many ranks, on which hosts.

    `peers_s` is how long the hosts may take to answer; `scratch` a folder that exists on every host, for worlds on
    several of them: Open MPI's files go there, and what dead worlds left on this host is swept from it.
    """

    mpirun: Mpirun
    ranks: int
    environment: Mapping[str, str]
    remote: Remote | None = None
    ssh_port: int = SSH_PORT
    peers_s: float = 120.0
    scratch: Path | None = None

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The hosts that mpirun must reach: all but this one."""
        return () if self.remote is None else tuple(Peer(host.name, self.ssh_port) for host in self.remote.hosts[1:])


class MpiWorld:
    """A `World` of processes. Each bears the session's mark, and is killed when a world ends."""

    def __init__(self, plan: Plan, session: Session) -> None:
        self._plan = plan
        self._session = session
        self._mpirun = MpirunProcess(self)
        self._link = Link(session.socket, self)
        self._ears: Ears | None = None
        self._starting: asyncio.Task[None] | None = None

    async def open(self, ears: "Ears") -> None:
        """See `World`."""
        self._ears = ears
        await self._link.open()

    async def start(self, epoch: int) -> None:
        """See `World`."""
        self._link.expect(epoch)
        self._starting = asyncio.create_task(self._start(epoch))
        with contextlib.suppress(asyncio.CancelledError):
            await self._starting

    def send(self, epoch: int, message: ToWorld) -> None:
        """See `World`."""
        self._link.send(epoch, message)

    @property
    def stands_still(self) -> bool:
        """See `World`."""
        return self._mpirun.stands_still

    async def end(self, epoch: int, *, orderly: bool) -> None:
        """See `World`."""
        if orderly:
            self._link.send(epoch, Stop())
        if self._starting is not None:
            self._starting.cancel()
        await self._mpirun.end(orderly=orderly)
        self._link.expect(None)
        self._sweep()

    async def close(self) -> None:
        """See `World`."""
        await self._link.close()

    # ---- what happens ----------------------------------------------------------------------------------------------

    def heard(self, epoch: int, message: ToAgent) -> None:
        """The link brought a message."""
        if self._ears is not None:
            self._ears.heard(epoch, message)

    def link_closed(self, epoch: int, reason: str) -> None:
        """The link broke; mpirun's end, which often comes with it, has more to say."""
        asyncio.get_running_loop().call_later(LAST_WORDS_S, self._fault, epoch, Cause.DIED, reason)

    def process_ended(self, epoch: int, reason: str) -> None:
        """The process mpirun has ended."""
        self._fault(epoch, Cause.DIED, reason)

    def said(self, line: str) -> None:
        """A rank, or mpirun itself, wrote a line."""
        if self._ears is not None:
            self._ears.said(line)

    # ---- inside ----------------------------------------------------------------------------------------------------

    async def _start(self, epoch: int) -> None:
        try:
            if self._plan.peers:
                await wait_for_peers(self._plan.peers, deadline_s=self._plan.peers_s, report=self._report)
                self._report("")
            self._sweep()
            await self._mpirun.start(epoch, self._command(epoch))
        except TemporaryError as error:
            self._fault(epoch, Cause.LATE, str(error))

    def _command(self, epoch: int) -> Command:
        kept = {name: value for name, value in self._plan.environment.items() if not name.startswith(SECRETS)}
        environment = build_environment(kept | {MARK: self._session.name})
        launch = Launch(
            ranks=self._plan.ranks,
            socket=self._session.socket,
            epoch=epoch,
            scratch=self._session.memory if self._plan.remote is None else self._plan.scratch,
            remote=self._plan.remote,
        )
        return Command(
            arguments=build_command(self._plan.mpirun, launch, environment),
            environment=environment,
            mark=(MARK, self._session.name),
            folder=self._session.folder,
        )

    def _sweep(self) -> None:
        """Remove what a dead world left on this host; each world begins in empty folders."""
        scratch = self._session.memory if self._plan.remote is None else self._plan.scratch
        if scratch is not None:
            for left in scratch.iterdir():
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)

    def _report(self, reason: str) -> None:
        if self._ears is not None:
            self._ears.waits("peers", reason)

    def _fault(self, epoch: int, cause: Cause, message: str) -> None:
        if self._ears is not None:
            self._ears.faulted(epoch, cause, message)


LAST_WORDS_S: Final = 0.5
