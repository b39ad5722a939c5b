import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_api.tiling import BAND_ROWS, MAX_TILES, Rect, TileGrid, band_count, band_rows, tile_grid

sides = st.integers(1, 65_536)


@st.composite
def small_grids(draw: st.DrawFn) -> TileGrid:
    return TileGrid(width=draw(st.integers(1, 60)), height=draw(st.integers(1, 60)), size=draw(st.integers(1, 70)))


@given(grid=small_grids())
def test_the_tiles_cover_every_pixel_once(grid: TileGrid) -> None:
    covered = [
        (x, y) for tile in grid for x in range(tile.x, tile.x + tile.width) for y in range(tile.y, tile.y + tile.height)
    ]
    assert len(covered) == len(set(covered)) == grid.width * grid.height
    assert all(0 <= x < grid.width and 0 <= y < grid.height for x, y in covered)


@given(grid=small_grids())
def test_tiles_are_numbered_row_by_row_from_the_top_left(grid: TileGrid) -> None:
    tiles = list(grid)
    assert len(tiles) == len(grid) == grid.columns * grid.rows
    assert tiles == sorted(tiles, key=lambda tile: (tile.y, tile.x))
    assert all(tile == grid.tile(index) for index, tile in enumerate(tiles))


@given(grid=small_grids())
def test_only_tiles_at_the_edges_are_clipped(grid: TileGrid) -> None:
    for tile in grid:
        assert tile.width == grid.size or tile.x + tile.width == grid.width
        assert tile.height == grid.size or tile.y + tile.height == grid.height
        assert tile.pixels == tile.width * tile.height >= 1


@given(width=sides, height=sides, block=st.integers(1, 4096))
def test_a_store_gets_the_smallest_doubling_of_the_block_that_keeps_its_limit(
    width: int, height: int, block: int
) -> None:
    grid = tile_grid(width, height, block)
    assert len(grid) <= MAX_TILES
    doublings = (grid.size // block).bit_length() - 1
    assert grid.size == block << doublings
    if doublings:
        assert len(TileGrid(width=width, height=height, size=grid.size // 2)) > MAX_TILES


def test_the_largest_picture_has_as_many_tiles_as_a_store_takes() -> None:
    assert len(tile_grid(65_536, 65_536, 64)) == MAX_TILES
    assert tile_grid(1280, 720, 64).size == 64


@pytest.mark.parametrize("index", [-1, 6, 10**9])
def test_a_tile_beyond_the_last_is_an_error(index: int) -> None:
    with pytest.raises(IndexError, match="of 6"):
        TileGrid(width=30, height=20, size=10).tile(index)


@given(height=sides)
def test_bands_are_whole_rows_without_gap_or_overlap(height: int) -> None:
    bands = [band_rows(band, height) for band in range(band_count(height))]
    assert [row for band in bands for row in band] == list(range(height))
    assert all(len(band) == BAND_ROWS for band in bands[:-1])
    assert 1 <= len(bands[-1]) <= BAND_ROWS


def test_a_rectangle_knows_its_pixels() -> None:
    assert Rect(3, 4, 5, 6).pixels == 30
