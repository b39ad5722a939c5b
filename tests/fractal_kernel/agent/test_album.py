"""Tiles that are kept in memory until the image is made of them."""

from fractal_kernel.agent.album import Album


def test_tiles_are_kept_while_there_is_room_and_the_others_are_left_to_the_store() -> None:
    album = Album(capacity=10)
    album.keep("a-1", [(0, b"1234"), (1, b"12345678"), (2, b"123456")])
    assert [album.find("a-1", tile) for tile in range(4)] == [b"1234", None, b"123456", None]


def test_a_tile_that_comes_again_takes_the_place_of_the_first() -> None:
    album = Album(capacity=8)
    album.keep("a-1", [(0, b"12345678")])
    album.keep("a-1", [(0, b"abcd"), (1, b"efgh")])
    assert (album.find("a-1", 0), album.find("a-1", 1)) == (b"abcd", b"efgh")
    album.keep("a-1", [(0, b"too long")])
    assert album.find("a-1", 0) is None


def test_one_run_is_kept_at_a_time() -> None:
    album = Album(capacity=4)
    album.keep("a-1", [(0, b"1234")])
    assert album.find("b-1", 0) is None
    album.drop("b-1")
    assert album.find("a-1", 0) == b"1234"
    album.keep("b-1", [(0, b"abcd")])
    assert (album.find("a-1", 0), album.find("b-1", 0)) == (None, b"abcd")
    album.drop("b-1")
    assert album.find("b-1", 0) is None


def test_several_tiles_are_found_only_when_all_are_here() -> None:
    album = Album(100)
    album.keep("a-1", [(0, b"a"), (1, b"b"), (3, b"d")])
    assert album.find_all("a-1", (1, 0)) == [b"b", b"a"]
    assert album.find_all("a-1", range(4)) is None
    assert album.find_all("b-1", (0,)) is None
