"""The log: what stands in a line, in which form, and whom it is about."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import kopf
import pytest

from fractal_operator.core.settings import Settings
from fractal_operator.services.log_context import bound
from fractal_operator.services.log_lines import set_up_logs


@pytest.fixture(autouse=True)
def kept_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def log_to(**told: str) -> io.StringIO:
    stream = io.StringIO()
    set_up_logs(Settings.from_environment(told), stream)
    return stream


def test_a_line_is_one_json_object_with_time_level_and_message() -> None:
    stream = log_to()
    logging.getLogger("x").info("%d tiles\nof 4", 3)
    (line,) = lines(stream)
    assert line["time"].endswith("Z")
    assert (line["level"], line["logger"], line["message"]) == ("info", "x", "3 tiles\nof 4")


def test_a_line_says_whom_it_is_about_by_extra_or_by_what_is_bound() -> None:
    stream = log_to()
    with bound(job="art/a", world="w1"), bound(run="u-1"):
        logging.getLogger("x").info("bound")
        logging.getLogger("x").info("told", extra={"world": "w2", "seconds": 2.5})
    logging.getLogger("x").info("neither")
    first, second, third = lines(stream)
    assert (first["job"], first["world"], first["run"]) == ("art/a", "w1", "u-1")
    assert (second["job"], second["world"], second["seconds"]) == ("art/a", "w2", 2.5)
    assert "job" not in third


async def test_tasks_keep_apart_whom_they_are_about() -> None:
    stream = log_to()

    async def work(job: str) -> None:
        with bound(job=job):
            await asyncio.sleep(0)
            logging.getLogger("x").info("working")

    await asyncio.gather(work("art/a"), work("art/b"))
    assert {line["job"] for line in lines(stream)} == {"art/a", "art/b"}


@pytest.mark.parametrize(
    ("reference", "key", "value"),
    [
        ({"kind": "FractalJob", "namespace": "art", "name": "a"}, "job", "art/a"),
        ({"kind": "FractalNamespace", "name": "w1"}, "world", "w1"),
        ({"kind": "Pod", "namespace": "w1", "name": "p"}, "object", "Pod p"),
    ],
)
def test_lines_of_kopf_say_whom_they_are_about(reference: dict[str, str], key: str, value: str) -> None:
    stream = log_to()
    logging.getLogger("kopf.objects").warning(
        "hm", extra={"k8s_ref": reference, "k8s_skip": True, "settings": kopf.OperatorSettings()}
    )
    (line,) = lines(stream)
    assert line[key] == value
    assert not {"k8s_ref", "k8s_skip", "settings"} & set(line)


def test_an_error_has_its_trace_in_the_same_line() -> None:
    stream = log_to()
    try:
        int("broken")
    except ValueError:
        logging.getLogger("x").exception("it failed")
    (line,) = lines(stream)
    assert "ValueError: invalid literal" in line["error"]


def test_the_level_is_obeyed_and_kopf_s_chatter_is_left_out_unless_asked_for() -> None:
    quiet, usual, chatty = log_to(FRACTAL_LOG_LEVEL="error"), io.StringIO(), io.StringIO()
    logging.getLogger("x").warning("no")
    assert quiet.getvalue() == ""
    set_up_logs(Settings.from_environment({}), usual)
    logging.getLogger("kopf.objects").info("Handler succeeded")
    assert usual.getvalue() == ""
    set_up_logs(Settings.from_environment({"FRACTAL_LOG_LEVEL": "debug"}), chatty)
    logging.getLogger("kopf.objects").info("Handler succeeded")
    assert "Handler succeeded" in chatty.getvalue()


def test_text_is_for_people() -> None:
    stream = log_to(FRACTAL_LOG_FORMAT="text")
    with bound(world="w1"):
        logging.getLogger("x").warning("it is late")
    assert stream.getvalue().endswith("Z warning  it is late world=w1\n")


def test_a_wait_is_no_error() -> None:
    stream = log_to()
    logging.getLogger("kopf.objects").error("Handler 'let_go' failed temporarily: its run is not over yet")
    logging.getLogger("kopf.objects").error("Handler 'let_go' failed with an exception")
    assert [line["level"] for line in lines(stream)] == ["info", "error"]
