"""The log: one JSON object a line, or text for people, of our loggers and of the libraries' alike."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from fractal_operator.core.settings import LogFormat, Settings
from fractal_operator.services import log_context

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "k8s_ref",
    "k8s_skip",
    "settings",
}
_PLAIN: Final = (str, int, float, bool)
_QUIET: Final = ("kopf.objects", "aiohttp.access", "asyncio", "httpx")
"""Loggers that say at each event that nothing is wrong."""


def set_up_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Send everything that is logged from now on to `stream`, else to standard error, as the settings want it."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format is LogFormat.JSON else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    root.setLevel(level)
    logging.getLogger("kopf.objects").addFilter(_soften)
    for name in _QUIET:
        logging.getLogger(name).setLevel(level if level == logging.DEBUG else max(level, logging.WARNING))


def _soften(record: logging.LogRecord) -> bool:
    """Always True. What kopf calls a failure for the time being is a wait of ours, and no error."""
    if record.levelno == logging.ERROR and "failed temporarily" in record.getMessage():
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
    return True


class JsonLines(logging.Formatter):
    """A JSON object: time, level, logger, message; job, world and run where known; whatever `extra` holds; error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **about(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextLines(logging.Formatter):
    """Time, level and message, then what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines when there is a traceback."""
        known = "".join(f" {key}={value}" for key, value in about(record).items())
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{_moment(record)} {record.levelname.lower():8} {record.getMessage()}{known}{trace}"


def about(record: logging.LogRecord) -> dict[str, Any]:
    """What the record is about: bound in the task, named by kopf, and told with it, in rising order of precedence."""
    told = {key: value for key, value in vars(record).items() if key not in _STANDARD and isinstance(value, _PLAIN)}
    merged = {**log_context.current(), **dict(_named_by_kopf(record)), **told}
    return {key: merged[key] for key in (*log_context.KEYS, *merged) if key in merged}


def _named_by_kopf(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    reference: Mapping[str, str | None] = getattr(record, "k8s_ref", None) or {}
    name = reference.get("name") or ""
    match reference.get("kind"):
        case "FractalJob":
            yield "job", f"{reference.get('namespace')}/{name}"
        case "FractalNamespace":
            yield "world", name
        case str() as kind:
            yield "object", f"{kind} {name}"
        case _:
            return


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
