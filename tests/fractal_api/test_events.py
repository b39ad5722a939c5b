import dataclasses
import json
import subprocess
import sys
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_api.events import (
    EVENTS,
    MAX_MESSAGE,
    MAX_TEXT,
    Event,
    Failed,
    Progress,
    Ready,
    Tag,
    Waiting,
    decode,
    encode,
)

RUN = "6e4b1f2a-0b9c-4c55-9d7e-5a1f5f0f8a11-1"
PROGRESS = Progress(run=RUN, percent=40, tiles_done=96, tiles_total=240, eta_seconds=3.5)
LINE = (
    f'[STATUS] {{"v":1,"run":"{RUN}","event":"progress","percent":40,"tilesDone":96,"tilesTotal":240,"etaSeconds":3.5}}'
)

numbers = st.integers(0, 2**63 - 1)
seconds = st.floats(0, 1e18, allow_nan=False)
values: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=MAX_TEXT),
    int: numbers,
    bool: st.booleans(),
    float: seconds,
    float | None: st.none() | seconds,
    str | None: st.none() | st.text(max_size=MAX_TEXT),
}


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(kind, **{field.name: values[field.type] for field in dataclasses.fields(kind)})


events = st.one_of([events_of(kind) for kind in EVENTS.values()])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_a_line_has_a_tag_for_people_and_json_for_programs() -> None:
    assert encode(PROGRESS) == LINE
    assert encode(Ready(epoch=1, ranks=8, hosts=4)) == '[TASK] {"v":1,"event":"ready","epoch":1,"ranks":8,"hosts":4}'


@given(event=events)
def test_an_event_comes_back_as_it_went(event: Event) -> None:
    line = encode(event)
    assert decode(line) == event
    assert decode(f"{line}\n") == event
    assert decode(line.encode()) == event


@given(event=events)
def test_a_line_is_one_line_of_ascii_below_the_size_at_which_runtimes_cut(event: Event) -> None:
    line = encode(event)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 16_384


@given(event=events)
def test_the_colon_of_the_earlier_system_is_read(event: Event) -> None:
    assert decode(encode(event).replace("]", "]:", 1)) == event


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_every_event_has_one_of_the_four_tags(kind: type[Event]) -> None:
    assert isinstance(kind.tag, Tag)
    assert [tag.value for tag in Tag] == ["[TASK]", "[STATUS]", "[SUCCESS]", "[ERROR]"]


