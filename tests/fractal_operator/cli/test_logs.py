"""`fractal logs`: the lines of a world's log about one job."""

import json
import threading
from collections.abc import Callable
from typing import Any

from support.gateway_stage import WORLD, Stage, failed, running

from fractal_api import events as e

Fractal = Callable[..., Any]


def started(stage: Stage) -> str:
    run = f"{stage.cluster.job('seahorse')['metadata']['uid']}-1"
    return e.encode(e.Started(run=run, epoch=1, tiles_done=0, tiles_total=240))


def test_lines_about_the_job_are_printed(gateway: Stage, fractal: Fractal) -> None:
    gateway.cluster.put("seahorse", status=running())
    gateway.cluster.log(WORLD, "noise", started(gateway))
    said = fractal("logs", "seahorse")
    assert (said.code, said.err) == (0, "")
    assert (
        said.out == "2026-11-27T07:00:00.001Z [TASK] attempt 1: the world begins; 0 of 240 tiles were there already\n"
    )
    assert json.loads(fractal("logs", "seahorse", "--json").out)["event"] == "started"


def test_following_ends_with_the_job(gateway: Stage, fractal: Fractal) -> None:
    gateway.cluster.put("seahorse", status=running())
    gateway.cluster.log(WORLD, started(gateway))

    def work() -> None:
        gateway.cluster.await_watch()
        gateway.cluster.put("seahorse", status=failed())

    thread = threading.Thread(target=work)
    thread.start()
    said = fractal("logs", "-f", "seahorse")
    thread.join()
    assert said.code == 0
    assert len(said.out.splitlines()) == 1


def test_a_log_that_is_gone_is_told(gateway: Stage, fractal: Fractal) -> None:
    gateway.cluster.put("seahorse", status=failed())
    said = fractal("logs", "seahorse")
    assert said.code == 1
    assert said.err == "fractal: the world ds-clmpi1 of FractalJob art/seahorse is gone, and its log with it\n"
