"""The order in which rank 0 does what the schedule says."""

from fractal_kernel import wire
from fractal_kernel.world import orders
from fractal_kernel.world.actions import Give, Record, Tell, own_last


def render(rank: int, task: int) -> Give:
    return Give(rank=rank, order=orders.Render(task=task, tiles=(task,)))


def test_what_rank_0_does_itself_comes_last_and_all_else_keeps_its_order() -> None:
    told = Tell(message=wire.Started(run="a-1"))
    noted = [Record(tiles=(task,)) for task in range(4)]
    given = [render(task % 2, task) for task in range(4)]
    mixed = [told, *(action for pair in zip(noted, given, strict=True) for action in pair)]
    assert own_last(mixed) == [told, noted[0], noted[1], given[1], noted[2], noted[3], given[3], given[0], given[2]]
