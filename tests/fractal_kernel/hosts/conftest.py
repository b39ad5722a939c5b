"""These tests make machines of their own, which only root may.

Without root they are left out and counted, except in CI (CI=true), where they fail: there nobody would notice.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from support.held_ledger import HeldLedger
from support.hosted_agent import LEDGER, HostedAgent, hosted_agent
from support.hosts import Host, two_hosts

HERE: Final = Path(__file__).parent
REASON: Final = "the tests on two hosts need root for their network namespaces: sudo make test"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if HERE in item.path.parents]
    for item in mine:
        item.add_marker(pytest.mark.hosts)
    if os.geteuid() == 0 or os.environ.get("CI") == "true":
        return
    config.hook.pytest_deselected(items=mine)
    items[:] = [item for item in items if item not in mine]
    if mine:
        config.stash.setdefault(_LEFT_OUT, len(mine))


_LEFT_OUT: Final = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if count := config.stash.get(_LEFT_OUT, 0):
        terminalreporter.write_line(f"{count} tests left out: {REASON}", yellow=True)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    assert os.geteuid() == 0, REASON
    with two_hosts(tmp_path / "files") as pair:
        yield pair


@pytest.fixture
def held(hosts: tuple[Host, Host], moment: int, tmp_path: Path) -> Iterator[HeldLedger]:
    """The agent's ledger, which holds its run at the test's moment."""
    with HeldLedger(hosts[0].root / LEDGER.relative_to("/"), tmp_path / "ledger", tiles=moment) as ledger:
        yield ledger


@pytest.fixture
def agent(hosts: tuple[Host, Host], held: HeldLedger, tmp_path: Path) -> Iterator[HostedAgent]:
    del held  # it is there before the agent is
    with hosted_agent(hosts, tmp_path / "output") as running:
        yield running
