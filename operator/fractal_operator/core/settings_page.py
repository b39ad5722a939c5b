"""docs/configuration.md, made from the settings: `python -m fractal_operator.core.settings_page` prints it."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum

from pydantic.fields import FieldInfo

from fractal_operator.core.settings import GatewaySettings, OperatorSettings, Settings

_HEAD = """\
# Configuration

What the processes in the cluster read from their environment. An empty variable counts as absent; one that can't be is
refused at the start, with a sentence that names it. This page is made from `fractal_operator.core.settings`.
"""


def settings_page() -> str:
    """The page: a table for what both processes read, and one for each of them."""
    return "\n".join(
        (
            _HEAD,
            *_table("Operator and gateway", Settings.model_fields.items()),
            "",
            *_table("The operator alone", _own(OperatorSettings)),
            "",
            *_table("The gateway alone", _own(GatewaySettings)),
            "",
        )
    )


def _own(settings: type[Settings]) -> list[tuple[str, FieldInfo]]:
    return [(name, field) for name, field in settings.model_fields.items() if name not in Settings.model_fields]


def _table(title: str, fields: Iterable[tuple[str, FieldInfo]]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    for _, field in fields:
        yield f"| `{field.alias}` | {_default(field.default)} | {field.description} |"


def _default(value: object) -> str:
    if value is None:
        return "none"
    return f"`{value.value if isinstance(value, StrEnum) else value}`"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
