from datetime import timedelta

import pytest
from support.operator_jobs import NOW

from fractal_operator.core.quarantine import QUARANTINE_S, judge, resume
from fractal_operator.core.worlds import Quarantine


def test_three_failures_within_ten_minutes_bring_ten_minutes() -> None:
    assert judge((0.0, 500.0), 500.0, NOW, "it hung") is None
    verdict = judge((0.0, 300.0, 599.0), 599.0, NOW, "it hung")
    assert verdict is not None
    assert verdict.ends_at == NOW + timedelta(seconds=QUARANTINE_S)
    assert verdict.message == (
        "is in quarantine for 10 minutes: 3 jobs failed on it within 10 minutes, the last one: it hung"
    )


def test_failures_of_long_ago_are_forgiven() -> None:
    assert judge((0.0, 300.0, 600.0), 600.0, NOW, "it hung") is None


@pytest.mark.parametrize(
    ("left_s", "kept_s"),
    [
        pytest.param(-1, None, id="over"),
        pytest.param(0, None, id="over just now"),
        pytest.param(200, 200, id="what is left"),
        pytest.param(10**6, QUARANTINE_S, id="a clock was wrong"),
    ],
)
def test_what_is_left_of_a_quarantine_is_served_under_the_next_leader(left_s: float, kept_s: float | None) -> None:
    written = Quarantine(ends_at=NOW + timedelta(seconds=left_s), message="is in quarantine")
    kept = resume(written, NOW)
    assert kept == (
        None if kept_s is None else Quarantine(ends_at=NOW + timedelta(seconds=kept_s), message="is in quarantine")
    )
    assert resume(None, NOW) is None
