"""The handlers of FractalNamespaces: what they pass on, and how they keep an object until its world may go."""

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, cast

import kopf
import pytest

from fractal_operator.core.names import WORLD_LABEL
from fractal_operator.handlers import namespaces
from fractal_operator.handlers.kopf_settings import build_kopf_settings
from fractal_operator.handlers.namespaces import WorldOffice
from fractal_operator.handlers.registry import REGISTRY


class Keepers:
    """Remembers what it was told; `may_go` is what it answers about worlds, the last answer for ever."""

    def __init__(self, *may_go: bool) -> None:
        self.worlds: list[tuple[str | None, Any]] = []
        self.children: list[tuple[str, str | None, Any]] = []
        self.answers = list(may_go)

    def observe_world(self, event_type: str | None, obj: Any) -> None:  # noqa: ANN401 - an object
        self.worlds.append((event_type, obj))

    def observe_child(self, kind: str, event_type: str | None, obj: Any) -> None:  # noqa: ANN401 - an object
        self.children.append((kind, event_type, obj))

    async def released(self, world: str, uid: str, *, within_s: float) -> bool:
        assert (world, uid) == ("w1", "u1")
        assert within_s > 0
        await asyncio.sleep(0)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Observer:
    """Follows until it is told to end."""

    async def follow_until(self, world: str, ended: Coroutine[Any, Any, None]) -> None:
        assert world == "w1"
        await ended


def office(keepers: Keepers) -> WorldOffice:
    return cast("WorldOffice", SimpleNamespace(keepers=keepers, observer=Observer()))


class Stopped:
    """kopf's sign that a daemon is to end, given already."""

    def __init__(self, reason: kopf.DaemonStoppingReason) -> None:
        self.reason = reason

    async def wait(self) -> None:
        return


def event(event_type: str | None, **metadata: str) -> kopf.RawEvent:
    return cast("kopf.RawEvent", {"type": event_type, "object": {"metadata": metadata}})


async def test_events_are_passed_on() -> None:
    keepers = Keepers(True)
    resource = cast("kopf.Resource", SimpleNamespace(kind="Pod"))

    await namespaces.observe_world(event=event(None, name="w1"), memo=office(keepers))
    await namespaces.observe_child(event=event("DELETED", name="p"), resource=resource, memo=office(keepers))

    assert keepers.worlds == [(None, {"metadata": {"name": "w1"}})]
    assert keepers.children == [("Pod", "DELETED", {"metadata": {"name": "p"}})]


async def test_a_world_is_kept_until_it_may_go() -> None:
    with pytest.raises(kopf.TemporaryError):
        await namespaces.let_go(name="w1", uid="u1", memo=office(Keepers(False)))
    await namespaces.let_go(name="w1", uid="u1", memo=office(Keepers(True)))


async def test_an_agent_is_observed_until_its_last_run_is_over() -> None:
    keepers = Keepers(False, False, True)
    stopped = cast("kopf.DaemonStopped", Stopped(kopf.DaemonStoppingReason.RESOURCE_DELETED))

    await asyncio.wait_for(namespaces.observe_agent(name="w1", uid="u1", stopped=stopped, memo=office(keepers)), 5)

    assert keepers.answers == [True]


async def test_an_operator_that_leaves_does_not_wait_for_a_drain() -> None:
    stopped = cast("kopf.DaemonStopped", Stopped(kopf.DaemonStoppingReason.OPERATOR_EXITING))

    observing = namespaces.observe_agent(name="w1", uid="u1", stopped=stopped, memo=office(Keepers(False)))
    await asyncio.wait_for(observing, 5)


def test_a_deleted_world_is_not_kept_for_its_observers_sake() -> None:
    """What kopf waits between two looks at a daemon is what a deletion may take longer than its run."""
    (daemon,) = [each for each in REGISTRY._spawning.get_all_handlers() if each.id == "observe_agent"]
    assert daemon.cancellation_polling == namespaces.POLLING_S <= 0.5


def test_only_what_belongs_to_worlds_is_watched() -> None:
    narrowed = build_kopf_settings().watching.label_selectors

    assert set(narrowed.values()) == {WORLD_LABEL}
    assert not [resource for resource in narrowed if "secrets" in str(resource)]
