"""Lines of a log with their times."""

import pytest

from fractal_operator.adapters.logs import Stamp, parse_line, parse_stamp


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-11-27T07:31:54.899207473Z", Stamp(1795764714, 899207473)),
        ("2026-11-27T07:31:54.8992Z", Stamp(1795764714, 899200000)),
        ("2026-11-27T07:31:54Z", Stamp(1795764714, 0)),
        ("2026-11-27T08:31:54.5+01:00", Stamp(1795764714, 500000000)),
        ("2026-11-27T07:31:54", None),
        ("2026-11-27T07:31:54.Z", None),
        ("2026-11-27T07:31:54.1234567890Z", None),
        ("unable to retrieve container logs", None),
        ("", None),
    ],
)
def test_a_stamp_is_exact_to_the_nanosecond(text: str, stamp: Stamp | None) -> None:
    assert parse_stamp(text) == stamp


def test_stamps_are_in_the_order_of_time() -> None:
    assert Stamp(1, 999_999_999) < Stamp(2, 0) < Stamp(2, 1)


def test_a_line_is_what_stands_behind_its_time() -> None:
    line = parse_line(b"2026-11-27T07:31:54Z [TASK] {} x")

    assert line is not None
    assert line.text == b"[TASK] {} x"


@pytest.mark.parametrize("raw", [b"", b"garbage", b"\xff\xfe \x00", b"2026 x"])
def test_a_line_without_a_time_is_none(raw: bytes) -> None:
    assert parse_line(raw) is None