def test_the_table_holds_every_event_once() -> None:
    assert tuple(EVENTS.values()) == typing.get_args(Event)
    assert list(EVENTS) == [kind.name for kind in typing.get_args(Event)]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("[TASK] Master is running...", id="the earlier system's start"),
        pytest.param("[STATUS]: Worker 3 completed task. 12%", id="the earlier system's progress"),
        pytest.param("[STATUS]: Image generated in 12 ms", id="the earlier system's time"),
        pytest.param("[SUCCESS]: Image outputted", id="the earlier system's success"),
        pytest.param("[SUCCESS] Program finished with exit code 0", id="the earlier system's end"),
        pytest.param("[ERROR] Program exited with code 1", id="the earlier system's failure"),
        pytest.param("", id="nothing"),
        pytest.param("[STATUS]", id="a tag alone"),
        pytest.param("[STATUS] {}", id="an empty object"),
        pytest.param("[STATUS] []", id="a list"),
        pytest.param(LINE.removeprefix("[STATUS] "), id="no tag"),
        pytest.param(LINE.replace("STATUS", "NOTICE"), id="a foreign tag"),
        pytest.param(LINE.replace("STATUS", "SUCCESS"), id="the tag of another event"),
        pytest.param(f"x{LINE}", id="something before the tag"),
        pytest.param(f"{LINE} x", id="something behind the object"),
        pytest.param(LINE[:-5], id="cut short"),
        pytest.param(LINE.replace('"v":1', '"v":2'), id="another version"),
        pytest.param(LINE.replace('"v":1,', ""), id="no version"),
        pytest.param(LINE.replace("progress", "dance"), id="an unknown event"),
        pytest.param(LINE.replace('"progress"', "[1]"), id="an event that is no text"),
        pytest.param(LINE.replace('"percent":40,', ""), id="a missing number"),
        pytest.param(LINE.replace(":40", ":-1"), id="a negative number"),
        pytest.param(LINE.replace(":40", ":40.5"), id="a broken number"),
        pytest.param(LINE.replace(":40", ":true"), id="a boolean for a number"),
        pytest.param(LINE.replace(":40", ':"40"'), id="a text for a number"),
        pytest.param(LINE.replace(":40", f":{2**63}"), id="a number beyond 64 bits"),
        pytest.param(LINE.replace(":40", f":{'9' * 400}"), id="a number beyond doubles"),
        pytest.param(LINE.replace(":40", f":{'9' * 5000}"), id="a number beyond Python's limit"),
        pytest.param(LINE.replace(":3.5", ":NaN"), id="NaN"),
        pytest.param(LINE.replace(":3.5", ":Infinity"), id="infinity"),
        pytest.param(LINE.replace(f'"{RUN}"', "5"), id="a number for a text"),
        pytest.param(f"[STATUS] {{{'[' * 30_000}}}", id="deeply nested lists"),
        pytest.param("[STATUS] " + '{"a":' * 10_000 + "}" * 10_000, id="deeply nested objects"),
        pytest.param(LINE.replace("}", f"{' ' * 70_000}}}"), id="a line beyond all bounds"),
    ],
)
def test_a_foreign_line_is_passed_over(line: str) -> None:
    assert decode(line) is None
    assert decode(line.encode()) is None


@given(
    line=st.one_of(st.text(), st.text().map("[STATUS] {".__add__), st.binary(), st.binary().map(b"[TASK] {".__add__))
)
def test_whatever_stands_in_a_log_decoding_never_raises(line: str | bytes) -> None:
    assert decode(line) is None


@given(body=st.dictionaries(st.sampled_from(["v", "run", "event", "percent", "tilesDone", "epoch"]), json_values))
def test_json_that_is_no_event_never_raises(body: dict[str, Any]) -> None:
    assert decode(f"[STATUS] {json.dumps(body)}") is None


@given(changes=st.dictionaries(st.sampled_from(list(json.loads(LINE[9:]))), json_values, min_size=1))
def test_a_damaged_line_is_no_event_or_one_that_says_the_same(changes: dict[str, Any]) -> None:
    decoded = decode(f"[STATUS] {json.dumps(json.loads(LINE[9:]) | changes)}")
    if decoded is not None:
        assert isinstance(decoded, Progress)
        assert decode(encode(decoded)) == decoded


def test_lone_surrogates_and_line_breaks_survive() -> None:
    event = Failed(run=RUN, reason="WorldLost", message="a\nb\ud800\u2028\x00")
    assert decode(encode(event)) == event


def test_fields_of_a_newer_program_are_ignored() -> None:
    assert decode(LINE.replace('"percent"', '"mood":"good","percent"')) == PROGRESS


def test_an_unknown_eta_is_left_out() -> None:
    event = dataclasses.replace(PROGRESS, eta_seconds=None)
    assert "eta" not in encode(event)
    assert decode(encode(event)) == event


def test_a_long_message_is_cut() -> None:
    decoded = decode(encode(Waiting(what="w" * 9999, message="m" * 9999)))
    assert decoded == Waiting(what="w" * MAX_TEXT, message="m" * MAX_MESSAGE)


def test_a_number_that_is_none_can_t_be_said() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode(dataclasses.replace(PROGRESS, eta_seconds=float("nan")))


def test_the_light_rooms_of_the_contract_don_t_pay_for_pydantic() -> None:
    rooms = "errors, tiling, tiles, storage, events, decimals"
    code = f"import sys; from fractal_api import {rooms}; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
