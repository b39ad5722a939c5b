from fractal_operator.core.pulse import Pulse


def test_the_most_silent_open_stream_counts() -> None:
    pulse = Pulse(0.0)
    quiet, lively = pulse.open(10.0), pulse.open(10.0)
    pulse.heard(lively, 50.0)
    assert pulse.age_s(60.0) == 50.0
    pulse.close(quiet)
    assert pulse.age_s(60.0) == 10.0


def test_without_any_stream_the_last_sign_of_life_counts() -> None:
    pulse = Pulse(5.0)
    assert pulse.age_s(20.0) == 15.0
    stream = pulse.open(20.0)
    pulse.heard(stream, 30.0)
    pulse.close(stream)
    assert pulse.age_s(100.0) == 70.0
