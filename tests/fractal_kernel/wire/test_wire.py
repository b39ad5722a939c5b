"""Frames between agent and rank 0: what is written is read, in pieces of any size, and nothing else is."""

import itertools
import json
import struct
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_kernel.definition import Definition, Frame, GridDefinition, LegacyDefinition
from fractal_kernel.wire import (
    MAX_BODY,
    MAX_HEADER,
    TO_AGENT,
    TO_WORLD,
    Beat,
    Cancel,
    Cancelled,
    Decoder,
    Failed,
    Heartbeat,
    Message,
    Pause,
    Ready,
    Rendered,
    Resume,
    Run,
    Started,
    Stop,
    Surveyed,
    Tiles,
    ToAgent,
    ToWorld,
    WireError,
    encode,
)
from fractal_kernel.wire.encoding import JOINED

texts = st.text(max_size=40)
counts = st.integers(0, 2**63)
reals = st.floats(allow_nan=False, allow_infinity=False)
seconds = st.floats(0, 1e9)
blobs = st.binary(max_size=300)
frames = st.builds(
    Frame,
    width=st.integers(1, 65536),
    height=st.integers(1, 65536),
    side=st.integers(1, 16),
    block_size=st.integers(1, 4096),
)
plane = dict.fromkeys(("julia_re", "julia_im", "center_re", "center_im", "zoom"), reals)
definitions: st.SearchStrategy[Definition] = st.one_of(
    st.builds(LegacyDefinition, frame=frames, **plane),
    st.builds(
        GridDefinition,
        frame=frames,
        **plane,
        matrix=st.none() | st.tuples(reals, reals, reals, reals),
        max_iterations=st.none() | counts,
        colors=st.lists(texts, max_size=3).map(tuple),
        offset=reals,
        scale=reals,
    ),
)
to_world: st.SearchStrategy[ToWorld] = st.one_of(
    st.builds(
        Run,
        run=texts,
        definition=definitions,
        acknowledged=st.frozensets(st.integers(0, 16383), max_size=50),
        max_iterations=st.none() | counts,
    ),
    st.builds(Cancel, run=texts),
    st.builds(Pause),
    st.builds(Resume),
    st.builds(Stop),
)
tiles = st.tuples(counts, blobs)
beats = st.builds(Beat, rank=counts, iterations=counts, batches=counts, busy=st.booleans(), silent_s=seconds)
to_agent: st.SearchStrategy[ToAgent] = st.one_of(
    st.builds(Ready, epoch=counts, hosts=st.lists(texts, max_size=4).map(tuple), pids=st.just((1, 2))),
    st.builds(Started, run=texts),
    st.builds(Surveyed, run=texts, max_iterations=counts, work=seconds, tiles=counts),
    st.builds(
        Tiles,
        run=texts,
        rank=counts,
        iterations=counts,
        seconds=seconds,
        work=seconds,
        tiles=st.lists(tiles, max_size=5).map(tuple),
    ),
    st.builds(Rendered, run=texts),
    st.builds(Cancelled, run=texts),
    st.builds(Failed, run=texts, reason=texts),
    st.builds(Heartbeat, ranks=st.lists(beats, max_size=4).map(tuple)),
)


FACTS: Final[dict[str, Any]] = {"run": "r", "rank": 1, "iterations": 9, "seconds": 0.5, "work": 7.0}
"""Of a batch, all but its tiles."""


