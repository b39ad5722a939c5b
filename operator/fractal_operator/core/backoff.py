"""How long to wait after failures in a row: twice as long each time, up to a bound."""


def delay_s(failures: int, *, first_s: float, most_s: float) -> float:
    """Seconds after so many failures: none after none, `first_s` after the first."""
    return min(most_s, first_s * 2.0 ** min(failures - 1, 32)) if failures else 0.0
