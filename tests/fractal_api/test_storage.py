import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_api.errors import RecordError
from fractal_api.storage import (
    CHUNK_BYTES,
    Atomically,
    ExpireKeys,
    Keys,
    ResultRecord,
    SetRecord,
    UnlinkKeys,
    VerifyImage,
    chunk_count,
    chunk_spans,
    expiry_s,
    keys_of,
    plan_commit,
    plan_read,
)

DAY_S = 86_400
KEYS = Keys(install="main", uid="6e4b1f2a-0b9c-4c55-9d7e-5a1f5f0f8a11")
RECORD = ResultRecord(
    sha256="a" * 64,
    pixels_sha256="b" * 64,
    bytes=2 * CHUNK_BYTES + 1,
    chunks=3,
    chunk_bytes=CHUNK_BYTES,
    attempt=2,
    width=1280,
    height=720,
    seconds=1.5,
    max_iterations=5000,
    picture_version=1,
)
JSON: dict[str, Any] = json.loads(RECORD.to_json())

digests = st.text("0123456789abcdef", min_size=64, max_size=64)


@st.composite
def records(draw: st.DrawFn) -> ResultRecord:
    size, chunk = draw(st.integers(1, 2**40)), draw(st.integers(1, 2**24))
    return ResultRecord(
        sha256=draw(digests),
        pixels_sha256=draw(digests),
        bytes=size,
        chunks=-(-size // chunk),
        chunk_bytes=chunk,
        attempt=draw(st.integers(1, 10**6)),
        width=draw(st.integers(1, 65_536)),
        height=draw(st.integers(1, 65_536)),
        seconds=draw(st.floats(0, 1e9)),
        max_iterations=draw(st.integers(1, 2**31 - 1)),
        picture_version=draw(st.integers(1, 100)),
    )


def test_the_keys_of_a_picture_are_those_that_are_documented() -> None:
    prefix = "fj:main:{6e4b1f2a-0b9c-4c55-9d7e-5a1f5f0f8a11}"
    assert (KEYS.tiles, KEYS.run, KEYS.live) == (f"{prefix}:tiles", f"{prefix}:run", f"{prefix}:live")
    assert (KEYS.result, KEYS.chunk(2, 0)) == (f"{prefix}:result", f"{prefix}:img:2:0")


def test_a_sweep_finds_the_picture_of_each_of_its_keys_and_leaves_others_alone() -> None:
    for key in (KEYS.tiles, KEYS.run, KEYS.live, KEYS.result, *KEYS.chunks(3, 2)):
        assert keys_of(key) == KEYS
    for foreign in ("mpi_jobs", "fj:main:6e4b:tiles", "fj:main:{a}b}:tiles", f"{KEYS.tiles}\n", f"x{KEYS.tiles}", ""):
        assert keys_of(foreign) is None


@pytest.mark.parametrize("name", ["", "a}b", "a:b", "a b", "ä", "a*", "a\n", "-a", "x" * 254])
def test_a_name_that_could_reach_into_other_keys_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="part of a store's key"):
        Keys(install="main", uid=name)
    with pytest.raises(ValueError, match="part of a store's key"):
        Keys(install=name, uid="a")


@given(size=st.integers(0, 2**34))
def test_chunks_cover_an_image_without_gap_or_overlap(size: int) -> None:
    spans = list(chunk_spans(size))
    assert len(spans) == chunk_count(size)
    assert [span.start for span in spans] == [number * CHUNK_BYTES for number in range(len(spans))]
    assert all(len(span) == CHUNK_BYTES for span in spans[:-1])
    assert sum(len(span) for span in spans) == size


@given(record=records())
def test_a_record_comes_back_as_it_went(record: ResultRecord) -> None:
    assert ResultRecord.from_json(record.to_json()) == record
    assert ResultRecord.from_json(record.to_json().encode()) == record


