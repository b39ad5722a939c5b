from fractal_operator.core.quarantine import judge


def test_three_failures_within_ten_minutes_bring_ten_minutes() -> None:
    assert judge((0.0, 500.0), 500.0, "it hung") is None
    verdict = judge((0.0, 300.0, 599.0), 599.0, "it hung")
    assert verdict is not None
    assert verdict.until == 1199.0
    assert verdict.message == (
        "is in quarantine for 10 minutes: 3 jobs failed on it within 10 minutes, the last one: it hung"
    )


def test_failures_of_long_ago_are_forgiven() -> None:
    assert judge((0.0, 300.0, 600.0), 600.0, "it hung") is None
