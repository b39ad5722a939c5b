"""Real worlds of one to four ranks, each used for one run after the other, as an agent uses them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.views import ENDLESS, legacy, seahorse
from support.worlds import World

from fractal_api.tiles import decode_tile
from fractal_kernel import wire
from fractal_kernel.coarse import survey
from fractal_kernel.definition import Definition
from fractal_kernel.escape.control import Control
from fractal_kernel.picture import Picture
from fractal_kernel.world.pulses import PULSE_S

SLACK = 3
"""Deadlines are this many times what is promised; `python -m benchmarks.world` shows the promises themselves."""

CANCEL_S = 0.2
MEMORY_MIB = 60.0
IDLE_SHARE = 0.03


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world") / "ledger"


@pytest.fixture(scope="module", params=[1, 2, 3, 4], ids=lambda ranks: f"{ranks} ranks")
def world(request: pytest.FixtureRequest, ledger: Path) -> Iterator[World]:
    with World(request.param, epoch=7, ledger=ledger) as world:
        yield world


def alone(definition: Definition) -> NDArray[np.uint8]:
    """The picture as one process draws it."""
    if definition.max_iterations is None:
        found = survey(definition, Control())
        definition = replace(definition, max_iterations=found.max_iterations)
    pixels = np.empty((definition.frame.height, definition.frame.width, 3), dtype=np.uint8)
    rects = list(definition.frame.grid)
    for rect, rgb in zip(rects, Picture(definition).render(rects, Control()), strict=True):
        pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = rgb
    return pixels


def together(definition: Definition, tiles: Mapping[int, wire.Blob]) -> NDArray[np.uint8]:
    """The picture as it is in the tiles that a world sent."""
    pixels = np.zeros((definition.frame.height, definition.frame.width, 3), dtype=np.uint8)
    for index, blob in tiles.items():
        decoded = decode_tile(blob)
        rect = decoded.header.rect
        assert (decoded.header.index, rect) == (index, definition.frame.grid.tile(index))
        rgb = np.frombuffer(decoded.rgb, dtype=np.uint8).reshape(rect.height, rect.width, 3)
        pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = rgb
    return pixels


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param(seahorse(500, 300), id="Grid, auto"),
        pytest.param(seahorse(200, 500, max_iterations=3000, block_size=16), id="Grid, small tiles"),
        pytest.param(legacy(500, 300), id="Legacy"),
        pytest.param(legacy(1, 1), id="one pixel"),
        pytest.param(seahorse(1500, 1100, max_iterations=50, zoom=0.4, block_size=1200), id="tiles in strips"),
    ],
)
def test_ranks_together_render_the_very_bytes_that_one_process_renders(world: World, definition: Definition) -> None:
    tiles = world.render(wire.Run(run="bytes-1", definition=definition))
    np.testing.assert_array_equal(together(definition, tiles), alone(definition))


def test_a_run_is_announced_surveyed_and_rendered_and_its_work_adds_up(world: World) -> None:
    tiles = world.render(wire.Run(run="order-1", definition=seahorse(500, 300)))
    kinds = [type(m) for m in world.messages if not isinstance(m, wire.Heartbeat)]
    assert kinds == [wire.Started, wire.Surveyed, *[wire.Tiles] * (len(kinds) - 2)]
    [surveyed] = [message for message in world.messages if isinstance(message, wire.Surveyed)]
    assert surveyed.tiles == len(tiles) == len(seahorse(500, 300).frame.grid)
    batches = [message for message in world.messages if isinstance(message, wire.Tiles)]
    assert sum(batch.work for batch in batches) == pytest.approx(surveyed.work)
    assert sum(batch.iterations for batch in batches) > 1_000_000


def test_every_rank_renders(world: World) -> None:
    world.render(wire.Run(run="all-1", definition=seahorse(800, 800, max_iterations=20_000)))
    ranks = {message.rank for message in world.messages if isinstance(message, wire.Tiles)}
    assert ranks == set(range(world.ranks))


def test_only_what_was_not_acknowledged_is_rendered_and_noted(world: World, ledger: Path) -> None:
    definition = seahorse(500, 300)
    missing = frozenset({3, 17, 39})
    before = ledger.read_text().splitlines()
    tiles = world.render(
        wire.Run(
            run="rest-2",
            definition=definition,
            acknowledged=frozenset(range(len(definition.frame.grid))) - missing,
            max_iterations=4096,
        )
    )
    assert set(tiles) == missing
    noted = ledger.read_text().splitlines()[len(before) :]
    assert sorted(noted) == sorted(f"R {tile} {world.ready.epoch}" for tile in missing)


def test_a_cancelled_run_ends_soon_on_all_ranks_and_the_world_goes_on(world: World) -> None:
    world.messages.clear()
    world.send(wire.Run(run="cancel-1", definition=ENDLESS))
    world.expect(wire.Tiles)
    began = time.monotonic()
    world.send(wire.Cancel(run="cancel-1"))
    world.expect(wire.Cancelled, SLACK * CANCEL_S)
    assert time.monotonic() - began < SLACK * CANCEL_S
    tiles = world.render(wire.Run(run="after-1", definition=legacy(300, 300)))
    assert len(tiles) == 25
    assert not [m for m in world.messages if isinstance(m, wire.Tiles) and m.run == "cancel-1"]


def test_a_run_is_cancelled_in_its_coarse_pass(world: World) -> None:
    world.messages.clear()
    world.send(wire.Run(run="early-1", definition=ENDLESS), wire.Cancel(run="early-1"))
    world.expect(wire.Cancelled, SLACK * CANCEL_S)
    assert len(world.render(wire.Run(run="after-2", definition=legacy(300, 300)))) == 25


def test_a_large_tile_is_given_up_halfway(world: World) -> None:
    world.messages.clear()
    world.send(wire.Run(run="large-1", definition=replace(ENDLESS, frame=replace(ENDLESS.frame, block_size=2048))))
    world.expect(wire.Surveyed)
    world.send(wire.Cancel(run="large-1"))
    world.expect(wire.Cancelled, SLACK * CANCEL_S)


def test_a_paused_world_hands_out_no_tiles_until_it_is_resumed(world: World) -> None:
    definition = legacy(300, 300)
    world.messages.clear()
    world.send(wire.Pause(), wire.Run(run="pause-1", definition=definition))
    world.expect(wire.Surveyed)
    world.send(wire.Cancel(run="unknown-1"))
    world.expect(wire.Cancelled)  # what was sent before is answered before it, or not at all
    assert not [message for message in world.messages if isinstance(message, wire.Tiles)]
    world.send(wire.Resume())
    world.expect(wire.Rendered)


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param(replace(seahorse(64, 64), colors=(), palette="no such palette"), id="palette"),
        pytest.param(replace(seahorse(64, 64), colors=("mauve",)), id="colour"),
        pytest.param(
            replace(seahorse(64, 64, max_iterations=10), frame=replace(legacy(8, 8).frame, side=99)), id="side"
        ),
    ],
)
def test_a_definition_that_cannot_be_rendered_fails_its_run_and_the_world_goes_on(
    world: World, definition: Definition
) -> None:
    world.messages.clear()
    world.send(wire.Run(run="bad-1", definition=definition))
    assert world.expect(wire.Failed).reason
    assert len(world.render(wire.Run(run="good-1", definition=legacy(300, 300)))) == 25


def test_every_rank_says_how_it_is_while_it_renders(world: World) -> None:
    world.messages.clear()
    if world.heartbeat is None:
        world.expect(wire.Heartbeat, SLACK * PULSE_S)
    assert world.heartbeat is not None
    before = world.heartbeat.ranks
    world.send(wire.Run(run="beat-1", definition=ENDLESS))
    world.expect(wire.Tiles)
    # by the first heartbeat a rank may have said nothing since the run began
    later = world.expect(wire.Heartbeat, SLACK * 2 * PULSE_S, where=lambda heard: all_went_on(before, heard.ranks))
    world.send(wire.Cancel(run="beat-1"))
    world.expect(wire.Cancelled)
    assert [beat.rank for beat in later.ranks] == list(range(world.ranks))


def all_went_on(before: Sequence[wire.Beat], after: Sequence[wire.Beat]) -> bool:
    return all(
        new.busy and new.silent_s < 2 * PULSE_S and new.iterations > old.iterations
        for old, new in zip(before, after, strict=True)
    )


def cpu_seconds(pid: int) -> float:
    """What a process has used of a core, all its threads together."""
    stats = (task / "schedstat" for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int(stat.read_text().split()[0]) for stat in stats) / 1e9


def test_an_idle_world_hardly_uses_a_core(world: World) -> None:
    before = [cpu_seconds(pid) for pid in world.ready.pids]
    began = time.monotonic()
    time.sleep(2)
    used = sum(cpu_seconds(pid) for pid in world.ready.pids) - sum(before)
    assert used / (time.monotonic() - began) < SLACK * IDLE_SHARE


def test_a_rank_stays_small_after_all_these_runs(world: World) -> None:
    for pid in world.ready.pids:
        status = Path(f"/proc/{pid}/status").read_text()
        [resident] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        assert int(resident.split()[1]) / 1024 < MEMORY_MIB


def test_a_world_told_to_stop_ends_in_order_and_says_nothing(world: World) -> None:
    """The last of this world's tests."""
    world.send(wire.Stop())
    assert world.mpirun.wait(10) == 0
    assert world.said == ""
    assert world.living == []
