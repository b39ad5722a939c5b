"""`python -m fractal_kernel.agent`: the agent as the master pod runs it, told what to do by its environment.

Event lines go to standard output; whatever else is said, also by mpirun and the ranks, to standard error.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from fractal_api.errors import FractalError, PermanentError
from fractal_kernel.agent import notices as n
from fractal_kernel.agent.app import Site
from fractal_kernel.agent.bulletin import Bulletin
from fractal_kernel.agent.driver import Agent
from fractal_kernel.agent.event_lines import EventLines
from fractal_kernel.agent.ledger import Ledger
from fractal_kernel.agent.metrics import Metrics
from fractal_kernel.agent.mpi_world import MpiWorld, Plan
from fractal_kernel.agent.session import Session, open_session
from fractal_kernel.agent.settings import Settings, describe
from fractal_kernel.agent.surroundings import Surroundings
from fractal_kernel.store.address import store_at
from fractal_kernel.store.interface import Store
from fractal_kernel.world.launch import find_mpirun

USAGE: Final = """\
usage: python -m fractal_kernel.agent

Keeps a world of MPI ranks and renders what is put to it over HTTP. It takes no arguments; these variables count:

"""


class NoMpi(PermanentError):  # noqa: N818 - it names what there isn't
    """There is no Open MPI here."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 after a polite end, 1 when the agent can't work, 2 for wrong usage."""
    if arguments:
        print(USAGE + describe(), file=sys.stdout if set(arguments) <= {"-h", "--help"} else sys.stderr)
        return 0 if set(arguments) <= {"-h", "--help"} else 2
    try:
        asyncio.run(_live(Settings.from_environment(os.environ), os.environ))
    except FractalError as error:
        _say(f"fractal-agent: {error}")
        return 1
    return 0


async def _live(settings: Settings, environment: Mapping[str, str]) -> None:
    settings.read_token()
    plan = _plan(settings, environment)
    store, ledger = store_at(settings.store_address), Ledger(settings.ledger)
    session = await open_session(settings.work_dir)
    try:
        await _serve(settings, MpiWorld(plan, session), store, ledger, session)
    finally:
        await session.close()
        await store.close()
        ledger.close()


async def _serve(settings: Settings, world: MpiWorld, store: Store, ledger: Ledger, session: Session) -> None:
    bulletin, metrics = Bulletin(), Metrics()
    around = Surroundings(
        store=store,
        world=world,
        folder=session.folder,
        ledger=ledger,
        onlookers=(EventLines(_print), bulletin, metrics, _relay),
        limits=settings.limits,
    )
    agent = Agent(around)
    site = Site(agent=agent, bulletin=bulletin, metrics=metrics, install=settings.install, token=settings.read_token)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    runner = web.AppRunner(site.app(), access_log=None)
    await runner.setup()
    try:
        await _listen(runner, settings)
        gc.freeze()  # what is here stays: to look through it for garbage, now and then, took a tenth of a run
        await agent.serve()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.port, shutdown_timeout=2.0).start()
    except OSError as error:
        raise Unheard(f"can't listen on {settings.host}:{settings.port}: {error.strerror}") from error
    for host, port, *_ in runner.addresses:
        _say(f"fractal-agent: listening on {host}:{port}")


def _plan(settings: Settings, environment: Mapping[str, str]) -> Plan:
    mpirun = find_mpirun(environment)
    if mpirun is None:
        raise NoMpi("no mpirun of Open MPI was found: install Open MPI, or `pip install 'clusteredfractals[mpi]'`")
    return Plan(
        mpirun=mpirun,
        ranks=settings.world_size,
        environment=environment,
        remote=settings.remote,
        ssh_port=settings.ssh_port,
        peers_s=settings.peers_s,
        scratch=settings.scratch,
    )


class Unheard(PermanentError):  # noqa: N818 - it names the agent's state
    """The agent's address can't be listened on."""


def _relay(notice: n.Notice) -> None:
    """Pass on what mpirun and the ranks say."""
    if isinstance(notice, n.Said):
        _say(notice.line)


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - event lines are what standard output is for


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - as a daemon's words are read by kubectl logs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
