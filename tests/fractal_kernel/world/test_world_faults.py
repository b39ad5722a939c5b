"""What becomes of a world when a part of it dies, hangs or talks nonsense."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from support.views import ENDLESS
from support.worlds import World, WorldEnded

from fractal_kernel import wire
from fractal_kernel.world.pulses import PULSE_S

END_S = 15.0


@pytest.fixture
def world() -> Iterator[World]:
    """A world of three ranks that renders."""
    with World(3) as world:
        world.send(wire.Run(run="a-1", definition=ENDLESS))
        world.expect(wire.Tiles)
        yield world


def wait_until_gone(world: World) -> None:
    deadline = time.monotonic() + END_S
    while world.living:
        assert time.monotonic() < deadline, f"ranks {world.living} are left"
        time.sleep(0.05)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_a_killed_rank_ends_the_whole_world(world: World, rank: int) -> None:
    os.kill(world.ready.pids[rank], signal.SIGKILL)
    assert world.mpirun.wait(END_S) != 0
    wait_until_gone(world)
    with pytest.raises(WorldEnded):
        world.expect(wire.Rendered)


def test_ranks_do_not_outlive_a_killed_mpirun(world: World) -> None:
    world.mpirun.kill()
    wait_until_gone(world)


def test_ranks_do_not_outlive_the_agent(world: World) -> None:
    world.socket.close()
    world.mpirun.wait(END_S)
    wait_until_gone(world)
    assert world.said.count("[ERROR]") == 1


def test_nonsense_from_the_agent_ends_the_world_with_one_line_that_says_why(world: World) -> None:
    world.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert world.mpirun.wait(END_S) != 0
    wait_until_gone(world)
    [line] = [line for line in world.said.splitlines() if "[ERROR]" in line]
    # Open MPI 5 sends a NUL along, which the agent takes out.
    assert line.lstrip("\0").startswith("[ERROR] rank 0: WireError: a frame of")


def only_rank_1_is_silent(heard: wire.Heartbeat) -> bool:
    return [beat.silent_s > 2 * PULSE_S for beat in heard.ranks] == [False, True, False]


def test_a_rank_that_hangs_is_noticed_by_its_silence_while_the_others_are_heard(world: World) -> None:
    os.kill(world.ready.pids[1], signal.SIGSTOP)
    world.expect(wire.Heartbeat, 60, where=only_rank_1_is_silent)
    os.kill(world.ready.pids[1], signal.SIGCONT)
    world.expect(wire.Heartbeat, 60, where=lambda heard: heard.ranks[1].silent_s < PULSE_S)