def stream(messages: list[Any]) -> bytes:
    return b"".join(bytes(part) for message in messages for part in encode(message))


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def frame(header: object, body: bytes = b"", *, declared: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack(">II", len(text), len(body) if declared is None else declared) + text + body


@given(messages=st.lists(to_world, max_size=5), cuts=st.lists(st.integers(0), max_size=8))
def test_rank_0_reads_what_the_agent_wrote_in_pieces_of_any_size(messages: list[ToWorld], cuts: list[int]) -> None:
    decoder = Decoder(TO_WORLD)
    assert [m for piece in pieces(stream(messages), cuts) for m in decoder.feed(piece)] == messages
    assert decoder.idle


@given(messages=st.lists(to_agent, max_size=5), cuts=st.lists(st.integers(0), max_size=8))
def test_the_agent_reads_what_rank_0_wrote_in_pieces_of_any_size(messages: list[ToAgent], cuts: list[int]) -> None:
    decoder = Decoder(TO_AGENT)
    assert [m for piece in pieces(stream(messages), cuts) for m in decoder.feed(piece)] == messages
    assert decoder.idle


@given(message=to_agent, data=st.data())
def test_a_stream_that_ends_within_a_frame_is_not_idle(message: ToAgent, data: st.DataObject) -> None:
    whole = stream([message])
    decoder = Decoder(TO_AGENT)
    assert decoder.feed(whole[: data.draw(st.integers(1, len(whole) - 1))]) == []
    assert not decoder.idle


@given(junk=st.binary(min_size=8, max_size=400))
def test_bytes_that_are_no_frames_give_messages_or_a_wire_error_and_nothing_else(junk: bytes) -> None:
    decoder = Decoder(TO_WORLD)
    try:
        decoder.feed(junk)
    except WireError as error:
        assert str(error)  # noqa: PT017 - both ways are right; only a third one is not


@given(message=to_agent, at=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_gives_messages_or_a_wire_error_and_nothing_else(message: ToAgent, at: int, bit: int) -> None:
    damaged = bytearray(stream([message]))
    damaged[at % len(damaged)] ^= 1 << bit
    try:
        Decoder(TO_AGENT).feed(damaged)
    except WireError as error:
        assert str(error)  # noqa: PT017 - as above


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(struct.pack(">II", MAX_HEADER + 1, 0), id="a header over the limit"),
        pytest.param(struct.pack(">II", 2, MAX_BODY + 1), id="a body over the limit"),
        pytest.param(frame([]), id="a header that is no object"),
        pytest.param(frame({"run": "r"}), id="a header without kind"),
        pytest.param(frame({"kind": "Sing"}), id="an unknown kind"),
        pytest.param(frame({"kind": "Started", "run": "r"}), id="a kind of the other direction"),
        pytest.param(frame({"kind": "Cancel"}), id="a missing field"),
        pytest.param(frame({"kind": "Cancel", "run": 3}), id="a field of another type"),
        pytest.param(struct.pack(">II", 1, 0) + b"\xff", id="a header that is no UTF-8"),
        pytest.param(struct.pack(">II", 200_000, 0) + b"[" * 200_000, id="a header nested without end"),
    ],
)
def test_what_is_no_message_is_a_wire_error(data: bytes) -> None:
    with pytest.raises(WireError):
        Decoder(TO_WORLD).feed(data)


@pytest.mark.parametrize(
    ("indices", "lengths", "body"),
    [
        pytest.param([0], [3], b"ab", id="longer than the body"),
        pytest.param([0], [1], b"ab", id="shorter than the body"),
        pytest.param([0, 1], [-1, 2], b"a", id="of negative length"),
        pytest.param([0], [1, 1], b"ab", id="more than their indices"),
        pytest.param([0, 1], [2], b"ab", id="fewer than their indices"),
    ],
)
def test_tiles_that_are_not_the_body_are_a_wire_error(indices: list[int], lengths: list[int], body: bytes) -> None:
    with pytest.raises(WireError):
        Decoder(TO_AGENT).feed(frame({"kind": "Tiles", **FACTS, "indices": indices, "lengths": lengths}, body))


def test_a_message_too_large_for_the_limits_is_not_written() -> None:
    half = bytes(MAX_BODY // 2 + 1)
    with pytest.raises(WireError, match="over the limit"):
        encode(Tiles(**FACTS, tiles=((0, half), (1, half))))


def test_a_small_message_is_one_buffer() -> None:
    assert len(encode(Tiles(**FACTS, tiles=((0, b"a"), (1, b""), (2, b"bc"))))) == 1


def test_a_large_body_is_written_and_read_without_a_copy() -> None:
    data = bytes(JOINED + 1)
    parts = encode(Tiles(**FACTS, tiles=((0, data),)))
    assert any(part is data for part in parts)
    (message,) = Decoder(TO_AGENT).feed(b"".join(parts))
    assert isinstance(message, Tiles)
    [(_, read)] = message.tiles
    assert isinstance(read, memoryview)
    assert read.readonly


def test_a_run_of_the_largest_picture_fits_into_a_header() -> None:
    message: Message = Run(
        run="r",
        definition=LegacyDefinition(
            frame=Frame(width=65536, height=1024, side=1, block_size=64),
            julia=False,
            julia_re=0.0,
            julia_im=0.0,
            center_re=0.0,
            center_im=0.0,
            zoom=1.0,
            max_iterations=1,
            color_mode=0,
        ),
        acknowledged=frozenset(range(16384)),
    )
    assert sum(map(len, encode(message))) < 4096