def test_a_record_has_the_names_of_the_status() -> None:
    assert list(JSON) == [
        "sha256",
        "pixelsSha256",
        "bytes",
        "chunks",
        "chunkBytes",
        "attempt",
        "width",
        "height",
        "seconds",
        "maxIterations",
        "pictureVersion",
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="a list"),
        pytest.param("{", id="no JSON"),
        pytest.param(b"\xff\xfe\xfd", id="no text"),
        pytest.param("[" * 100_000, id="deeply nested"),
        pytest.param(json.dumps(JSON | {"extra": 1}), id="an unknown field"),
        pytest.param(json.dumps({k: v for k, v in JSON.items() if k != "bytes"}), id="a missing field"),
        pytest.param(json.dumps(JSON | {"bytes": "5"}), id="a number as text"),
        pytest.param(json.dumps(JSON | {"attempt": True}), id="a boolean as number"),
        pytest.param(json.dumps(JSON | {"width": 1280.0}), id="a float as integer"),
        pytest.param(json.dumps(JSON | {"sha256": 5}), id="a number as text field"),
        pytest.param(json.dumps(JSON | {"sha256": "A" * 64}), id="upper-case digits"),
        pytest.param(json.dumps(JSON | {"sha256": "a" * 63}), id="a short digest"),
        pytest.param(json.dumps(JSON | {"chunks": 2}), id="too few chunks"),
        pytest.param(json.dumps(JSON | {"chunkBytes": 0}), id="empty chunks"),
        pytest.param(json.dumps(JSON | {"attempt": 0}), id="no attempt"),
        pytest.param(json.dumps(JSON | {"seconds": -1}), id="a negative duration"),
        pytest.param(json.dumps(JSON | {"seconds": float("nan")}), id="a duration that is no number"),
        pytest.param(json.dumps(JSON | {"seconds": 10**400}), id="a duration beyond doubles"),
        pytest.param(json.dumps(JSON | {"pictureVersion": 0}), id="no picture version"),
        pytest.param('{"bytes": ' + "9" * 5000 + "}", id="a number beyond Python's limit"),
    ],
)
def test_anything_but_a_record_is_refused(text: str | bytes) -> None:
    with pytest.raises(RecordError, match="no result record"):
        ResultRecord.from_json(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(changes=st.dictionaries(st.sampled_from(list(JSON)), json_values, min_size=1))
def test_a_damaged_record_is_refused_or_is_a_record(changes: dict[str, Any]) -> None:
    try:
        record = ResultRecord.from_json(json.dumps(JSON | changes))
    except RecordError:
        return
    assert json.loads(record.to_json()) == JSON | changes


def test_a_record_that_contradicts_itself_can_t_be_made() -> None:
    with pytest.raises(ValueError, match="don't fill 4 chunks"):
        replace(RECORD, chunks=4)


@pytest.mark.parametrize(
    ("longest_s", "ttl_s", "seconds"),
    [
        pytest.param(7 * DAY_S, None, 7 * DAY_S, id="no TTL"),
        pytest.param(7 * DAY_S, 60, 60, id="a shorter TTL"),
        pytest.param(DAY_S, 7 * DAY_S, DAY_S, id="a longer TTL"),
        pytest.param(DAY_S, 0, 1, id="a TTL of nothing"),
    ],
)
def test_a_key_lives_no_longer_than_the_job_s_ttl(longest_s: int, ttl_s: int | None, seconds: int) -> None:
    assert expiry_s(longest_s, ttl_s) == seconds


def test_a_commit_reads_the_image_back_before_it_writes_the_record_and_lets_go_of_the_tiles_last() -> None:
    chunks = KEYS.chunks(2, 3)
    assert plan_commit(KEYS, RECORD) == (
        VerifyImage(chunks=chunks, size=RECORD.bytes, sha256=RECORD.sha256),
        Atomically(
            steps=(
                SetRecord(key=KEYS.result, value=RECORD.to_json(), expire_s=7 * DAY_S),
                ExpireKeys(keys=(*chunks, KEYS.run), expire_s=7 * DAY_S),
                UnlinkKeys(keys=(KEYS.tiles,)),
                ExpireKeys(keys=(KEYS.live,), expire_s=DAY_S),
            )
        ),
    )


def test_a_ttl_shortens_the_life_of_everything_that_a_commit_leaves() -> None:
    _, transaction = plan_commit(KEYS, RECORD, ttl_s=60)
    assert isinstance(transaction, Atomically)
    assert [step.expire_s for step in transaction.steps if not isinstance(step, UnlinkKeys)] == [60, 60, 60]


def test_reading_an_image_begins_its_life_anew() -> None:
    kept = plan_read(KEYS, RECORD)
    assert kept == ExpireKeys(keys=(KEYS.result, KEYS.run, *KEYS.chunks(2, 3)), expire_s=7 * DAY_S)
    assert plan_read(KEYS, RECORD, ttl_s=5).expire_s == 5
