"""Ranks on one machine wake each other."""

import select
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from fractal_kernel.world.bells import Bells, Door


@pytest.fixture
def here() -> Iterator[Bells]:
    with closing(Bells()) as bells:
        yield bells


@pytest.fixture
def there() -> Iterator[Bells]:
    with closing(Bells()) as bells:
        yield bells


def rung(bells: Bells) -> bool:
    return bool(select.select([bells], [], [], 0)[0])


def test_a_rank_is_woken_by_a_ring_and_only_once_by_many(here: Bells, there: Bells) -> None:
    assert here.meet([here.door, there.door], [1])
    assert not rung(there)
    for _ in range(5000):  # more than its queue holds
        here.ring(1)
    assert rung(there)
    there.hush()
    assert not rung(there)


def test_to_ring_at_a_rank_that_has_died_is_no_error(here: Bells, there: Bells) -> None:
    assert here.meet([here.door, there.door], [1])
    there.close()
    here.ring(1)


def other_machine(door: Door) -> Door:
    return replace(door, kernel="another")


def other_network(door: Door) -> Door:
    return replace(door, network=door.network + 1)


@pytest.mark.parametrize("moved", [other_machine, other_network], ids=["machine", "network namespace"])
def test_a_rank_elsewhere_cannot_be_rung_at(here: Bells, there: Bells, moved: Callable[[Door], Door]) -> None:
    assert not here.meet([here.door, moved(there.door)], [1])
    here.ring(1)
    assert not rung(there)


def test_a_rank_without_others_waits_for_nobody(here: Bells) -> None:
    assert here.meet([here.door], [])
