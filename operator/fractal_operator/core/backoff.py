"""How long to wait after failures in a row: twice as long each time, up to a bound."""


def delay_s(failures: int, *, first_s: float, most_s: float) -> float:
    """Seconds after so many failures; the first one waits `first_s`."""
    return min(most_s, first_s * 2.0 ** min(max(0, failures - 1), 32))
