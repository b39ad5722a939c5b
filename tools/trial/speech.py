"""What a person at the terminal is told."""

import sys


def say(text: str = "") -> None:
    """Lines to standard output, at once: standard error's lines stand between them."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
