"""What both stores promise of images: the order in which a result becomes valid, and the proof by reading back."""

import dataclasses

import pytest
from support.pictures import IMAGE, SPEC, put_image, read_image, record_of, run_key, tiles
from support.stores import Backend, connected

from fractal_api.storage import CHUNK_BYTES
from fractal_kernel.store.interface import RunConflict, Store, StoreCorrupt


@pytest.fixture
async def run_with_tiles(store: Store) -> None:
    await store.open_run(run_key(), SPEC)
    await store.put_tiles(run_key(), tiles(0, 1))


@pytest.mark.usefixtures("run_with_tiles")
async def test_an_image_without_a_record_is_not_there_yet(store: Store) -> None:
    await put_image(store, run_key())
    assert await store.read_result(run_key()) is None
    with pytest.raises(StoreCorrupt, match="has no picture"):
        await read_image(store, run_key())


@pytest.mark.usefixtures("run_with_tiles")
async def test_a_committed_image_can_be_read_by_anybody(backend: Backend, store: Store) -> None:
    await put_image(store, run_key())
    assert await store.commit(run_key(), record_of()) == record_of()
    async with connected(backend) as reader:
        assert await reader.read_result(run_key()) == record_of()
        chunks = [chunk async for chunk in reader.read_image(run_key())]
    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES, CHUNK_BYTES, 12_345]
    assert b"".join(chunks) == IMAGE


@pytest.mark.usefixtures("run_with_tiles")
async def test_tiles_go_when_the_result_is_there(backend: Backend, store: Store) -> None:
    await put_image(store, run_key())
    assert "tiles" in backend.entries(run_key())
    await store.commit(run_key(), record_of())
    await store.read_result(run_key())  # a file store tidies up between two calls
    assert backend.entries(run_key()) == {"run", "result", "img.1"}
    stored = await store.open_run(run_key(2), SPEC)
    assert (stored.acknowledged, stored.result) == (frozenset(), record_of())


@pytest.mark.parametrize("harm", ["damage_chunk", "lose_chunk"])
@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.usefixtures("run_with_tiles")
async def test_an_image_that_reads_back_otherwise_is_not_committed(
    backend: Backend, store: Store, harm: str, number: int
) -> None:
    await put_image(store, run_key())
    getattr(backend, harm)(run_key(), number)
    with pytest.raises(StoreCorrupt):
        await store.commit(run_key(), record_of())
    assert await store.read_result(run_key()) is None
    assert (await store.open_run(run_key(), SPEC)).acknowledged == {0, 1}
    await put_image(store, run_key())
    await store.commit(run_key(), record_of())
    assert await read_image(store, run_key()) == IMAGE


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"bytes": len(IMAGE) - 1}, id="size"),
        pytest.param({"bytes": CHUNK_BYTES, "chunks": 1}, id="fewer chunks"),
        pytest.param({"bytes": 3 * CHUNK_BYTES + 1, "chunks": 4}, id="more chunks"),
        pytest.param({"sha256": "0" * 64}, id="digest"),
    ],
)
@pytest.mark.usefixtures("run_with_tiles")
async def test_a_record_of_another_image_is_not_committed(store: Store, wrong: dict[str, int | str]) -> None:
    await put_image(store, run_key())
    with pytest.raises(StoreCorrupt):
        await store.commit(run_key(), dataclasses.replace(record_of(), **wrong))  # type: ignore[arg-type]  # a table
    assert await store.read_result(run_key()) is None


@pytest.mark.usefixtures("run_with_tiles")
async def test_committing_again_changes_nothing(store: Store) -> None:
    await put_image(store, run_key())
    await store.commit(run_key(), record_of())
    again = dataclasses.replace(record_of(), seconds=99.0)
    assert await store.commit(run_key(), again) == record_of()
    assert await read_image(store, run_key()) == IMAGE


@pytest.mark.usefixtures("run_with_tiles")
async def test_two_results_with_other_pixels_are_a_conflict(store: Store) -> None:
    await put_image(store, run_key(1))
    await store.commit(run_key(1), record_of())
    await store.open_run(run_key(2), SPEC)
    await put_image(store, run_key(2))
    with pytest.raises(RunConflict, match="attempt 1 has stored other pixels"):
        await store.commit(run_key(2), record_of(attempt=2, pixels="q"))
    assert await store.read_result(run_key()) == record_of()


@pytest.mark.usefixtures("run_with_tiles")
async def test_an_attempt_that_is_begun_again_may_write_a_shorter_image(store: Store) -> None:
    await put_image(store, run_key())
    short = IMAGE[: CHUNK_BYTES // 2]
    await put_image(store, run_key(), short)
    await store.commit(run_key(), record_of(short))
    assert await read_image(store, run_key()) == short


@pytest.mark.usefixtures("run_with_tiles")
async def test_a_chunk_reads_back_as_it_was_put(store: Store) -> None:
    await store.put_chunk(run_key(), 0, memoryview(IMAGE)[:CHUNK_BYTES])
    assert await store.get_chunk(run_key(), 0) == IMAGE[:CHUNK_BYTES]
    with pytest.raises(StoreCorrupt, match=r"chunk 1 .*missing"):
        await store.get_chunk(run_key(), 1)


@pytest.mark.parametrize(("harm", "words"), [("damage_chunk", "another SHA-256"), ("lose_chunk", "chunk 1 .*missing")])
@pytest.mark.usefixtures("run_with_tiles")
async def test_a_picture_that_is_damaged_later_is_never_read_to_its_end(
    backend: Backend, store: Store, harm: str, words: str
) -> None:
    await put_image(store, run_key())
    await store.commit(run_key(), record_of())
    getattr(backend, harm)(run_key(), 1)
    with pytest.raises(StoreCorrupt, match=words):
        await read_image(store, run_key())
    await store.forget(run_key())
    assert (await store.open_run(run_key(), SPEC)).result is None
