"""Answers are remembered for a while, and only so many of them."""

from fractal_operator.gateway.expiring import Expiring


def test_a_value_lives_its_time_and_no_longer() -> None:
    now = [0.0]
    held: Expiring[str, bool] = Expiring(life_s=30, capacity=10, clock=lambda: now[0])
    held.put("a", value=False)
    now[0] = 29.9
    assert held.get("a") is False
    now[0] = 30.0
    assert held.get("a") is None


def test_the_oldest_makes_room() -> None:
    held: Expiring[int, int] = Expiring(life_s=30, capacity=3, clock=lambda: 0.0)
    for number in range(100):
        held.put(number, number)
    assert len(held) == 3
    assert [held.get(number) for number in (96, 97, 98, 99)] == [None, 97, 98, 99]


def test_putting_again_begins_the_time_anew() -> None:
    now = [0.0]
    held: Expiring[str, int] = Expiring(life_s=10, capacity=2, clock=lambda: now[0])
    held.put("a", 1)
    now[0] = 9
    held.put("a", 2)
    now[0] = 18
    assert held.get("a") == 2
