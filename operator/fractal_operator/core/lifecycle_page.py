"""docs/lifecycle.md, drawn from the table: `python -m fractal_operator.core.lifecycle_page` prints it."""

import inspect
import sys
from typing import Final

from fractal_operator.core import stimuli as s
from fractal_operator.core.lifecycle import STATES, TABLE, State

_HEAD: Final = """\
# The life of a FractalJob

Made from the table in `operator/fractal_operator/core/lifecycle.py`: change that, not this.

A job's state is derived from its status alone. Each arrow is a stimulus; where the table has no arrow, the stimulus
came too late, too early or from another time, and nothing happens.
"""

_NOTHING: Final = "·"


def render_diagram() -> str:
    """The states and what leads from one to another, as a Mermaid diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.NEW}"]
    for state in STATES:
        for target in State:
            labels = [kind.__name__ for kind, row in TABLE.items() if target in row[state].to]
            if labels:
                end = "[*]" if target is State.GONE else target
                lines.append(f"    {state} --> {end}: {', '.join(labels)}")
    return "\n".join(lines)


def render_table() -> str:
    """Every state and stimulus, as a Markdown table."""
    lines = [f"| what happens | {' | '.join(STATES)} |", "|---" * (len(STATES) + 1) + "|"]
    for kind, row in TABLE.items():
        cells = (_cell(row[state].to) for state in STATES)
        lines.append(f"| **{kind.__name__}**: {_words(kind)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def lifecycle_page() -> str:
    """The page."""
    return f"{_HEAD}\n```mermaid\n{render_diagram()}\n```\n\n{render_table()}\n"


def _cell(states: frozenset[State]) -> str:
    return " or ".join(state for state in State if state in states) or _NOTHING


def _words(kind: type[s.Stimulus]) -> str:
    """The first sentence of a stimulus's docstring."""
    return (inspect.getdoc(kind) or "").partition("\n")[0]


if __name__ == "__main__":
    sys.stdout.write(lifecycle_page())
