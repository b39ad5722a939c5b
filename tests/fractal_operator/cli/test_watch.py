"""`fractal watch`: a bar or lines while a job goes on, its end as an exit code."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.gateway_stage import Stage, complete, condition, failed, running
from support.terminal import Terminal

from fractal_operator.cli import following
from fractal_operator.cli.display import Lines
from fractal_operator.cli.following import furthest
from fractal_operator.core.job_view import JobView, view

Fractal = Callable[..., Any]


def later(stage: Stage, *steps: Callable[[], object]) -> threading.Thread:
    """Do these one after the other, once somebody watches."""

    def work() -> None:
        stage.cluster.await_watch()
        for step in steps:
            step()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_job_that_completes_ends_well(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.put("seahorse", status={"phase": "Pending"})
    record = stage.picture("seahorse", b"x")
    work = later(
        stage,
        lambda: stage.cluster.put("seahorse", status=running()),
        lambda: stage.cluster.put("seahorse", status=complete(record)),
    )
    said = fractal("watch", "seahorse")
    work.join()
    assert said.code == 0
    assert said.out == f"fractaljob/seahorse complete: 4×2, 128 iterations, 1.5 s, sha256 of pixels {'b' * 64}\n"
    assert said.err.splitlines() == [
        "art/seahorse: waits for a world",
        "art/seahorse: on ds-clmpi1, 40 %, 96/240 tiles, 0:00:09 left",
    ]


def test_a_job_that_fails_ends_with_its_reason(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.put("seahorse", status={"phase": "Pending"})
    work = later(stage, lambda: stage.cluster.put("seahorse", status=failed()))
    said = fractal("watch", "seahorse")
    work.join()
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[-1] == "fractal: FractalJob art/seahorse failed: the world died three times"


def test_a_job_that_has_ended_is_told_at_once(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.put("seahorse", status=failed())
    assert fractal("watch", "seahorse").code == 1
    stage.complete_job("dragon", b"x")
    assert fractal("watch", "dragon").code == 0


def test_a_job_that_is_deleted_is_an_end_too(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.put("seahorse", status=running())
    work = later(stage, lambda: stage.cluster.delete("seahorse"))
    said = fractal("watch", "seahorse")
    work.join()
    assert (said.code, said.err.splitlines()[-1]) == (1, "fractal: FractalJob art/seahorse was deleted")


def test_a_watch_that_is_too_old_is_begun_again(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.put("seahorse", status=running())
    record = stage.picture("seahorse", b"x")
    work = later(stage, stage.cluster.expire_watches, lambda: stage.cluster.put("seahorse", status=complete(record)))
    assert fractal("watch", "seahorse").code == 0
    work.join()


@pytest.mark.timeout(30)
def test_a_mistake_of_ours_ends_the_watching_too(
    stage: Stage, fractal: Fractal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> Iterator[JobView]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(following, "_changes", stumble)
    stage.cluster.put("seahorse", status={"phase": "Pending"})
    said = fractal("watch", "seahorse")
    assert said.code == 1
    assert "internal error: RuntimeError: a bug" in said.err


def test_waiting_jobs_say_what_they_wait_for(stage: Stage, fractal: Fractal) -> None:
    waits = condition("Assigned", status="False", reason="Queued", message="every world is taken")
    stage.cluster.put("seahorse", status={"phase": "Pending", "conditions": [waits]})
    work = later(stage, lambda: stage.cluster.put("seahorse", status=failed()))
    assert fractal("watch", "seahorse").err.splitlines()[0] == "art/seahorse: waits: every world is taken"
    work.join()


def test_submitting_can_wait_for_the_end(stage: Stage, fractal: Fractal) -> None:
    Path("a.yaml").write_text(
        "apiVersion: clusteredfractals.dev/v1alpha1\nkind: FractalJob\nmetadata: {name: x}\nspec: {fractal: {}}\n"
    )
    work = later(stage, lambda: stage.cluster.put("x", status=failed()))
    said = fractal("submit", "-w", "a.yaml")
    work.join()
    assert said.code == 1
    assert said.out == "fractaljob/x submitted to art\n"
    assert said.err.splitlines()[-1] == "fractal: FractalJob art/x failed: the world died three times"


def test_a_terminal_sees_a_bar_that_moves_with_the_live_figures(gateway: Stage) -> None:
    gateway.cluster.put("seahorse", status=running())
    with Terminal(["watch", "seahorse"], cwd=Path.cwd()) as terminal:
        terminal.read_until(lambda screen: "40%" in screen and "96/240 tiles" in screen)
        gateway.live("seahorse", percent=77.7, tilesDone=180)
        terminal.read_until(lambda screen: "77%" in screen and "180/240 tiles" in screen)
        gateway.cluster.put("seahorse", status=running(percent=50, done=120))
        record = gateway.picture("seahorse", b"x")
        gateway.cluster.put("seahorse", status=complete(record))
        assert terminal.read_to_the_end() == 0
        after = terminal.screen[terminal.screen.index("77%") :]
        assert "50%" not in after
        assert "fractaljob/seahorse complete: 4×2" in after


def test_ctrl_c_stops_watching_and_the_job_goes_on(stage: Stage) -> None:
    stage.cluster.put("seahorse", status=running())
    with Terminal(["watch", "seahorse"], cwd=Path.cwd()) as terminal:
        terminal.read_until(lambda screen: "40%" in screen)
        terminal.process.send_signal(2)
        assert terminal.read_to_the_end() == 130
        assert "Traceback" not in terminal.screen
    assert stage.cluster.job("seahorse")["status"]["phase"] == "Running"


def test_watching_goes_on_without_a_gateway(stage: Stage, fractal: Fractal) -> None:
    stage.cluster.put("seahorse", status=running())
    stage.cluster.may_forward = False
    stage.cluster.forwards["gateway-1"] = 1
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(fractal, "watch", "seahorse")
        stage.cluster.await_watch()
        time.sleep(1.2)  # long enough that it has looked for live figures twice
        stage.cluster.put("seahorse", status=failed())
        said = watching.result(20)
    assert said.code == 1
    assert "port-forward" not in said.err


def test_lines_come_at_each_step_and_now_and_then() -> None:
    now, written = [0.0], list[str]()
    lines = Lines("art/seahorse", written.append, clock=lambda: now[0])

    def show(percent: int, at: float) -> None:
        now[0] = at
        manifest = {"metadata": {"namespace": "art", "name": "x", "uid": "u", "creationTimestamp": "t"}}
        lines(view({**manifest, "status": running(percent=percent)}))

    for percent, at in [(0, 0), (0, 60), (5, 61), (9, 62), (10, 63), (11, 64), (12, 80), (12, 999)]:
        show(percent, at)
    assert [line.split(", ")[1] for line in written] == ["0 %", "5 %", "12 %"]


@pytest.mark.parametrize(
    ("before", "now", "shown"),
    [
        (running(percent=70, done=170), running(percent=50, done=120), 70),
        (running(percent=50, done=120), running(percent=70, done=170), 70),
        (running(percent=70, done=120), running(percent=60, done=130), 70),
        (running(percent=70, done=170), running(percent=1, done=2, attempts=2), 1),
        (running(percent=70, done=170), {**running(percent=1, done=2), "assignedTo": "other"}, 1),
    ],
    ids=["behind", "further", "more tiles and a smaller share", "another attempt", "another world"],
)
def test_a_bar_does_not_jump_back_within_a_run(before: dict[str, Any], now: dict[str, Any], shown: int) -> None:
    metadata = {"namespace": "art", "name": "x", "uid": "u", "creationTimestamp": "t"}
    seen, fresh = (view({"metadata": metadata, "status": status}) for status in (before, now))
    progress = furthest(seen, fresh).status.progress
    assert progress is not None
    assert progress.percent == shown
